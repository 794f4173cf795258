"""MLflow's own clients as callers: its deployments client, and its client for Databricks.

What a key is to Postern, a tracking token is to MLflow. The client for Databricks takes its host and token from the
environment and needs no Databricks for that.
"""

import json

import openai
import pytest
import requests
from mlflow.deployments import get_deploy_client

from conftest import said


@pytest.fixture
def mlflow_client(site, monkeypatch):
    """MLflow's deployments client, which tries again by default for longer than a test may take."""
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", site.key)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return get_deploy_client(site.origin)


@pytest.fixture
def databricks_client(site, monkeypatch):
    """MLflow's client for Databricks."""
    monkeypatch.setenv("DATABRICKS_HOST", site.origin)
    monkeypatch.setenv("DATABRICKS_TOKEN", site.key)
    monkeypatch.setenv("MLFLOW_ENABLE_DB_SDK", "false")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return get_deploy_client("databricks")


def test_lists_endpoints(mlflow_client, site):
    endpoints = {endpoint.name: endpoint for endpoint in mlflow_client.list_endpoints()}
    chat = endpoints["assistant"]
    assert (chat.endpoint_type, chat.model.name, chat.model.provider) == ("llm/v1/chat", "gpt-4o-mini", "openai")
    assert chat.endpoint_url == f"{site.origin}/gateway/assistant/invocations"
    assert "demo/echo" in endpoints


def test_gets_an_endpoint(mlflow_client):
    assert mlflow_client.get_endpoint("assistant") == next(
        endpoint for endpoint in mlflow_client.list_endpoints() if endpoint.name == "assistant")
    assert mlflow_client.get_endpoint("demo/echo").model.provider == "demo"
    with pytest.raises(requests.HTTPError, match='"detail": ?"this key has no endpoint `nothing`'):
        mlflow_client.get_endpoint("nothing")


def test_predicts_chat(mlflow_client, upstream, user):
    answer = mlflow_client.predict(
        endpoint="assistant", inputs={"messages": said("Hello there"), "temperature": 0.5, "user": user})
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {**answer["choices"][0]["message"], "content": "You said: Hello there"}
    usage = answer["usage"]
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]
    seen, = upstream.seen(user)
    assert seen["request"] == {
        "model": "gpt-4o-mini", "messages": said("Hello there"), "temperature": 0.5, "user": user}


def test_predicts_chat_of_a_provider(mlflow_client):
    answer = mlflow_client.predict(endpoint="demo/echo", inputs={"messages": said("By its own name")})
    assert answer["choices"][0]["message"]["content"] == "By its own name"


def test_predicts_completions(mlflow_client):
    answer = mlflow_client.predict(endpoint="demo/echo", inputs={"prompt": "Once upon a time", "max_tokens": 2})
    assert answer["object"] == "text_completion"
    choice, = answer["choices"]
    assert (choice["text"].strip(), choice["finish_reason"]) == ("Once upon", "length")


def test_predicts_embeddings(mlflow_client):
    answer = mlflow_client.predict(endpoint="demo/embed", inputs={"input": ["one", "two words"]})
    assert answer["object"] == "list"
    first, second = (item["embedding"] for item in answer["data"])
    assert [item["index"] for item in answer["data"]] == [0, 1]
    assert len(first) == len(second) > 1 and first != second
    assert answer["usage"]["prompt_tokens"] == 3


def test_an_error_is_told(mlflow_client):
    with pytest.raises(requests.HTTPError) as caught:
        mlflow_client.predict(endpoint="assistant", inputs={"messages": []})
    assert caught.value.response.status_code == 400
    told = caught.value.response.json()
    assert list(told) == ["detail"] and "messages" in told["detail"]


def test_a_missing_token_is_told(mlflow_client, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN")
    with pytest.raises(requests.HTTPError, match="401"):
        mlflow_client.list_endpoints()


def test_the_record_names_the_surface(site, mlflow_client, user):
    mlflow_client.predict(endpoint="assistant", inputs={"messages": said("Recorded"), "user": user})
    record = site.records_until(lambda record: record["dialect"] == "mlflow" and record["model"] == "assistant")
    assert (record["operation"], record["provider"], record["status"]) == ("chat", "local", 200)


def test_databricks_lists_endpoints(databricks_client):
    endpoints = {endpoint["name"]: endpoint for endpoint in databricks_client.list_endpoints()}
    assert endpoints["assistant"]["task"] == "llm/v1/chat"
    assert endpoints["assistant"]["state"]["ready"] == "READY"
    assert databricks_client.get_endpoint("assistant").name == "assistant"


def test_databricks_predicts(databricks_client):
    answer = databricks_client.predict(endpoint="assistant", inputs={"messages": said("Hello there")})
    assert answer["choices"][0]["message"]["content"] == "You said: Hello there"


def test_databricks_streams(databricks_client):
    chunks = list(databricks_client.predict_stream(endpoint="assistant", inputs={"messages": said("Hello there")}))
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    assert text == "You said: Hello there"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_databricks_tells_errors(databricks_client):
    with pytest.raises(requests.HTTPError) as caught:
        databricks_client.predict(endpoint="nothing", inputs={"messages": said("Hello")})
    told = json.loads(caught.value.response.text)
    assert set(told) == {"error_code", "message"} and told["error_code"] == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.parametrize("path", ["gateway/mlflow/v1", "serving-endpoints"])
def test_openai_sdk_at_their_addresses(site, path):
    with openai.OpenAI(base_url=f"{site.origin}/{path}", api_key=site.key, max_retries=0, timeout=20) as client:
        answer = client.chat.completions.create(model="assistant", messages=said("Hello there"))
        assert answer.choices[0].message.content == "You said: Hello there"
