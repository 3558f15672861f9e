"""Normalizes pasted setting values and rejects unusable ones.

Each function raises `ValueError` with a description of what the setting accepts.
"""

import re
from urllib.parse import parse_qsl, urlsplit, urlunsplit

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_PADDING = re.compile(rf"^(?:\s|{_INVISIBLE.pattern})+|(?:\s|{_INVISIBLE.pattern})+$")
_KEY = re.compile(r"[!-~]+")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HOST = re.compile(r"\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[?[0-9A-Fa-f:]+\]?")
_ROUTES = frozenset(
    {
        *("api", "assets", "auth", "c", "chat", "conversations", "docs", "health", "jobs"),
        *("library", "metrics", "runs", "sources", "v1"),
    }
)
_ENDPOINTS = ("/chat/completions", "/embeddings", "/rerank", "/v1/traces")


def without_padding(text: str) -> str:
    """Strip white space and invisible characters."""
    return _PADDING.sub("", text)


def service_key(text: str) -> str:
    """Validate a key for use in a header. Invisible characters are removed."""
    key = _INVISIBLE.sub("", text).strip()
    if _KEY.fullmatch(key) is None:
        raise ValueError("a key of letters, digits and symbols, without spaces or line breaks")
    return key


def service_address(text: str) -> str:
    """Validate the base address of a service. An endpoint pasted with it is removed.

    A query is kept, because some gateways need one (`?api-version=…`).
    """
    parts = urlsplit(text)
    try:
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port
        usable = False
    if not usable:
        raise ValueError("an http:// or https:// address, for example https://api.openai.com/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address without user name and password; use the key settings")
    path = parts.path.rstrip("/")
    for endpoint in _ENDPOINTS:
        path = path.removesuffix(endpoint)
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def split_query(address: str) -> tuple[str, dict[str, str]]:
    """Split into the base address and the query parameters of every request."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(query="")), dict(parse_qsl(parts.query))


def with_path(address: str, path: str) -> str:
    """The address of a route of the service. The query is kept."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + path))


def root_path(text: str) -> str:
    """Validate the path prefix of every address. May be empty."""
    path = text.strip("/")
    if not path:
        return ""
    if _PATH.fullmatch(f"/{path}") is None or {".", ".."} & set(path.split("/")):
        raise ValueError("a path such as /citestream")
    if path.split("/")[0] in _ROUTES:
        raise ValueError("a path such as /citestream that is not a route of Citestream itself")
    return f"/{path}"


def host_name(text: str) -> str:
    """Validate a host name without scheme, port and path."""
    if _HOST.fullmatch(text) is None:
        raise ValueError(f"names like chat.example.org or *.example.org, not {text}")
    return text


def header_name(text: str) -> str:
    """Validate a header name."""
    if _HEADER.fullmatch(text) is None:
        raise ValueError("the name of a header, such as X-Forwarded-Email")
    return text
