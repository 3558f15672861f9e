"""`MODELS`: an address and a name are enough; invalid entries are reported in one line."""

import json
import re
from pathlib import Path

import pytest

from app.config import Settings, load_settings
from app.domain.errors import SettingError
from app.domain.model_endpoints import ModelEndpoint, read_model_endpoints
from app.domain.principals import Principal

KEYS = {"GROQ_API_KEY": "gsk-abc", "EMPTY": "", "BROKEN": "gsk abc"}
LEAST = {"base_url": "http://localhost:11434/v1", "model": "llama3.2"}


def read(*entries: object) -> tuple[ModelEndpoint, ...]:
    return read_model_endpoints(json.dumps(entries), KEYS.get)


def refused(setting: str) -> str:
    with pytest.raises(SettingError) as caught:
        read_model_endpoints(setting, KEYS.get)
    line = str(caught.value)
    assert line.startswith("MODELS: ")
    assert "\n" not in line
    return line


def test_an_address_and_a_name_are_enough() -> None:
    (one,) = read(LEAST)
    assert (one.name, one.label, one.model, one.provider) == ("llama3.2",) * 3 + ("openai",)
    assert one.base_url == "http://localhost:11434/v1"
    assert one.api_key is None
    assert one.permits(Principal("anybody"))


def test_everything_that_can_be_said_of_a_model() -> None:
    (one,) = read(
        {
            "name": "fast",
            "label": "Llama on Groq",
            "base_url": "https://api.groq.com/openai/v1/chat/completions",
            "model": "meta-llama/llama-4:free",
            "key": "GROQ_API_KEY",
            "context_window": 131072,
            "input_price": 0.11,
            "output_price": 0.34,
            "groups": ["research"],
            "people": ["ann@example.org"],
        }
    )
    assert (one.name, one.label, one.model) == ("fast", "Llama on Groq", "meta-llama/llama-4:free")
    assert one.base_url == "https://api.groq.com/openai/v1"
    assert one.api_key is not None
    assert one.api_key.get_secret_value() == "gsk-abc"
    assert "gsk-abc" not in repr(one)
    assert (one.context_window, one.input_price, one.output_price) == (131072, 0.11, 0.34)
    assert one.permits(Principal("ann@example.org"))
    assert one.permits(Principal("ben", groups=("research",)))
    assert not one.permits(Principal("ben", groups=("sales",)))


@pytest.mark.parametrize("address", ["http://localhost:11434", "http://localhost:11434/"])
def test_below_a_bare_address_the_api_is_at_v1(address: str) -> None:
    assert read(LEAST | {"base_url": address})[0].base_url == "http://localhost:11434/v1"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("models.json", json.dumps([LEAST])),
        ("models.json", "\ufeff" + json.dumps({"models": [LEAST]})),
        ("models.toml", '[[models]]\nbase_url = "http://localhost:11434/v1"\nmodel = "llama3.2"\n'),
    ],
)
def test_a_file_may_list_them(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    assert read_model_endpoints(str(file), KEYS.get) == read(LEAST)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (
            {"base_url": "http://localhost/v1"},
            "entry 1: model: got nothing, takes the model's name",
        ),
        ("llama3.2", "entry 1: got 'llama3.2', takes an object such as {"),
        (LEAST | {"modle": "x"}, "unknown field 'modle' (did you mean model?), takes name, label"),
        (LEAST | {"api_key": "gsk-abc"}, "unknown field 'api_key' (did you mean key?), takes name"),
        (LEAST | {"provider": "azure"}, "provider: got 'azure', takes 'openai' or 'databricks'"),
        (LEAST | {"base_url": "localhost:1"}, "base_url: got a secret value, takes an http:// or"),
        (
            LEAST | {"base_url": "http://me:gsk-abc@h/v1"},
            "takes an http:// or https:// address wit",
        ),
        (LEAST | {"context_window": "8k"}, "context_window: got '8k', takes a whole number"),
        (LEAST | {"context_window": 100}, "context_window: got 100, takes a whole number"),
        (LEAST | {"input_price": -1}, "input_price: got -1, takes a number of at least 0"),
        (LEAST | {"output_price": "free"}, "output_price: got 'free', takes a number of at least"),
        (LEAST | {"groups": "staff"}, "groups: got 'staff', takes a list of names of groups"),
        (LEAST | {"people": [3]}, "people: got 3, takes a list of names of people"),
        (LEAST | {"label": "a\u202eb"}, "label: got "),
        (LEAST | {"name": "x" * 300}, "name: got 'xxxxx"),
        (LEAST | {"key": "gsk-abc"}, "key: got a name of no variable that is set, takes the name"),
        (LEAST | {"key": "EMPTY"}, "key: got a name of no variable that is set"),
        (LEAST | {"key": "BROKEN"}, "key: got a variable with a value that is no key"),
        (LEAST | {"name": "extractive"}, "this is that of quoting mode"),
        (LEAST | {"provider": "databricks"}, "nothing with provider databricks"),
    ],
)
def test_what_is_not_understood_names_entry_and_field(entry: object, says: str) -> None:
    line = refused(json.dumps([entry]))
    assert says in line
    assert "gsk-abc" not in line


