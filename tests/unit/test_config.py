"""Pasted settings: cleaned, supported, or refused in one line at startup."""

import json
import re
from pathlib import Path

import pytest

from app.config import Settings, load_settings
from app.domain.errors import SettingError
from app.embeddings.openai_embedder import OpenAIEmbedder
from app.llm.registry import make_answer_model
from tests.fakes.openai_server import FakeOpenAI, Reply

MODEL = {"llm_model": "m", "llm_provider": "openai"}


@pytest.mark.parametrize(
    "pasted",
    ["sk-abc\n", " sk-abc ", "\ufeffsk-abc", "sk-\u200babc", "sk-abc\r\n\u200b", "\u2028sk-abc"],
)
@pytest.mark.parametrize("name", ["openai_api_key", "rerank_api_key", "databricks_token"])
def test_a_pasted_key_is_the_key(name: str, pasted: str) -> None:
    settings = load_settings(
        **{"llm_provider": "extractive", name: pasted},
        rerank_base_url="http://localhost/v1",
        rerank_model="r",
    )
    assert getattr(settings, name).get_secret_value() == "sk-abc"


@pytest.mark.parametrize("wrong", ["sk abc", "sk-äbc", "sk-\nabc", "sk-\x1babc", "“sk-abc”"])
def test_a_key_that_cannot_be_sent_is_one_line(wrong: str) -> None:
    with pytest.raises(SettingError) as refused:
        load_settings(openai_api_key=wrong, **MODEL)
    line = str(refused.value)
    assert line.startswith("OPENAI_API_KEY: got a secret value, takes a key of letters")
    assert "\n" not in line
    assert "abc" not in line


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        (" http://localhost:11434/v1/\n", "http://localhost:11434/v1"),
        ("http://localhost:8000/v1/chat/completions", "http://localhost:8000/v1"),
        ("https://a.example/x?api-version=1#top", "https://a.example/x?api-version=1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
    ],
)
def test_a_pasted_address_is_the_address(pasted: str, meant: str) -> None:
    assert load_settings(openai_base_url=pasted, **MODEL).openai_base_url == meant


@pytest.mark.parametrize(
    "name", ["openai_base_url", "rerank_base_url", "otel_exporter_otlp_endpoint"]
)
@pytest.mark.parametrize(
    "wrong",
    [
        "http://me:word@models.example.org/v1",
        "http://word@models.example.org/v1",
        "models.example.org/v1",
        "localhost:11434/v1",
        "http://",
        "http://models:99999/v1",
        "ftp://models.example.org",
    ],
)
def test_an_address_that_cannot_be_asked_is_one_line(name: str, wrong: str) -> None:
    with pytest.raises(SettingError) as refused:
        load_settings(**{"llm_provider": "extractive", name: wrong})
    got = "a secret value" if "word" in wrong else repr(wrong)
    assert str(refused.value).startswith(f"{name.upper()}: got {got}, takes an ")
    assert "word" not in str(refused.value).replace("password", "")


@pytest.mark.parametrize(
    ("name", "wrong", "takes"),
    [
        ("allowed_hosts", "https://chat.example.org", "takes names like chat.example.org"),
        ("allowed_hosts", "chat.example.org:8080", "takes names like chat.example.org"),
        ("allowed_hosts", "chat.example.org/x", "takes names like chat.example.org"),
        ("proxy_user_header", "X Forwarded", "takes the name of a header"),
        ("proxy_groups_header", "X-Groups:", "takes the name of a header"),
        ("root_path", "/a b", "takes a path such as /citestream"),
        ("root_path", "/../x", "takes a path such as /citestream"),
        ("root_path", "https://a.example/x", "takes a path such as /citestream"),
        ("root_path", '/"><script>', "takes a path such as /citestream"),
    ],
)
def test_names_that_never_match_are_one_line(name: str, wrong: str, takes: str) -> None:
    with pytest.raises(SettingError, match=f"^{name.upper()}: got .*{takes}"):
        load_settings(**{"llm_provider": "extractive", name: wrong})


