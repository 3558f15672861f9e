"""No SSRF: no code fetches an address that a person or document names."""

import ast
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "app"
CLIENTS = frozenset(
    {"aiohttp", "http", "httpcore", "httpx", "httpx2", "openai", "requests", "urllib3"}
)
CONFIGURED = frozenset({"client", "doctor", "embeddings", "llm", "observability", "search"})
"""These speak to addresses of the settings, and to no others."""
ALSO = frozenset({"api/auth/jwt.py", "main.py", "server/container.py"})


def clients_of(path: Path) -> set[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add("urllib.request" if node.module == "urllib.request" else node.module)
    tops = {name.split(".")[0] for name in found if name != "http.cookies"}
    return tops & CLIENTS | ({"urllib.request"} & found)


def test_only_rooms_that_speak_to_configured_services_can_fetch() -> None:
    fetching = {path.relative_to(APP).as_posix() for path in APP.rglob("*.py") if clients_of(path)}
    assert "llm/openai.py" in fetching
    others = {one for one in fetching if one.split("/")[0] not in CONFIGURED} - ALSO
    assert others == set()
