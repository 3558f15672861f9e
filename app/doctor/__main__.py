"""`python -m app.doctor [--url PUBLIC_URL]`: checks configured services and the network path."""

from app.server.process import prepare_libraries

prepare_libraries()

import argparse
import asyncio
import sys
from collections.abc import Sequence

import httpx

from app.config import Settings, load_settings
from app.doctor.database import examine_database
from app.doctor.diagnosis import diagnose
from app.doctor.findings import Finding, failed, report
from app.doctor.model import examine_embeddings, examine_models
from app.doctor.path import measure
from app.domain.encoding import printable
from app.domain.errors import SettingError

AFTER_HEARTBEAT_S = 2.0
ONLY = ("database", "embeddings", "model", "path")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m app.doctor",
        description="Check the database, migrations, embeddings, models and the path to a browser.",
        epilog="Exit status: 0 no problems, 1 a problem was found, 2 a setting is invalid.",
    )
    parser.add_argument(
        "--url", help="the address that users open, for example https://ask.example.org"
    )
    parser.add_argument(
        "--only", choices=ONLY, action="append", help="check only this (may be repeated)"
    )
    parser.add_argument(
        "--silence",
        type=float,
        metavar="S",
        help="seconds of silence to detect idle timeouts (default: HEARTBEAT_S + 2)",
    )
    parser.add_argument("--insecure", action="store_true", help="accept any certificate")
    return parser.parse_args(arguments)


async def examine(options: argparse.Namespace, settings: Settings) -> list[Finding]:
    """Check everything, or only what `--only` names."""
    selected = set(options.only or ONLY)
    findings: list[Finding] = []
    if "database" in selected:
        findings += await examine_database(settings)
    if "embeddings" in selected:
        findings.append(await examine_embeddings(settings))
    if "model" in selected:
        findings += await examine_models(settings)
    if "path" in selected:
        findings += await examine_path(options, settings)
    return findings


async def examine_path(options: argparse.Namespace, settings: Settings) -> list[Finding]:
    """Check the public URL, or the application itself when none is given."""
    silence = options.silence or settings.heartbeat_s + AFTER_HEARTBEAT_S
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(
        limits=limits, verify=not options.insecure, follow_redirects=True, trust_env=False
    ) as client:
        own_url = f"http://{settings.host}:{settings.port}"
        if options.url is None:
            return diagnose(await measure(client, own_url, silence_s=silence))
        return diagnose(await measure(client, options.url, silence_s=silence))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report. Returns the exit code."""
    options = parse(arguments)
    try:
        settings = load_settings()
    except SettingError as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return 2
    findings = asyncio.run(examine(options, settings))
    sys.stdout.write(report(findings) + "\n")
    return 1 if failed(findings) else 0


if __name__ == "__main__":
    sys.exit(main())
