"""Served under a path of another site, by a real nginx as documented."""

import re
from collections.abc import AsyncIterator, Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from app.api.middleware.path_prefix import UnderPrefix
from app.config import Settings
from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.nginx import nginx
from tests.harness.serving import serving
from tests.harness.sse import frames
from tests.stream.conftest import QUESTION

DOCS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
OTHER_LOCATIONS = re.compile(r"location (?:~ \^|/ |= /metrics).*?\n        \}", re.DOTALL)
BLOCK = re.compile(r"```nginx\n(location /citestream \{.*?\n\})\n```", re.DOTALL)


def as_documented(text: str) -> str:
    """nginx with the documented block only."""
    (block,) = BLOCK.findall(DOCS.read_text())
    marker = "proxy_connect_timeout 5s;"
    return OTHER_LOCATIONS.sub("", text).replace(marker, f"{marker}\n{block}")


def stripping(text: str) -> str:
    """The other documented setup: the application never sees the path."""
    return (
        as_documented(text)
        .replace("location /citestream {", "location /citestream/ {")
        .replace("proxy_pass http://citestream;", "proxy_pass http://citestream/;")
    )


@pytest.fixture(params=[as_documented, stripping])
async def below(
    request: pytest.FixtureRequest, settings: Settings, embedder: MiniLM
) -> AsyncIterator[httpx.AsyncClient]:
    edit: Callable[[str], str] = request.param
    prefixed = settings.model_copy(update={"root_path": "/citestream"})
    async with serving(prefixed, embedder) as server:
        with nginx(server.port, edit=edit) as url:
            async with httpx.AsyncClient(
                base_url=f"{url}/citestream/", follow_redirects=True, timeout=20
            ) as http:
                yield http


class Addresses(HTMLParser):
    """Every address in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in {"src", "href"} and value]


async def test_page_api_and_documents_are_found_below_the_path(below: httpx.AsyncClient) -> None:
    for path in ("", "library", "c/some-conversation", "docs"):
        page = await below.get(path)
        assert page.status_code == 200, path
        for address in Addresses(page.text).found:
            assert address.startswith("/citestream/"), (path, address)
            assert (await below.get(f"{below.base_url.copy_with(path=address)}")).status_code == 200
    assert (await below.get(str(below.base_url).rstrip("/"))).status_code == 200
    assert (await below.get("health/ready")).status_code == 200
    assert (await below.get("sources")).json()["counts"]["documents"] == 1
    document = (await below.get("openapi.json")).json()
    assert document["servers"] == [{"url": "/citestream"}]
    outside = await below.get(str(below.base_url.copy_with(path="/sources")))
    assert outside.status_code == 404


async def test_streams_and_links_work_below_the_path(
    below: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.always(Reply(tokens=["Nausea ", "is common [1]."]))
    async with below.stream("POST", "chat", json={"message": QUESTION}) as response:
        seen = [frame async for frame in frames(response)]
    assert seen[-1].type == "done"
    run_id = seen[0].content["run_id"]
    async with below.stream("GET", f"runs/{run_id}/events") as response:
        replayed = [frame async for frame in frames(response)]
    assert [frame.id for frame in replayed][-1] == seen[-1].id
    link = await cited_link(below, "v1/chat/completions")
    assert link.startswith(f"{below.base_url}library?source=")


async def cited_link(http: httpx.AsyncClient, url: str, **headers: str) -> str:
    body = {"model": "citestream", "messages": [{"role": "user", "content": QUESTION}]}
    answer = await http.post(url, json=body, headers=headers)
    message = answer.json()["choices"][0]["message"]
    return str(message["annotations"][0]["url_citation"]["url"])


@pytest.mark.parametrize(
    ("headers", "begins"),
    [
        ({}, "http://{host}/library?"),
        ({"X-Forwarded-Proto": "https"}, "https://{host}/library?"),
        ({"X-Forwarded-Proto": "HTTPS, http"}, "https://{host}/library?"),
        ({"X-Forwarded-Proto": "javascript"}, "http://{host}/library?"),
        ({"X-Forwarded-Prefix": "/ask/"}, "http://{host}/ask/library?"),
        (
            {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/a/b, /c"},
            "https://{host}/a/b/library?",
        ),
        ({"X-Forwarded-Prefix": "//evil.example"}, "http://{host}/library?"),
        ({"X-Forwarded-Prefix": '/"><script>'}, "http://{host}/library?"),
        ({"X-Forwarded-Prefix": "/../x"}, "http://{host}/library?"),
    ],
)
async def test_a_cited_link_opens_the_page_at_the_passage(
    client: httpx.AsyncClient, upstream: FakeOpenAI, headers: dict[str, str], begins: str
) -> None:
    upstream.always(Reply(tokens=["Common side effects include nausea and headache [1]."]))
    link = await cited_link(client, "/v1/chat/completions", **headers)
    assert link.startswith(begins.format(host=client.base_url.netloc.decode()))
    place = {name: value[0] for name, value in parse_qs(urlsplit(link).query).items()}
    passage = await client.get(f"/sources/{place['source']}/passages/{place['passage']}")
    quote = passage.json()["text"][int(place["start"]) : int(place["end"])]
    assert "nausea" in quote


@pytest.mark.parametrize("path", ["/c/x", "/ask/c/x", "/library", "/ask/library"])
async def test_a_forged_path_is_nothing_but_a_path(client: httpx.AsyncClient, path: str) -> None:
    for forged in ('/"onload="x', "/a b", "//evil.example", "/%22", "javascript:x"):
        page = await client.get("/", headers={"X-Forwarded-Prefix": forged})
        assert forged not in page.text
    page = await client.get(path, headers={"X-Forwarded-Prefix": "/ask"})
    assert page.status_code == 200
    assert all(address.startswith("/ask/") for address in Addresses(page.text).found)


async def test_what_the_server_was_told_counts_and_is_taken_off() -> None:
    seen: list[tuple[str, bytes, str, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        prefix = scope.get("state", {}).get("prefix", "")
        seen.append((scope["path"], scope["raw_path"], scope["root_path"], prefix))

    async def nothing() -> Message:
        raise AssertionError("nobody reads")

    async def nowhere(message: Message) -> None:
        raise AssertionError(f"nobody answers {message}")

    async def asked(path: str, *, root_path: str = "", setting: str = "") -> None:
        scope = {"type": "http", "path": path, "raw_path": path.encode(), "headers": []}
        inside = UnderPrefix(app, root_path=setting)
        await inside({**scope, "root_path": root_path}, nothing, nowhere)

    await asked("/x/sources", root_path="/x")
    await asked("/sources", root_path="/x/")
    await asked("/y/sources", root_path="/x", setting="/y")
    await asked("/xy/sources", root_path="/x")
    await asked("/sources")
    assert seen == [
        ("/sources", b"/sources", "", "/x"),
        ("/sources", b"/sources", "", "/x"),
        ("/sources", b"/sources", "", "/y"),
        ("/xy/sources", b"/xy/sources", "", "/x"),
        ("/sources", b"/sources", "", ""),
    ]
