"""`GET /docs`: the OpenAPI document as a page without scripts, external files or sign-in.

Rendered from the document, so it works before the page is built and without network.
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from app.api.middleware.path_prefix import prefix_of
from app.api.routes.page import POLICY, under

router = APIRouter(include_in_schema=False)

Schema = Mapping[str, Any]
HEADERS = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
summary { cursor: pointer; padding: .4rem 0 }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere }
b { display: inline-block; min-width: 4.5rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem }
td, th { padding: .3rem .6rem; text-align: left; vertical-align: top }
td, th { border-bottom: 1px solid #8886 }
"""


@router.get("/docs")
def docs(request: Request) -> Response:
    """Show the routes grouped by tag."""
    html = page(request.app.openapi())
    return HTMLResponse(under(html, prefix_of(request)), headers=HEADERS)


@router.get("/docs/style.css")
def style() -> Response:
    """The style sheet. The content security policy forbids inline styles."""
    return Response(STYLE, media_type="text/css", headers=HEADERS)


def page(document: Schema) -> str:
    """Render the whole page."""
    info = document["info"]
    subjects: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            subject = (operation.get("tags") or ["other"])[0]
            section = "".join(_operation(method, path, operation, document))
            subjects.setdefault(subject, []).append(section)
    parts = (f"<h2>{escape(name)}</h2>{''.join(each)}" for name, each in subjects.items())
    title = f"{escape(info['title'])} {escape(info['version'])}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}: API</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" '
        f'href="/docs/style.css"><h1>{title}</h1><p>The whole contract as JSON: '
        '<a href="/openapi.json">/openapi.json</a>. <a href="/">To the page</a>.</p>'
        f"<main>{''.join(parts)}</main></html>"
    )


def _operation(method: str, path: str, operation: Schema, document: Schema) -> Iterator[str]:
    name = f"<b>{escape(method.upper())}</b> <code>{escape(path)}</code>"
    yield f"<details><summary>{name} {escape(operation.get('summary', ''))}</summary>"
    yield f"<p>{escape(operation.get('description', ''))}</p>"
    rows = [
        (f"{one['in']} {one['name']}", _type(one.get("schema", {})), one.get("description", ""))
        for one in operation.get("parameters", ())
    ]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        rows += [(f"body ({kind})", _type(content.get("schema", {})), "")]
        rows += list(_fields(content.get("schema", {}), document))
    yield _table(("takes", "type", ""), rows)
    answers = [
        (status, ", ".join(answer.get("content", {})), answer.get("description", ""))
        for status, answer in operation.get("responses", {}).items()
    ]
    yield _table(("answers", "as", "when"), answers)
    yield "</details>"


def _fields(schema: Schema, document: Schema) -> Iterator[tuple[str, str, str]]:
    """The fields of an object schema, with references resolved."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    needed = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        must = "required. " if name in needed else ""
        yield f"  .{name}", _type(one), must + one.get("description", "")


def _type(schema: Schema) -> str:
    """Describe a schema in one line."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema or "const" in schema:
        return " | ".join(map(str, schema.get("enum", [schema.get("const")])))
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(_type(one) for one in schema[key])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


def _table(head: tuple[str, str, str], rows: list[tuple[str, str, str]]) -> str:
    if not rows:
        return ""
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = (
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(kind)}</td><td>{escape(text)}</td>"
        for name, kind, text in rows
    )
    return f"<table><tr>{titles}</tr>{''.join(lines)}</table>"
