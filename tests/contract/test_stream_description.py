"""`specs/contracts/sse-stream.yaml` describes the streams that the transcripts show."""

import re
from typing import Any

import orjson
import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from app.cli.contracts import CONTRACTS, openapi
from tests.contract.scenarios import NAMED_EVENT_SCENARIOS, Scenario, path_of

DESCRIPTION: dict[str, Any] = yaml.safe_load((CONTRACTS / "sse-stream.yaml").read_text())
EVENTS: dict[str, Any] = orjson.loads((CONTRACTS / "events.schema.json").read_bytes())
EVENTS_FILE = Resource.from_contents(
    EVENTS | {"$schema": "https://json-schema.org/draft/2020-12/schema"}
)
REGISTRY: Registry[Any] = Registry().with_resource("events.schema.json", EVENTS_FILE)
NAMED = re.compile(rb"^event: (\w+)\ndata: (.*)$", re.MULTILINE)


def messages_of(channel: str) -> dict[str, Any]:
    messages = DESCRIPTION["components"]["messages"]
    return {
        name: messages[reference["$ref"].rpartition("/")[2]]
        for name, reference in DESCRIPTION["channels"][channel]["messages"].items()
    }


def test_every_event_of_the_schema_is_described_and_no_other() -> None:
    in_schema = set(EVENTS["discriminator"]["mapping"])
    assert set(messages_of("run")) == set(messages_of("chat")) == in_schema
    for name, message in messages_of("run").items():
        reference = message["payload"]["$ref"]
        arm = EVENTS["$defs"][reference.removeprefix("events.schema.json#/$defs/")]
        assert arm["properties"]["type"]["const"] == name


def test_every_channel_is_a_route_that_streams() -> None:
    paths = orjson.loads(openapi())["paths"]
    for channel in DESCRIPTION["channels"].values():
        method = channel["bindings"]["http"]["method"].lower()
        answer = paths[channel["address"]][method]["responses"]["200"]
        assert "text/event-stream" in answer["content"]


@pytest.mark.parametrize("scenario", NAMED_EVENT_SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_named_events_fit_their_description(scenario: Scenario) -> None:
    described = messages_of("namedEvents")
    found = NAMED.findall(path_of(scenario).read_bytes())
    assert found
    for name, data in found:
        payload = described[name.decode()]["payload"]
        Draft202012Validator(payload, registry=REGISTRY).validate(orjson.loads(data))
