"""Faults of a running server: clock jumps, full disks, unreachable models."""

import asyncio
import datetime as dt
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.config import Settings
from app.db.pool import connect
from app.embeddings.minilm import MiniLM
from app.runs.clock import SystemClock
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import eventually
from tests.harness.run_client import asking, following, http_client, is_token, last_answer
from tests.harness.serving import Serving, serving
from tests.stream.conftest import QUESTION

pytestmark = pytest.mark.faults

WORDS = [f"word{number} " for number in range(120)]


OTHERS_END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND datname = current_database()
"""


@pytest.mark.parametrize("days", [-30, 30])
async def test_a_clock_that_jumps_loses_nothing(
    days: int, client: httpx.AsyncClient, upstream: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leases count heartbeats in the database, timeouts use the monotonic clock."""
    upstream.script(Reply(tokens=WORDS, pace_s=0.005))
    async with asking(client, QUESTION, session_id="s") as asked:
        await asked.until(is_token)
        jumped = dt.timedelta(days=days)
        monkeypatch.setattr(SystemClock, "now", lambda _: dt.datetime.now(dt.UTC) + jumped)
        end = await asked.rest()
    assert (end.type, end.content["saved"]) == ("done", True)
    assert asked.viewer.text == "".join(WORDS)
    assert end.content["timings"]["total_ms"] < 60_000
    async with following(client, asked.run_id) as again:
        await again.rest()
    assert again.viewer.text == (await last_answer(client, "s"))["content"]


async def test_a_database_that_turns_read_only_lets_the_answer_through_and_saves_it_later(
    client: httpx.AsyncClient, server: Serving, stocked_dsn: str, upstream: FakeOpenAI
) -> None:
    """As in a failover: writing is refused, reading works."""
    upstream.always(Reply(tokens=WORDS, pace_s=0.005))
    connection = await connect(stocked_dsn)
    name = await connection.fetchval("SELECT current_database()")

    async def read_only(value: str) -> None:
        """Applies to open connections too, which are replaced."""
        await connection.execute("SET default_transaction_read_only = off")
        await connection.execute(
            f"ALTER DATABASE {name} SET default_transaction_read_only = {value}"
        )
        await connection.execute(OTHERS_END)

    async with asking(client, QUESTION, session_id="s") as asked:
        await asked.until(is_token)
        await read_only("on")
        end = await asked.rest()
        assert (end.type, end.content["saved"]) == ("done", False)
        refused = await client.post("/chat", json={"message": QUESTION})
        assert (refused.status_code, refused.json()["error"]["code"]) == (
            503,
            "database_unavailable",
        )
        assert "retry-after" in refused.headers
        await read_only("off")

    async def saved() -> bool | None:
        """503 while the connections are replaced."""
        got = await client.get("/conversations/s/messages")
        return (got.status_code == 200 and got.json()["items"][-1]["status"] == "complete") or None

    await eventually(saved, within_s=15)
    assert (await last_answer(client, "s"))["content"] == asked.viewer.text
    await connection.close()


async def test_a_full_disk_is_an_outage_that_can_be_mended(
    client: httpx.AsyncClient, stocked_dsn: str, upstream: FakeOpenAI
) -> None:
    """Every write fails with 53100 until there is space again."""
    upstream.always(Reply(tokens=WORDS[:20]))
    connection = await connect(stocked_dsn)
    await connection.execute(FULL)
    refused = await client.post("/chat", json={"message": QUESTION})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "database_unavailable")
    await connection.execute("DROP TRIGGER full_disk ON runs")
    await connection.close()
    async with asking(client, QUESTION) as asked:
        assert (await asked.rest()).content["saved"] is True


FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
END $$;
CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON runs EXECUTE FUNCTION full_disk()
"""


def write_expired(key: Path, certificate: Path) -> None:
    private, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(now - dt.timedelta(days=1))
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(built.public_bytes(Encoding.PEM))
    form = PrivateFormat.TraditionalOpenSSL
    key.write_bytes(private.private_bytes(Encoding.PEM, form, NoEncryption()))


@asynccontextmanager
async def expired_upstream(folder: Path) -> AsyncIterator[str]:
    """A TLS server whose certificate expired yesterday."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    await asyncio.to_thread(write_expired, key, certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context
    )
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def failure(settings: Settings, embedder: MiniLM) -> tuple[str, str]:
    """The error's code and message as shown to the user."""
    async with (
        serving(settings, embedder) as server,
        http_client(server.url) as http,
        asking(http, QUESTION) as asked,
    ):
        end = await asked.rest()
        assert (await http.get("/health/ready")).status_code == 200
    assert end.type == "error"
    assert end.content["retryable"] is True
    return end.content["code"], end.content["message"]


async def test_an_upstream_whose_certificate_expired_is_unavailable(
    settings: Settings, embedder: MiniLM, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with expired_upstream(tmp_path) as url:
        changed = settings.model_copy(update={"openai_base_url": url, "first_token_timeout_s": 1.0})
        with caplog.at_level(logging.WARNING):
            code, message = await failure(changed, embedder)
    assert code == "UPSTREAM_UNAVAILABLE"
    assert "certificate" not in message.lower(), "that is for the operator"


async def test_an_upstream_whose_name_is_gone_is_unavailable(
    settings: Settings, embedder: MiniLM
) -> None:
    changed = settings.model_copy(
        update={"openai_base_url": "http://model.invalid/v1", "first_token_timeout_s": 1.0}
    )
    code, _ = await failure(changed, embedder)
    assert code == "UPSTREAM_UNAVAILABLE"
