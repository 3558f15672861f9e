"""The deployment files: their schemas and their consistency."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli.contracts import openapi
from app.config import Settings
from app.observability.metrics import Metrics
from scripts.image_build import command_of, environment_of, fields_of, parse
from scripts.manifests import (
    compose,
    compose_problems,
    kubernetes_problems,
    manifests,
    problems,
    schema,
)

ROOT = Path(__file__).resolve().parents[2]
NAMES = {name.upper() for name in Settings.model_fields}
STREAMS = re.compile(r"location ~ (\^.+\$) \{")


def test_everything_is_well_formed_and_agrees() -> None:
    assert problems(NAMES) == []


SPOILT: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("app-1", lambda s: s.update(stop_grace_period="10s"), "shorter than the drain"),
    ("app-1", lambda s: s["environment"].update(LOGFORMAT="json"), "LOGFORMAT is no setting"),
    ("app-1", lambda s: s.update(read_only=False), "may write to its image"),
    ("nginx", lambda s: s.pop("healthcheck"), "has no health check"),
    ("nginx", lambda s: s.pop("restart"), "does not restart"),
    ("nginx", lambda s: s["volumes"].append("lost:/lost"), "volume lost is not declared"),
]


@pytest.mark.parametrize(("service", "spoil", "told"), SPOILT)
def test_what_does_not_agree_in_compose_is_told(
    service: str, spoil: Callable[[dict[str, Any]], object], told: str
) -> None:
    document = copy.deepcopy(compose())
    spoil(document["services"][service])
    assert told in " ".join(compose_problems(document, NAMES))


def test_what_does_not_agree_in_kubernetes_is_told() -> None:
    found = copy.deepcopy(manifests())
    found["Deployment/citestream"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 30
    found["PodDisruptionBudget/citestream"]["spec"]["minAvailable"] = 2
    found["HorizontalPodAutoscaler/citestream"]["spec"]["minReplicas"] = 1
    found["ConfigMap/citestream"]["data"]["MAX_RUN"] = "3"
    found["Service/citestream"]["spec"]["selector"] = {"app": "other"}
    assert len(list(kubernetes_problems(found, NAMES | {"DATABASE_URL"}))) == 5


@pytest.mark.parametrize(
    ("name", "key"), [("Deployment/citestream", "replica"), ("Service/citestream", "port")]
)
def test_a_misspelt_key_is_found(name: str, key: str) -> None:
    document = copy.deepcopy(manifests()[name])
    document["spec"][key] = 3
    assert list(schema("kubernetes").iter_errors(document))


def test_a_misspelt_key_of_compose_is_found() -> None:
    document = copy.deepcopy(compose())
    document["services"]["nginx"]["dependson"] = []
    assert list(schema("compose").iter_errors(document))


def test_the_image_is_built_in_stages_and_runs_as_nobody_special() -> None:
    stages = parse((ROOT / "Dockerfile").read_text())
    assert [stage.name for stage in stages] == ["page", "packages", "final"]
    final = stages[-1]
    assert fields_of(final, "USER") == ["citestream"]
    assert command_of(final, "CMD") == ["python", "-m", "app.main"]
    assert "/health/ready" in command_of(final, "HEALTHCHECK")[-1]
    assert set(environment_of(final)) - NAMES == {"PATH", "PYTHONUNBUFFERED"}


def test_every_route_that_streams_is_one_of_nginx_streams() -> None:
    (pattern,) = STREAMS.findall((ROOT / "deploy" / "nginx.conf").read_text())
    for path, methods in json.loads(openapi())["paths"].items():
        for method in methods.values():
            answers = method["responses"].get("200", {}).get("content", {})
            if "text/event-stream" in answers:
                assert re.fullmatch(pattern, path.replace("{", "").replace("}", "")), path


def test_the_dashboard_and_the_alerts_ask_for_figures_that_exist() -> None:
    registry = Metrics().registry
    known = {n for metric in registry.collect() for n in (metric.name, f"{metric.name}_total")}
    text = (ROOT / "deploy/grafana/citestream.json").read_text()
    rules = (ROOT / "deploy/prometheus/rules.yml").read_text()
    assert yaml.safe_load(rules)
    asked = set(re.findall(r"citestream_[a-z_]+", text + rules)) - {"citestream_"}
    momentary = (ROOT / "app/observability/exposition.py").read_text()
    for name in asked:
        plain = name.removesuffix("_bucket").removesuffix("_total")
        assert name in known or plain in known or plain in momentary, name
    boxes = [panel["gridPos"] for panel in json.loads(text)["panels"]]
    assert len({(box["x"], box["y"]) for box in boxes}) == len(boxes), "panels lie on each other"
