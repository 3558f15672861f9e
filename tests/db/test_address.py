"""Addresses as providers write them: each works, or fails with one line naming the variable."""

import logging

import pytest
from pgvector import Vector

from app.db.address import libpq_address, read_address
from app.db.embedded.server import EmbeddedServer
from app.db.migrations import migrate
from app.db.pool import Database, connect
from app.domain.errors import SettingError

BASE = "postgresql://ana:s%40crt@db.example.org:5433/app"


def test_what_the_driver_knows_is_left_as_it_is() -> None:
    text = f"{BASE}?sslmode=require&target_session_attrs=read-write"
    address = read_address(text)
    assert address.dsn == text
    assert (address.settings, address.connect_s, address.pool_size) == ({}, None, None)
    assert address.keywords() == {"server_settings": {"application_name": "citestream"}}


@pytest.mark.parametrize(
    "query",
    [
        "channel_binding=prefer",
        "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3",
        "tcp_user_timeout=1000&gssencmode=disable&sslsni=1&load_balance_hosts=random",
        "pgbouncer=true&pool_timeout=20&socket_timeout=5&statement_cache_size=0",
        "workaround=supabase-pooler.vercel&supa=base-pooler.x&uselibpqcompat=true",
        "client_encoding=utf8&fallback_application_name=x",
        "sslmode=&sslrootcert=&connect_timeout=",
    ],
)
def test_what_tunes_other_clients_is_left_out(query: str) -> None:
    assert read_address(f"{BASE}?{query}").dsn == BASE


def test_what_means_something_here_is_used() -> None:
    address = read_address(
        f"{BASE}?connect_timeout=3&connection_limit=5&schema=my%22app&application_name=hr"
        "&options=-c%20statement_timeout%3D5s"
    )
    assert (address.dsn, address.connect_s, address.pool_size) == (BASE, 3.0, 5)
    assert address.settings == {
        "search_path": '"my""app"',
        "application_name": "hr",
        "options": "-c statement_timeout=5s",
    }


@pytest.mark.parametrize(
    ("query", "driver"),
    [
        ("ssl=true", "sslmode=require"),
        ("sslmode=no-verify", "sslmode=require"),
        ("requiressl=1", "sslmode=require"),
        ("sslaccept=strict", "sslmode=verify-full"),
        ("sslaccept=accept_invalid_certs", "sslmode=require"),
        ("ssl=false", "sslmode=disable"),
        ("sslmode=verify-full&ssl=true", "sslmode=verify-full"),
    ],
)
def test_tls_in_the_words_of_others(query: str, driver: str) -> None:
    assert read_address(f"{BASE}?{query}").dsn == f"{BASE}?{driver}"


def test_the_certificates_of_the_machine() -> None:
    address = read_address(f"{BASE}?sslmode=verify-full&sslrootcert=system")
    assert address.dsn == BASE
    assert address.tls is not None
    assert address.tls.check_hostname
    assert address.keywords()["ssl"] is address.tls


def test_a_binding_that_is_not_checked_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    neon = f"{BASE}?sslmode=require&channel_binding=require"
    assert read_address(neon).dsn == f"{BASE}?sslmode=require"
    assert "channel_binding=require is not checked" in caplog.text


COPIED = (
    f" {BASE}\n",
    f'"{BASE}"',
    f"'{BASE}'",
    f"psql '{BASE}'",
    BASE.replace("postgresql", "postgres"),
    BASE.replace("postgresql", "postgresql+asyncpg"),
    BASE.replace("postgresql", "postgres+psycopg"),
)


@pytest.mark.parametrize("text", COPIED)
def test_what_was_copied_with_its_surroundings(text: str) -> None:
    assert read_address(text).dsn == BASE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("postgresql://ana:pa#ss@db/app", "a # in it"),
        (f"{BASE}?connect_timeout=soon", "connect_timeout=soon"),
        (f"{BASE}?connection_limit=many", "connection_limit=many"),
        (f"{BASE}?connection_limit=0", "connection_limit=0"),
        (f"{BASE}?require_auth=scram-sha-256", "the parameter require_auth"),
        (f"{BASE}?hostaddr=10.0.0.1", "the parameter hostaddr"),
    ],
)
def test_what_cannot_be_used_is_one_line(text: str, words: str) -> None:
    with pytest.raises(SettingError, match=r"^DATABASE_URL: got ") as refused:
        read_address(text)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["nonsense", "mysql://me:secret@host/db", "host=db password=secret", "://", "localhost"]
)
def test_what_is_no_address_is_one_line(text: str) -> None:
    with pytest.raises(SettingError) as refused:
        read_address(text)
    assert str(refused.value) == (
        "DATABASE_URL: got something that is not the address of a PostgreSQL, takes "
        "postgresql://user:password@host:port/database"
    )