def test_a_name_is_given_once() -> None:
    assert "entry 2: name: got 'llama3.2', takes a name that no other" in refused(
        json.dumps([LEAST, LEAST])
    )


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("llama3.2", "got neither a JSON list nor the path of a file that can be read, takes a"),
        ("/no/such/file.json", "got neither a JSON list nor the path"),
        ("[{", "got broken JSON (line 1), takes a list such as"),
        ("[" * 100_000, "got broken JSON, takes a list"),
        ('{"llama": 1}', "got no list, takes a list such as"),
        (json.dumps([LEAST | {"name": f"m{n}"} for n in range(201)]), "got 201 models, takes at"),
    ],
)
def test_what_is_no_list_is_one_line(setting: str, says: str) -> None:
    assert says in refused(setting)


def test_a_broken_file_is_named_by_its_kind(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text("[[models]\n")
    assert "got broken TOML in this file" in refused(str(file))
    file.write_text("model = 3\n")
    assert "got no list in this file, takes tables named [[models]]" in refused(str(file))


# In the settings


def settings(*entries: object, **given: object) -> Settings:
    return load_settings(llm_provider="extractive", models=json.dumps(entries), **given)


def test_a_key_is_found_under_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("GROQ_API_KEY=from-file\n")
    monkeypatch.setenv("OTHER_KEY", "from-environment")
    named = settings(
        LEAST | {"name": "a", "key": "GROQ_API_KEY"},
        LEAST | {"name": "b", "key": "OTHER_KEY"},
        LEAST | {"name": "c", "key": "RERANK_API_KEY"},
        rerank_base_url="http://localhost/v1",
        rerank_model="r",
        rerank_api_key="from-setting",
    )
    keys = [one.api_key.get_secret_value() for one in named.model_endpoints if one.api_key]
    assert keys == ["from-file", "from-environment", "from-setting"]
    assert not re.search("from-(file|environment|setting)", repr(named))


def test_a_key_is_found_that_libraries_must_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_SECOND_KEY", "sk-second")
    load_settings(llm_provider="extractive")
    (one,) = settings(LEAST | {"key": "OPENAI_SECOND_KEY"}).model_endpoints
    assert one.api_key is not None
    assert one.api_key.get_secret_value() == "sk-second"


def test_a_key_goes_to_its_own_address_only() -> None:
    given = settings(
        {"name": "same", "model": "m"},
        LEAST | {"name": "elsewhere"},
        openai_base_url="http://localhost:1/v1",
        openai_api_key="sk-abc",
    )
    same, elsewhere = (given.model_at(one) for one in given.model_endpoints)
    assert same.base_url == "http://localhost:1/v1"
    assert same.api_key is not None
    assert (elsewhere.base_url, elsewhere.api_key) == (LEAST["base_url"], None)


def test_openai_itself_needs_a_key() -> None:
    with pytest.raises(SettingError, match=r"^MODELS: gpt: got neither base_url nor key, takes"):
        settings({"model": "gpt"}, openai_base_url=None, openai_api_key=None)
