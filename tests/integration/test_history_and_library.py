"""A file is added, suggests questions, is asked, found, exported, deleted and restored."""

import json
from typing import Any

import httpx
import pytest

from tests.harness.documents import flowing, pdf

ASKING = {"Accept": "application/json"}
SURVEY = [
    "Heron survey of Quarrington Weir",
    "",
    "A scrape is a shallow nest on bare ground that wading birds make in spring.",
    "The weir trust is the owner of the meadow and pays the rangers of the colony.",
    "",
    "The rangers counted 47 nests in the colony. Floods in March took nine of the nests,",
    "so the trust raised the platform by two metres before the next breeding season.",
]


async def added(client: httpx.AsyncClient, name: str, content: bytes) -> dict[str, Any]:
    """The result of a file, from the events of its job."""
    sent = await client.post("/sources", files=[("file", (name, content))])
    assert sent.status_code == 202, sent.text
    told = (await client.get(f"/jobs/{sent.json()['job_id']}/events")).text
    events = [json.loads(line[6:]) for line in told.splitlines() if line.startswith("data: ")]
    (end,) = [event["content"] for event in events if event["type"] == "file"]
    return dict(end)


async def asked(client: httpx.AsyncClient, question: str, session: str) -> dict[str, Any]:
    body = {"message": question, "session_id": session}
    return dict((await client.post("/chat", json=body, headers=ASKING)).json())


async def test_a_new_file_suggests_questions_that_it_answers(client: httpx.AsyncClient) -> None:
    source = (await added(client, "heron.pdf", pdf([flowing(SURVEY)])))["source_id"]
    answer = await client.get(f"/sources/{source}/questions")
    questions = [item["question"] for item in answer.json()["items"]]
    assert 1 <= len(questions) <= 3
    assert "What is a scrape?" in questions
    for number, question in enumerate(questions):
        given = await asked(client, question, f"suggested-{number}")
        assert given["finish_reason"] == "stop"
        assert given["citations"][0]["source_id"] == source
    assert (await client.get("/sources/none/questions")).status_code == 404


async def test_a_conversation_is_found_and_saved_as_markdown(client: httpx.AsyncClient) -> None:
    await added(client, "tea.md", b"# Tea\n\nGreen tea is steeped for two minutes.\n")
    await asked(client, "How long is green tea <b>steeped</b>?", "tea-talk")
    found = (await client.get("/conversations", params={"q": "two minutes"})).json()["items"]
    assert [one["session_id"] for one in found] == ["tea-talk"]
    assert "two minutes" in found[0]["match"]["text"]
    listed = (await client.get("/conversations")).json()["items"]
    assert {one["match"] for one in listed} == {None}
    saved = await client.get("/conversations/tea-talk/export", params={"language": "de"})
    assert saved.headers["content-type"] == "text/markdown; charset=utf-8"
    assert saved.headers["content-disposition"].startswith("attachment; ")
    assert "## How long is green tea \\<b\\>steeped\\</b\\>?" in saved.text
    assert "**Quellen**\n\n\\[1\\] Tea" in saved.text
    assert "> Green tea is steeped for two minutes." in saved.text
    assert (await client.get("/conversations/none/export")).status_code == 404
    for bad in ({"q": "x" * 201}, {"q": "a\0b"}, {"q": "tea", "cursor": "made up"}):
        assert (await client.get("/conversations", params=bad)).status_code == 422, bad


async def test_a_cited_source_that_is_deleted_keeps_its_quote(client: httpx.AsyncClient) -> None:
    source = (await added(client, "cups.md", b"# Cups\n\nThe blue cups hold 200 ml.\n"))[
        "source_id"
    ]
    given = await asked(client, "How much do the blue cups hold?", "cups")
    cited = given["citations"][0]
    assert (await client.delete(f"/sources/{source}")).status_code == 204
    assert (await client.get(f"/sources/{source}")).status_code == 404
    stored = (await client.get("/conversations/cups/messages")).json()["items"][-1]
    assert stored["citations"][0] == cited
    again = await asked(client, "How much do the blue cups hold?", "cups-again")
    assert source not in {one["source_id"] for one in again["citations"]}
    back = await client.post(f"/sources/{source}/restore")
    assert (back.status_code, back.json()["source_id"]) == (200, source)
    assert (await client.post(f"/sources/{source}/restore")).status_code == 404


@pytest.mark.parametrize(
    "name",
    ["x" * 296 + ".txt", "<img src=x onerror=alert(1)>.txt", "🫖🫖.txt", "**b** [l](e).txt"],
)
async def test_names_are_text(client: httpx.AsyncClient, name: str) -> None:
    end = await added(client, name, f"Only {name} is said here.".encode())
    assert end["status"] == "added"
    source = (await client.get(f"/sources/{end['source_id']}")).json()
    assert source["name"] == name[-255:]
    assert source["title"].strip()
    assert (await client.get(f"/sources/{end['source_id']}/questions")).status_code == 200


RULES = b"""# Workshop rules

## Opening hours

The workshop is open from eight to six on weekdays, and it is closed on Sundays.

## How to start the lathe

Close the guard of the lathe, then turn the green switch and wait for the lamp.

## Where keys are kept

The keys of the workshop are kept in the grey box behind the door of the office.

## Cleaning the filters

The filters of the extractor are cleaned with compressed air on the first Monday of a month.

## If the extractor fails

When the extractor fails, leave the workshop and call the caretaker on extension 40.
"""


async def test_after_an_answer_come_questions_that_its_source_answers(
    client: httpx.AsyncClient,
) -> None:
    source = (await added(client, "rules.md", RULES))["source_id"]

    async def follow_ups(answer: dict[str, Any]) -> list[str]:
        route = f"/conversations/{answer['session_id']}/messages/{answer['message_id']}/questions"
        items = (await client.get(route)).json()["items"]
        assert len(items) <= 3
        return [item["question"] for item in items]

    question = "Where are the keys kept?"
    seen = [question]
    for _ in range(3):
        answer = await asked(client, question, "workshop")
        assert answer["citations"][0]["source_id"] == source
        offered = await follow_ups(answer)
        assert offered == await follow_ups(answer)  # the same when it is opened again
        assert not set(offered) & set(seen)
        question = offered[0]
        seen.append(question)
    assert "How do I start the lathe?" in seen
    refused = await asked(client, "Who won the chess match in Reykjavik?", "workshop")
    assert await follow_ups(refused) == []
    greeted = await asked(client, "Hello", "workshop-2")
    assert await follow_ups(greeted) == []
    unknown = "/conversations/workshop/messages/00000000-0000-4000-8000-000000000000/questions"
    assert (await client.get(unknown)).status_code == 404
