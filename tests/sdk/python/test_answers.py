"""Whole answers: what goes to the upstream, what comes back, what is written down."""

import json
import time

import openai

from conftest import said


def test_an_answer_arrives_as_the_upstream_gave_it(site, client, upstream, user):
    raw = client.chat.completions.with_raw_response.create(
        model="assistant", messages=said("Good morning, Zürich"), user=user)
    completion = raw.parse()
    assert completion.choices[0].message.content == "You said: Good morning, Zürich"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    assert completion.system_fingerprint == "fp_suite"
    # Same format on both sides: the body is forwarded, not written anew.
    assert raw.text == upstream.seen(user)[0]["answer"]


def test_headers_name_the_call(client):
    raw = client.chat.completions.with_raw_response.create(model="assistant", messages=said("hi"))
    assert raw.headers["x-request-id"] == raw.request_id
    assert raw.request_id != "req_upstream"
    assert raw.headers["x-postern-model"] == "assistant"
    assert raw.headers["x-postern-target"] == "local/gpt-4o-mini"
    assert raw.headers["x-postern-cache"] == "off"
    assert float(raw.headers["x-postern-cost-usd"]) > 0


def test_the_upstream_gets_its_own_name_and_key(client, site, upstream, user):
    client.chat.completions.create(
        model="assistant", messages=said("hi"), user=user, seed=7, temperature=0.5, metadata={"team": "blue"})
    call = upstream.seen(user)[0]
    assert call["request"] == {
        "model": "gpt-4o-mini", "messages": said("hi"), "user": user, "seed": 7, "temperature": 0.5,
        "metadata": {"team": "blue"},
    }
    assert call["headers"]["authorization"] == f"Bearer {upstream.key}"
    assert site.key not in json.dumps(call)


def test_fields_nobody_knows_reach_the_upstream(client, upstream, user):
    extra = {"vendor_option": {"deep": [1, None, "ü"]}, "top_k": 40}
    client.chat.completions.create(model="local/lenient", messages=said("hi"), user=user, extra_body=extra)
    request = upstream.seen(user)[0]["request"]
    assert {name: request[name] for name in extra} == extra


def test_a_provider_and_model_need_no_entry(client):
    completion = client.chat.completions.create(model="local/gpt-4o-mini", messages=said("hi"))
    assert completion.choices[0].message.content == "You said: hi"


def test_several_choices(client):
    completion = client.chat.completions.create(model="assistant", messages=said("hi"), n=3)
    assert [choice.index for choice in completion.choices] == [0, 1, 2]


def test_log_probabilities(client):
    completion = client.chat.completions.create(
        model="assistant", messages=said("a b"), logprobs=True, top_logprobs=1)
    tokens = completion.choices[0].logprobs.content
    assert "".join(token.token for token in tokens) == "You said: a b"
    assert tokens[0].top_logprobs[0].logprob == -0.25


def test_images_and_audio_in_a_message(client, upstream, user):
    content = [
        {"type": "text", "text": "what is this"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    ]
    completion = client.chat.completions.create(
        model="assistant", messages=[{"role": "user", "content": content}], user=user)
    assert completion.choices[0].message.content == "You said: what is this"
    assert upstream.seen(user)[0]["request"]["messages"][0]["content"] == content


def test_a_refusal(client):
    message = client.chat.completions.create(model="assistant", messages=said("please refuse")).choices[0].message
    assert message.refusal == "I cannot help with that."
    assert message.content is None


def test_a_long_conversation(client, upstream, user):
    messages = [{"role": "system", "content": "Be brief."}]
    for turn in range(200):
        messages += [{"role": "user", "content": f"{turn} " * 50}, {"role": "assistant", "content": "ok"}]
    messages += said("done?")
    client.chat.completions.create(model="assistant", messages=messages, user=user)
    assert upstream.seen(user)[0]["request"]["messages"] == messages


def test_the_demo_needs_no_upstream(client):
    assert "demo/echo" in [model.id for model in client.models.list()]
    completion = client.chat.completions.create(model="demo/echo", messages=said("Hello there"))
    assert "Hello there" in completion.choices[0].message.content


def test_each_call_leaves_one_record(client, site, user):
    raw = client.chat.completions.with_raw_response.create(model="assistant", messages=said("the secret plan"))
    completion = raw.parse()
    record = site.record(raw.request_id)
    assert record["model"] == "assistant"
    assert (record["provider"], record["upstream_model"]) == ("local", "gpt-4o-mini")
    assert (record["status"], record["outcome"], record["stream"]) == (200, "ok", False)
    assert record["usage_source"] == "provider"
    assert record["finish_reasons"] == ["stop"]
    assert len(record["attempts"]) == 1 and record["attempts"][0]["status"] == 200
    assert 0 <= record["gateway_us"] <= record["total_us"]
    assert record["gateway_us"] > 0 or not site.clock_runs
    assert record["priced"] is True
    assert completion.usage.total_tokens > 0
    assert "secret plan" not in json.dumps(record)


def test_usage_sums_by_tenant(site):
    key = site.new_key(tenant="sums", name="one")
    with openai.OpenAI(base_url=site.base_url, api_key=key["key"], max_retries=0) as client:
        totals = [client.chat.completions.create(model="assistant", messages=said("hi")).usage for _ in range(3)]
    site.records_until(lambda record: record["tenant"] == "sums")
    end = time.monotonic() + 10
    rows = []
    while time.monotonic() < end and not (rows and rows[0].get("calls") == 3):
        rows = site.admin("GET", "/usage", params={"by": "tenant", "tenant": "sums"})["data"]
        time.sleep(0.05)
    assert len(rows) == 1 and rows[0]["calls"] == 3, rows
    assert sum(usage.completion_tokens for usage in totals) > 0
