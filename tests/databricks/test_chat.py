"""Answers by a serving endpoint: complete, stopped, refused, with tokens that expire."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.config import Settings
from app.domain.errors import SettingError
from app.llm.databricks import signed_by
from app.llm.registry import make_answer_model
from tests.fakes.databricks_workspace import DatabricksWorkspace
from tests.fakes.openai_script import Reply
from tests.harness.run_client import asking, last_answer
from tests.stream.abort_kit import MOMENTS, Moment, Place, disconnect_at, stop_at
from tests.stream.conftest import QUESTION

ANSWER = ("Common side effects ", "include nausea ", "and headache [1].")
TEXT = "".join(ANSWER)


async def asked(client: httpx.AsyncClient) -> httpx.Response:
    body = {"message": QUESTION, "session_id": "s"}
    return await client.post("/chat", json=body, headers={"Accept": "application/json"})


async def test_an_endpoint_answers_cited(
    client: httpx.AsyncClient, workspace: DatabricksWorkspace
) -> None:
    workspace.script(Reply(tokens=ANSWER))
    answer = (await asked(client)).json()
    assert answer["answer"] == TEXT
    assert answer["finish_reason"] == "stop"
    assert answer["citations"][0]["verified"] is True
    assert answer["usage"]["estimated"] is False
    assert workspace.calls == [workspace.pat]
    ready = (await client.get("/health/ready")).json()
    assert ready["model"]["provider"] == "databricks"
    assert ready["model"]["sends_to"] == f"127.0.0.1:{workspace.port}"


async def test_a_reasoning_model_sends_parts_and_its_thoughts_stay_out(
    client: httpx.AsyncClient, workspace: DatabricksWorkspace
) -> None:
    workspace.script(Reply(tokens=ANSWER, reasoning=("Let me ", "think."), content_parts=True))
    answer = (await asked(client)).json()
    assert answer["answer"] == TEXT
    events = (await client.get(f"/runs/{answer['run_id']}/events")).text
    assert '"text":"Let me think."' in events


@pytest.mark.parametrize("refuse_stream", [False, True])
async def test_thoughts_in_the_answer_stay_out_too(
    client: httpx.AsyncClient, workspace: DatabricksWorkspace, refuse_stream: bool
) -> None:
    said = ["<thi", "nk>Perhaps [2].</th", "ink>\n\n", *ANSWER]
    workspace.always(Reply(tokens=said, refuse_stream=refuse_stream))
    assert (await asked(client)).json()["answer"] == TEXT


async def test_an_endpoint_that_does_not_stream_is_asked_without(
    client: httpx.AsyncClient, workspace: DatabricksWorkspace
) -> None:
    workspace.always(Reply(tokens=ANSWER, refuse_stream=True))
    answer = (await asked(client)).json()
    assert answer["answer"] == TEXT
    assert answer["usage"]["estimated"] is False


async def test_a_busy_endpoint_is_tried_again(
    client: httpx.AsyncClient, workspace: DatabricksWorkspace
) -> None:
    workspace.script(Reply(status=429, retry_after="0"), Reply(tokens=ANSWER))
    assert (await asked(client)).json()["answer"] == TEXT
    workspace.always(Reply(status=429, retry_after="0"))
    failed = await asked(client)
    assert failed.status_code == 502
    assert failed.json()["error"]["code"] == "UPSTREAM_RATE_LIMITED"


async def test_a_token_that_expired_is_named(
    client: httpx.AsyncClient, workspace: DatabricksWorkspace
) -> None:
    workspace.expire_tokens()
    error = (await asked(client)).json()["error"]
    assert error["code"] == "GENERATION_FAILED"
    assert "Check DATABRICKS_TOKEN and DATABRICKS_ENDPOINT." in error["message"]


async def test_a_cut_in_the_middle_keeps_the_text(
    client: httpx.AsyncClient, workspace: DatabricksWorkspace
) -> None:
    workspace.script(Reply(tokens=ANSWER, cut_after=2, cut="reset"))
    failed = (await asked(client)).json()
    assert failed["error"]["code"] == "UPSTREAM_TRUNCATED"
    assert failed["partial"] == "".join(ANSWER[:2])


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name.replace(" ", "_"))
async def test_stop_closes_the_endpoints_socket(
    client: httpx.AsyncClient, workspace: DatabricksWorkspace, moment: Moment
) -> None:
    await stop_at(moment, Place(client, client, workspace), "stopped")


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.name.replace(" ", "_"))
async def test_disconnect_closes_the_endpoints_socket(
    client: httpx.AsyncClient, workspace: DatabricksWorkspace, moment: Moment
) -> None:
    await disconnect_at(moment, Place(client, client, workspace), "left")


async def test_tokens_that_arrive_together_are_merged(
    client: httpx.AsyncClient, workspace: DatabricksWorkspace
) -> None:
    workspace.script(Reply(tokens=("word ",), length=2_000, frames_per_chunk=100))
    async with asking(client, QUESTION, session_id="s") as stream:
        await stream.rest()
    tokens = [frame for frame in stream.seen if frame.type == "token"]
    text = "".join(frame.content for frame in tokens)
    assert text.split() == ["word"] * 2_000
    assert len(tokens) < 1_000
    assert (await last_answer(client, "s"))["content"] == text


async def test_oauth_tokens_are_renewed_before_they_expire(
    workspace: DatabricksWorkspace, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_CLIENT_ID", workspace.client_id)
    monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", workspace.client_secret)
    workspace.oauth_s = 30  # closer to its expiry than the SDK allows
    workspace.always(Reply(tokens=ANSWER))
    signed = settings.model_copy(update={"databricks_token": None})
    model = await asyncio.to_thread(make_answer_model, signed.answer_model)
    for _ in range(2):
        workspace.valid.clear()
        assert (await model.chat.ainvoke(QUESTION)).content == TEXT
    await model.aclose()
    assert len(set(workspace.calls)) == 2


async def test_without_a_sign_in_the_start_names_the_setting(settings: Settings) -> None:
    unsigned = settings.model_copy(update={"databricks_token": None, "databricks_host": None})
    with pytest.raises(SettingError, match=r"^DATABRICKS_HOST: got no workspace"):
        await asyncio.to_thread(make_answer_model, unsigned.answer_model)


async def test_a_sign_in_that_breaks_is_no_traceback(
    client: httpx.AsyncClient, workspace: DatabricksWorkspace
) -> None:
    def broken() -> dict[str, str]:
        raise OSError("the identity provider is away")

    with pytest.raises(Exception, match="no token"):
        await signed_by(broken)()


async def test_runs_become_traces_where_mlflow_is_told_of(
    workspace: DatabricksWorkspace, settings: Settings, tmp_path: object
) -> None:
    import mlflow

    uri = f"sqlite:///{tmp_path}/traces.db"
    workspace.always(Reply(tokens=ANSWER))
    model = await asyncio.to_thread(
        make_answer_model,
        settings.model_copy(
            update={"mlflow_tracking_uri": uri, "databricks_token": SecretStr(workspace.pat)}
        ).answer_model,
    )
    try:
        assert [c async for c in model.chat.astream(QUESTION)]
        mlflow.flush_trace_async_logging()
        until = time.monotonic() + 15
        while not (traces := await asyncio.to_thread(found)) and time.monotonic() < until:
            await asyncio.sleep(0.1)
        assert TEXT in str(traces[0].data.spans[0].outputs)
    finally:
        mlflow.langchain.autolog(disable=True)
        await model.aclose()


def found() -> list[Any]:
    import mlflow

    return list(mlflow.search_traces(return_type="list", locations=["0"]))
