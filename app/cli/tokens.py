"""`python -m app.tokens`: API tokens for `AUTH=token`, and blocking users in any mode."""

import argparse
import asyncio
import re
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from app.cli.database import open_database
from app.config import load_settings
from app.db.access_store import PostgresAccess
from app.domain.access import TokenRow, new_token
from app.domain.encoding import printable
from app.domain.errors import CitestreamError
from app.domain.principals import Principal

_SPAN = re.compile(r"([1-9][0-9]{0,4})d")
_WORD = re.compile(r"[^\s,]{1,200}")


def word(text: str) -> str:
    """Validate a name: no white space and no commas."""
    if _WORD.fullmatch(text) is None or not text.isprintable():
        raise argparse.ArgumentTypeError(f"got {text!r}, takes 1 to 200 characters without spaces")
    return text


def words(text: str) -> tuple[str, ...]:
    """Parse comma-separated names."""
    return tuple(dict.fromkeys(word(part.strip()) for part in text.split(",")))


def span(text: str) -> timedelta | None:
    """Parse `90d` or `never`."""
    if text == "never":
        return None
    match = _SPAN.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"got {text!r}, takes days like 90d, or never")
    return timedelta(days=int(match[1]))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m app.tokens", description=__doc__)
    does = parser.add_subparsers(dest="does", required=True, metavar="COMMAND")
    create = does.add_parser("create", help="create a token and print it (only once)")
    create.add_argument("person", type=word, help="the owner, for example ann@example.org")
    create.add_argument("--groups", type=words, default=(), metavar="A,B", help="their groups")
    create.add_argument("--expires", type=span, default=span("90d"), metavar="90d", help="or never")
    create.add_argument("--label", default="", help="its purpose")
    does.add_parser("list", help="list all tokens, without their secrets")
    revoke = does.add_parser("revoke", help="revoke a token; open streams end within 30 s")
    revoke.add_argument("token_id", help="the first column of `list`")
    block = does.add_parser("block", help="block a person, in every mode of sign-in")
    block.add_argument("person", type=word)
    unblock = does.add_parser("unblock", help="unblock a person")
    unblock.add_argument("person", type=word)
    return parser.parse_args(arguments)


async def run(options: argparse.Namespace, access: PostgresAccess, *, now: datetime) -> str:
    """Run the command. Returns the text to print. Raises `CitestreamError` if nothing changes."""
    match options.does:
        case "create":
            return await _create(options, access, now=now)
        case "list":
            return _table(await access.tokens(now=now))
        case "revoke":
            if not await access.revoke(options.token_id, now=now):
                raise CitestreamError(f"There is no token {options.token_id} to revoke.")
            return f"Revoked {options.token_id}. What it opened ends within 30 s."
        case "block":
            await access.block(options.person, now=now)
            return f"Blocked {options.person}. Their open streams end within 30 s."
        case _:
            if not await access.unblock(options.person):
                raise CitestreamError(f"{options.person} is not blocked.")
            return f"{options.person} is no longer blocked."


async def _create(options: argparse.Namespace, access: PostgresAccess, *, now: datetime) -> str:
    token, token_id = new_token(secrets.token_urlsafe), secrets.token_hex(4)
    principal = Principal(options.person, options.groups)
    until = None if options.expires is None else now + options.expires
    await access.add(
        token_id, token, principal, label=options.label[:200], now=now, expires_at=until
    )
    ends = "does not expire" if until is None else f"expires {until:%Y-%m-%d}"
    return f"{token}\nToken {token_id} of {options.person}, {ends}. It is shown only now."


def _table(rows: Sequence[TokenRow]) -> str:
    if not rows:
        return "There are no tokens. Make one: .venv/bin/python -m app.tokens create PERSON"
    lines: list[tuple[str, ...]] = [
        ("TOKEN", "PERSON", "GROUPS", "MADE", "EXPIRES", "STATE", "LABEL")
    ]
    for row in rows:
        until = f"{row.expires_at:%Y-%m-%d}" if row.expires_at else "never"
        lines.append(
            (
                *(row.token_id, row.principal.owner_id, ",".join(row.principal.groups) or "-"),
                *(f"{row.created_at:%Y-%m-%d}", until, row.state, row.label),
            )
        )
    lines = [tuple(map(printable, line)) for line in lines]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    padded = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
    return "\n".join(padded)


async def _main(options: argparse.Namespace) -> str:
    async with open_database(load_settings(), max_size=1) as database:
        return await run(options, PostgresAccess(database), now=datetime.now(UTC))


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 0, or 1 after one line with the reason."""
    options = parse(arguments)
    try:
        sys.stdout.write(printable(asyncio.run(_main(options)), keep="\n") + "\n")
    except CitestreamError as error:
        sys.stderr.write(printable(str(error), keep="\n") + "\n")
        return 1
    return 0
