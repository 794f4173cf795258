"""The model list and single models, also those whose names hold a slash."""

import openai
import pytest


def test_the_list(client):
    models = {model.id: model for model in client.models.list()}
    assert {"assistant", "falls-back", "no-retry-limited"} <= models.keys()
    assert models["assistant"].object == "model"
    assert models["assistant"].created >= 0
    assert models["assistant"].owned_by


def test_one_model(client):
    assert client.models.retrieve("assistant").id == "assistant"


def test_a_model_with_a_slash(client):
    assert client.models.retrieve("local/gpt-4o-mini").id == "local/gpt-4o-mini"


def test_an_unknown_model(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("asistant")
    assert caught.value.code == "model_not_found"


def test_a_key_sees_what_it_may_use(site):
    key = site.new_key(name="narrow-list", models=["assistant"])
    with openai.OpenAI(base_url=site.base_url, api_key=key["key"], max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["assistant"]


def test_the_list_needs_a_key(site):
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=site.base_url, api_key="pk_wrong_key", max_retries=0).models.list()
