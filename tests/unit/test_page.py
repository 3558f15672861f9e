"""The built page is served with a policy that lets it fetch and run nothing of others."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.api.page import page_router


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    """A client of a page with one asset."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>page</title>")
    (tmp_path / "assets" / "page-1a2b.mjs").write_text("export {}")
    app = FastAPI()
    app.include_router(page_router(tmp_path))
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
