"""The built page is served with a policy that prevents it from fetching or running foreign code."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.api.routes.page import PageFallback, page_router


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    """A client of a page with one asset."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>page</title>")
    (tmp_path / "assets" / "page-1a2b.mjs").write_text("export {}")
    app = FastAPI()
    app.include_router(page_router(tmp_path))
    app.add_middleware(PageFallback, dist=tmp_path)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.mark.parametrize("path", ["/", "/c/some-conversation", "/library"])
async def test_every_address_of_the_page_has_the_policy(
    client: httpx.AsyncClient, path: str
) -> None:
    response = await client.get(path)

    assert response.status_code == 200
    assert "<title>page</title>" in response.text
    policy = response.headers["content-security-policy"].split("; ")
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not any("unsafe" in rule or "http" in rule for rule in policy)
    assert response.headers["referrer-policy"] == "no-referrer"


async def test_assets_are_kept_for_ever_and_modules_are_scripts(client: httpx.AsyncClient) -> None:
    response = await client.get("/assets/page-1a2b.mjs")

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/javascript")
    assert "immutable" in response.headers["cache-control"]


async def test_nothing_outside_of_the_build_is_served(client: httpx.AsyncClient) -> None:
    assert (await client.get("/assets/..%2f..%2fetc/passwd")).status_code == 404


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/nowhere", "/c", "/library/more", "/assets/gone.js"])
async def test_people_get_the_page_at_an_unknown_address_and_programs_get_json(
    client: httpx.AsyncClient, path: str
) -> None:
    seen = await client.get(path, headers={"Accept": BROWSER})
    assert (seen.status_code, seen.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "<title>page</title>" in seen.text
    assert "default-src 'self'" in seen.headers["content-security-policy"]
    for accept in ("*/*", "application/json", "text/event-stream"):
        told = await client.get(path, headers={"Accept": accept})
        assert (told.status_code, told.headers["content-type"]) == (404, "application/json")
    posted = await client.post(path, headers={"Accept": BROWSER})
    assert posted.headers["content-type"] == "application/json"
