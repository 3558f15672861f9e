"""The answer model of each provider, its description, and invalid settings."""

import pytest
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from app.config import Settings
from app.domain.adapter_settings import ModelSettings
from app.domain.errors import SettingError
from app.domain.models import Passage
from app.llm.extractive import ExtractiveChatModel
from app.llm.registry import make_answer_model

PASSAGE = Passage("p", "s", "Title", "document", 0, "Cats sleep a lot.")


def settings(**given: object) -> ModelSettings:
    return Settings.model_validate({"llm_provider": "auto", **given}).answer_model


def openai_settings(**given: object) -> ModelSettings:
    return settings(
        llm_provider="openai", openai_api_key=SecretStr("k"), llm_model="gpt-4.1-mini", **given
    )


def test_without_credentials_it_quotes_and_says_so() -> None:
    model = make_answer_model(settings(llm_provider="extractive", extractive_tokens_per_s=7))
    assert isinstance(model.chat, ExtractiveChatModel)
    assert model.chat.tokens_per_s == 7
    assert model.label == "Quoting mode: no model connected"
    assert (model.provider, model.sends_to, model.can_judge) == ("extractive", None, False)


def test_an_openai_model_names_the_host_that_passages_go_to() -> None:
    model = make_answer_model(openai_settings(openai_base_url=None))
    assert isinstance(model.chat, ChatOpenAI)
    assert (model.name, model.label) == ("gpt-4.1-mini", "gpt-4.1-mini")
    assert (model.sends_to, model.can_judge) == ("api.openai.com", True)
    assert model.chat.max_retries == 0


def test_another_base_url_is_named_with_its_port() -> None:
    model = make_answer_model(openai_settings(openai_base_url="http://host.test:81/v1?v=1"))
    assert model.sends_to == "host.test:81"


def test_only_quoting_mode_gets_its_evidence_bound() -> None:
    quoting = make_answer_model(settings(llm_provider="extractive"))
    assert quoting.answering([PASSAGE], question="Do cats sleep?") is not quoting.chat
    openai = make_answer_model(openai_settings())
    assert openai.answering([PASSAGE], question="Do cats sleep?") is openai.chat


def test_a_missing_model_name_is_one_line() -> None:
    with pytest.raises(SettingError, match=r"^LLM_MODEL: got nothing, takes [^\n]*$"):
        make_answer_model(settings(llm_provider="openai", openai_api_key=SecretStr("k")))


def test_a_provider_without_its_extra_names_the_command() -> None:
    with pytest.raises(SettingError, match=r"requirements-databricks.lock$"):
        make_answer_model(settings(llm_provider="databricks"))


def test_an_unknown_provider_lists_the_known_ones() -> None:
    with pytest.raises(SettingError, match=r"got extractive, takes openai$"):
        make_answer_model(
            settings(llm_provider="extractive"),
            factories={"openai": make_answer_model},
        )
