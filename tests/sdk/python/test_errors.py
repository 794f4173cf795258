"""Every way to fail, as the classes that callers catch."""

import time

import httpx2
import openai
import pytest

from conftest import said


def client_of(site, key, **options):
    return openai.OpenAI(base_url=site.base_url, api_key=key, **{"max_retries": 0, "timeout": 20, **options})


def ask(client, model="assistant", **fields):
    return client.chat.completions.create(model=model, messages=said("hi"), **fields)


@pytest.mark.parametrize("key", ["sk-made-up", "pk_0123456789_nonsense"])
def test_a_wrong_key(site, key):
    with pytest.raises(openai.AuthenticationError) as caught:
        ask(client_of(site, key))
    assert caught.value.code == "invalid_api_key"
    assert key not in caught.value.message


def test_the_secret_half_of_a_key_counts(site):
    last = "a" if site.key[-1] != "a" else "b"
    with pytest.raises(openai.AuthenticationError) as caught:
        ask(client_of(site, site.key[:-1] + last))
    assert caught.value.code == "invalid_api_key"


def test_no_key(site):
    answer = httpx2.post(f"{site.base_url}/chat/completions", json={"model": "assistant", "messages": said("hi")})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "missing_api_key"


def test_a_revoked_key(site):
    key = site.new_key(name="short-lived")
    client = client_of(site, key["key"])
    ask(client)
    site.admin("DELETE", f"/keys/{key['id']}")
    assert site.refused(lambda: ask(client)).code == "revoked_api_key"


def test_an_expired_key(site):
    end = int(time.time()) + 2
    key = site.new_key(name="old", expires_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)))
    time.sleep(end - time.time() + 0.1)
    with pytest.raises(openai.AuthenticationError) as caught:
        ask(client_of(site, key["key"]))
    assert caught.value.code == "expired_api_key"


def test_a_model_the_key_may_not_use(site, upstream, user):
    key = site.new_key(name="narrow", models=["assistant", "local/gpt-*"])
    client = client_of(site, key["key"])
    ask(client)
    ask(client, "local/gpt-4o-mini")
    with pytest.raises(openai.PermissionDeniedError) as caught:
        ask(client, "local/lenient", user=user)
    assert caught.value.code == "model_not_allowed"
    assert upstream.seen(user) == []


def test_an_unknown_model_is_told_the_nearest(client):
    with pytest.raises(openai.NotFoundError) as caught:
        ask(client, "asistant")
    assert caught.value.code == "model_not_found"
    assert "assistant" in caught.value.message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"messages": "hi"}, "messages"),
        ({"model": 7}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": "warm"}, "temperature"),
        ({"n": 0}, "n"),
        ({"tools": {}}, "tools"),
    ],
)
def test_a_wrong_field_is_named_without_asking_the_upstream(client, upstream, user, fields, param):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{
            "model": "assistant", "messages": said("hi"), "user": user, "extra_body": fields})
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"
    assert upstream.seen(user) == []


def test_what_is_not_json(site):
    answer = httpx2.post(
        f"{site.base_url}/chat/completions", content=b'{"model": "assistant", ',
        headers={"authorization": f"Bearer {site.key}", "content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.headers["x-request-id"]


def test_a_body_over_the_cap(site):
    def body():
        yield b'{"model": "assistant", "messages": [{"role": "user", "content": "'
        for _ in range(33):
            yield b"x" * 1024 * 1024
        yield b'"}]}'

    try:
        answer = httpx2.post(
            f"{site.base_url}/chat/completions", content=body(), timeout=60,
            headers={"authorization": f"Bearer {site.key}", "content-type": "application/json"})
    except httpx2.TransportError as error:
        pytest.fail(f"the refusal could not be read: {error}")
    assert answer.status_code == 413
    if site.has_own_cap:
        assert answer.json()["error"]["code"] == "request_too_large"


def test_what_the_vendor_refuses_comes_back_in_its_words(client):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, temperature=3)
    assert caught.value.param == "temperature"
    assert "between 0 and 2" in caught.value.message


@pytest.mark.parametrize(
    ("model", "class_", "status"),
    [
        ("local/error-400", openai.BadRequestError, 400),
        ("local/error-401", openai.InternalServerError, 502),
        ("local/error-403", openai.InternalServerError, 502),
        ("local/error-404", openai.NotFoundError, 404),
        ("local/error-429", openai.RateLimitError, 429),
        ("local/error-500", openai.InternalServerError, 502),
        ("local/error-503", openai.InternalServerError, 503),
        ("local/html", openai.InternalServerError, 502),
        ("astray/gpt-4o-mini", openai.InternalServerError, 502),
        ("gone/anything", openai.InternalServerError, 502),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_fails(client, model, class_, status, stream):
    with pytest.raises(class_) as caught:
        ask(client, model, stream=stream)
    assert caught.value.status_code == status
    assert caught.value.code
    assert "<html" not in caught.value.message
    assert "sk-" not in caught.value.message


def test_an_answer_that_breaks_off(client):
    with pytest.raises(openai.InternalServerError) as caught:
        ask(client, "local/cut")
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_bad_answer")


def test_a_rate_limit_says_when_to_come_back(client):
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client, "local/error-429")
    assert caught.value.response.headers["retry-after"] == "2"
    assert caught.value.code == "rate_limit_exceeded"


def test_the_sdk_waits_as_long_as_it_is_told(site, upstream, user):
    start = time.monotonic()
    completion = ask(client_of(site, site.key, max_retries=1), "no-retry-limited", user=user)
    assert completion.choices[0].message.content == "You said: hi"
    assert time.monotonic() - start >= 1
    assert len(upstream.seen(user)) == 2


def test_the_gateway_tries_again_by_itself(client, site, upstream, user):
    raw = client.chat.completions.with_raw_response.create(model="patient", messages=said("hi"), user=user)
    assert raw.parse().choices[0].message.content == "You said: hi"
    assert len(upstream.seen(user)) == 2
    assert [attempt.get("fault") for attempt in site.record(raw.request_id)["attempts"]] == ["rate_limited", None]


@pytest.mark.parametrize("stream", [False, True])
def test_another_model_takes_over(client, site, stream):
    raw = client.chat.completions.with_raw_response.create(model="falls-back", messages=said("hi"), stream=stream)
    assert raw.headers["x-postern-target"] == "local/gpt-4o-mini"
    answer = raw.parse()
    if stream:
        answer = list(answer)
    assert answer
    assert len(site.record(raw.request_id)["attempts"]) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_the_gateways_own_time_limit(client, stream):
    start = time.monotonic()
    with pytest.raises(openai.InternalServerError) as caught:
        ask(client, "impatient", stream=stream)
    assert caught.value.status_code == 504
    assert caught.value.code == "upstream_timeout"
    assert time.monotonic() - start < 2.5


@pytest.mark.parametrize("stream", [False, True])
def test_the_callers_time_limit(site, stream):
    with pytest.raises(openai.APITimeoutError):
        ask(client_of(site, site.key, timeout=0.5), "local/slow", stream=stream)


def test_nobody_listens():
    client = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="pk_x", max_retries=0)
    with pytest.raises(openai.APIConnectionError):
        ask(client)


def test_paths_and_methods_nobody_knows(site, client):
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.list()
    answer = httpx2.get(f"{site.base_url}/chat/completions", headers={"authorization": f"Bearer {site.key}"})
    assert answer.status_code == 405
    assert answer.json()["error"]["type"] == "invalid_request_error"