def test_the_tools_of_postgresql_get_what_they_know() -> None:
    text = f"{BASE}?schema=x&pgbouncer=true&connect_timeout=3&sslmode=no-verify&foo=1"
    assert libpq_address(text) == f"{BASE}?connect_timeout=3&sslmode=require"


# Against a real server.


@pytest.mark.parametrize(
    "query",
    [
        "channel_binding=require&connect_timeout=10&keepalives=1&keepalives_idle=30",
        "pgbouncer=true&connection_limit=3&pool_timeout=0",
        "application_name=hr&options=-c%20statement_timeout%3D20000",
        "target_session_attrs=read-write&gssencmode=disable",
    ],
)
async def test_an_address_of_others_works(database_dsn: str, query: str) -> None:
    dsn = f"{database_dsn}&{query}"
    assert await migrate(dsn) == ()
    database = await Database.open(dsn)
    assert await database.fetchval("SELECT $1::vector", Vector([1.0])) == Vector([1.0])
    if "connection_limit" in query:
        assert database.usage()[2] == 3
    if "application_name" in query:
        assert await database.fetchval("SHOW application_name") == "hr"
        assert await database.fetchval("SHOW statement_timeout") == "20s"
    await database.close()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("no_such_setting=1", "no_such_setting"),
        ("work_mem=lots", "work_mem"),
        ("server_version=9", "server_version"),
        ("target_session_attrs=standby", "TargetServerAttributeNotMatched"),
        ("target_session_attrs=whatever", "cannot be read"),
        ("sslmode=sometimes", "cannot be read"),
        ("sslnegotiation=maybe", "cannot be read"),
    ],
)
async def test_a_parameter_that_nobody_knows_is_one_line(
    database_dsn: str, query: str, words: str
) -> None:
    with pytest.raises(SettingError, match=r"^DATABASE_URL: got ") as refused:
        await migrate(f"{database_dsn}&{query}".replace("sslmode=disable&sslmode", "sslmode"))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_a_schema_of_its_own(empty_dsn: str) -> None:
    admin = await connect(empty_dsn)
    await admin.execute('CREATE SCHEMA "my app"')
    await admin.execute("CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions")
    dsn = f"{empty_dsn}&schema=my%20app"
    assert await migrate(dsn)
    database = await Database.open(dsn, max_size=2)
    found = await database.fetchval("SELECT schemaname FROM pg_tables WHERE tablename = 'runs'")
    assert found == "my app"
    assert await database.fetchval("SELECT $1::vector <=> $1::vector", Vector([1.0])) == 0
    await database.close()
    await admin.close()


async def test_the_tables_of_another_schema_are_not_taken_for_ours(database_dsn: str) -> None:
    """pgvector in public brings that schema onto the path, with whatever else lies there."""
    admin = await connect(database_dsn)
    await admin.execute("INSERT INTO processes VALUES ('public', 1, now())")
    await admin.execute("CREATE SCHEMA second")
    dsn = f"{database_dsn}&schema=second"
    assert len(await migrate(dsn)) > 5
    assert await migrate(dsn) == ()
    database = await Database.open(dsn, max_size=2)
    assert await database.fetchval("SELECT count(*) FROM processes") == 0
    assert await database.fetchval("SELECT $1::vector <=> $1::vector", Vector([1.0])) == 0
    await database.close()
    await admin.close()


async def test_pgvector_in_a_schema_that_is_not_searched(empty_dsn: str) -> None:
    admin = await connect(empty_dsn)
    await admin.execute("CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions")
    assert await migrate(empty_dsn)
    database = await Database.open(empty_dsn, max_size=3)
    for _ in range(6):
        assert await database.fetchval("SELECT $1::vector <=> $1::vector", Vector([1.0])) == 0
    assert await database.fetchval("SELECT count(*) FROM passages") == 0
    await database.close()
    await admin.close()


async def test_a_schema_that_is_not_there_is_one_line(database_dsn: str) -> None:
    with pytest.raises(SettingError, match=r"^DATABASE_URL: got .*nowhere"):
        await migrate(f"{database_dsn}&schema=nowhere")


async def test_a_user_that_may_create_nothing_in_public_is_one_line(
    empty_dsn: str, postgres: EmbeddedServer
) -> None:
    admin = await connect(empty_dsn)
    await admin.execute("CREATE EXTENSION vector")
    await admin.execute("CREATE ROLE guest LOGIN")
    try:
        dsn = empty_dsn.replace("citestream@", "guest@")
        with pytest.raises(SettingError, match=r"^DATABASE_URL: got a user without enough rights"):
            await migrate(dsn)
        await admin.execute("CREATE SCHEMA guest AUTHORIZATION guest")
        assert await migrate(dsn)
        database = await Database.open(dsn, max_size=2)
        assert await database.fetchval("SELECT count(*) FROM runs") == 0
        await database.close()
    finally:
        await admin.execute("DROP OWNED BY guest CASCADE; DROP ROLE guest")
        await admin.close()