@pytest.mark.parametrize(
    ("name", "wrong", "takes"),
    [
        ("sample_library", "maybe", "true or false"),
        ("log_text", "2", "true or false"),
        ("port", "eighty", "a whole number from 0 to 65535"),
        ("port", "70000", "a whole number from 0 to 65535"),
        ("workers", "0", "a whole number from 1 to 64"),
        ("database_pool_size", "2000", "a whole number from 1 to 1000"),
        ("max_runs", "1.5", "a whole number of at least 1"),
        ("max_runs_per_user", "0", "a whole number of at least 1"),
        ("extractive_tokens_per_s", "fast", "a number from 0 to 100000"),
        ("idle_timeout_s", "0", "a number above 0"),
        ("idle_timeout_s", "soon", "a number above 0"),
        ("heartbeat_s", "61", "a number above 0 and at most 60"),
        ("shutdown_grace_s", "-1", "a number of at least 0"),
        ("embeddings", "remote", "'local', 'openai' or 'databricks'"),
        ("auth", "basic", "'none', 'token', 'proxy' or 'jwt'"),
    ],
)
def test_what_a_setting_takes_is_said_in_words(name: str, wrong: str, takes: str) -> None:
    with pytest.raises(SettingError) as refused:
        load_settings(**{"llm_provider": "extractive", name: wrong})
    assert str(refused.value) == f"{name.upper()}: got {wrong!r}, takes {takes}"


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_no_setting_is_answered_in_the_words_of_the_library(name: str) -> None:
    """Whatever type it has: with a value that fits none."""
    try:
        load_settings(**{"llm_provider": "extractive", name: {"no": "value"}})
    except SettingError as refused:
        takes = str(refused).partition(", takes ")[2]
        assert takes
        assert not re.search(r"valid|greater|less than|instance|Input|unable to", takes)


@pytest.mark.parametrize(
    "secret",
    [
        "sk-abcdefghijklmnopqrstuvwxyz0123456789",
        "sk-abc",
        "me:word@host",
        "ftp://host/?key=abc",
        "ftp://host/abcdefghijklmnopqrstuvwxyz0123456789",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.abc",
    ],
)
def test_an_address_that_may_hold_a_secret_is_not_shown(secret: str) -> None:
    with pytest.raises(SettingError, match=r"^OPENAI_BASE_URL: got a secret value, "):
        load_settings(openai_base_url=secret, **MODEL)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "JWT_ISSUER: got nothing, .* for example https://id.example.org"),
        ({"jwt_issuer": "https://id.example.org"}, "JWT_AUDIENCE: got nothing, .* for example"),
    ],
)
def test_what_a_sign_in_lacks_is_named_with_an_example(given: dict[str, str], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        load_settings(llm_provider="extractive", auth="jwt", **given)


@pytest.mark.parametrize(
    ("pasted", "meant"), [("citestream/", "/citestream"), ("/a/b", "/a/b"), ("/", ""), ("", "")]
)
def test_a_prefix_is_written_one_way(pasted: str, meant: str) -> None:
    assert load_settings(llm_provider="extractive", root_path=pasted).root_path == meant


def test_the_files_and_variables_that_settings_come_from_may_be_padded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=' 8123 '\nLLM_PROVIDER='extractive\u200b'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JWT_SECRET", " as it is ")
    settings = Settings()
    assert (settings.port, settings.provider) == (8123, "extractive")
    assert settings.jwt_secret is not None
    assert settings.jwt_secret.get_secret_value() == " as it is "


async def test_the_query_of_a_base_address_goes_along_with_every_request() -> None:
    async with FakeOpenAI() as upstream:
        upstream.always(Reply(tokens=["Yes."]))
        address = f"{upstream.base_url}?api-version=2026-01-01"
        model = make_answer_model(load_settings(openai_base_url=address, **MODEL).answer_model)
        assert (await model.chat.ainvoke("Is it?")).content == "Yes."
        assert [c.content async for c in model.chat.astream("Is it?") if c.content] == ["Yes."]
        await model.aclose()
        embedder = OpenAIEmbedder(model=None, api_key=None, base_url=address)
        await embedder.embed_passages(["tea"])
    assert len(upstream.requests) == 3
    assert {one.query for one in upstream.requests} == {"api-version=2026-01-01"}
    assert "2026" not in json.dumps([one.body for one in upstream.requests])
