"""Quoting mode over HTTP: whole units, markers of cited passages, no padding."""

import asyncio
from typing import Any

import httpx
import pytest

PARTS = [
    f"Part {number:02d} of the press is checked for cracks, cleaned with warm water and oiled."
    for number in range(1, 25)
]
MANUAL = f"""# Press manual

The press was built in 1987. It weighs 41 tonnes and stands in hall 3.

## Weekly inspection

The weekly inspection of the press covers:

{chr(10).join(f"- {part}" for part in PARTS)}

## Fuses

| Fuse | Current (A) | Protects |
|---|---|---|
| F1 | 16 | lamp |
| F2 | 63 | main motor |
| F3 | 10 | oil pump |

## Replacing the belt

1. Switch the press off.
2. Release the belt:

   ```
   press belt --release
   ```

3. Put the new belt on.
4. Switch the press on.

After a new belt the press runs louder for a day.

## Words

Ram

The moving block that shapes the sheet.

Anvil

The fixed block below the sheet.
"""
TALK = """WEBVTT

00:00.000 --> 00:04.000
<v Ada>We decided to paint the press green.

00:04.000 --> 00:08.000
<v Ben>I have not been asked about the colour.

00:08.000 --> 00:12.000
<v Cem>We also decided to paint the floor grey.
"""


@pytest.fixture
async def library(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """With both files; sent again they are unchanged."""
    files = [("file", ("press.md", MANUAL.encode())), ("file", ("talk.vtt", TALK.encode()))]
    job = (await client.post("/sources", files=files)).json()["job_id"]
    async with asyncio.timeout(50):
        ended = await client.get(f"/jobs/{job}/events")
    assert '"type":"done"' in ended.text
    return client


async def asked(client: httpx.AsyncClient, question: str) -> dict[str, Any]:
    response = await client.post(
        "/chat", json={"message": question}, headers={"Accept": "application/json"}
    )
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    markers = [citation["marker"] for citation in answer["citations"]]
    assert markers == list(range(1, len(markers) + 1))
    assert all(citation["verified"] for citation in answer["citations"])
    return answer


async def test_a_list_of_several_passages_is_whole(library: httpx.AsyncClient) -> None:
    answer = await asked(library, "What does the weekly inspection of the press cover?")
    lead, listed = answer["answer"].split("\n\n")
    assert lead == "The weekly inspection of the press covers:"
    assert [line[2:].rpartition(" [")[0] for line in listed.split("\n")] == PARTS
    assert len(answer["citations"]) > 1


async def test_each_unit_keeps_its_form(library: httpx.AsyncClient) -> None:
    answers = {
        "What is the current of fuse F2?": (
            "| Fuse | Current (A) | Protects |\n|---|---|---|\n| F2 | 63 | main motor [1] |"
        ),
        "How do I replace the belt of the press?": (
            "1. Switch the press off. [1]\n2. Release the belt: [1]\n"
            "   ```\n   press belt --release\n   ```\n\n"
            "3. Put the new belt on. [1]\n4. Switch the press on. [1]"
        ),
        "What shapes the sheet in the press?": "Ram: The moving block that shapes the sheet. [1]",
        "How much does the press weigh?": (
            "The press was built in 1987. [1] It weighs 41 tonnes and stands in hall 3. [1]"
        ),
    }
    found = {question: (await asked(library, question))["answer"] for question in answers}
    assert found == answers


async def test_each_decision_has_its_speaker(library: httpx.AsyncClient) -> None:
    answer = await asked(library, "What did we decide to paint?")
    assert answer["answer"] == (
        "Ada: We decided to paint the press green. [1]\n\n"
        "Cem: We also decided to paint the floor grey. [1]"
    )
