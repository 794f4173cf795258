"""Streamed answers: pieces, the usage event that is asked of the upstream and hidden from who did not ask, and ends."""

import time

import openai
import pytest

from conftest import said


def content(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_a_stream_arrives_in_pieces(client):
    chunks = list(client.chat.completions.create(model="assistant", messages=said("one two three"), stream=True))
    assert content(chunks) == "You said: one two three"
    assert len(chunks) > 4
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_usage_is_hidden_from_who_did_not_ask(client, site, upstream, user):
    raw = client.chat.completions.with_raw_response.create(
        model="assistant", messages=said("one two"), stream=True, user=user)
    chunks = list(raw.parse())
    assert all(chunk.choices for chunk in chunks), "the extra event with no choices was not asked for"
    assert all(chunk.usage is None for chunk in chunks)
    assert upstream.seen(user)[0]["request"]["stream_options"] == {"include_usage": True}
    record = site.record(raw.request_id)
    assert record["usage_source"] == "provider"
    assert record["outcome"] == "ok"
    assert record["first_token_us"] <= record["total_us"]


def test_usage_is_the_last_event_for_who_asked(client):
    chunks = list(client.chat.completions.create(
        model="assistant", messages=said("one two"), stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens > 0
    assert content(chunks) == "You said: one two"


def test_text_is_counted_when_the_upstream_reports_no_usage(client, site):
    raw = client.chat.completions.with_raw_response.create(
        model="local/silent-usage", messages=said("one two three four"), stream=True)
    list(raw.parse())
    record = site.record(raw.request_id)
    assert record["usage_source"] == "estimated"
    assert record["usage"]["output"] > 0


def test_the_stream_helper(client):
    deltas, kinds = [], []
    with client.chat.completions.stream(model="assistant", messages=said("one two three")) as stream:
        for event in stream:
            kinds.append(event.type)
            if event.type == "content.delta":
                deltas.append(event.delta)
        final = stream.get_final_completion()
    assert "".join(deltas) == "You said: one two three"
    assert "content.done" in kinds
    assert final.choices[0].message.content == "You said: one two three"
    assert final.choices[0].finish_reason == "stop"


def test_the_stream_helper_with_usage(client):
    with client.chat.completions.stream(
        model="assistant", messages=said("one two"), stream_options={"include_usage": True}
    ) as stream:
        stream.until_done()
        assert stream.get_final_completion().usage.total_tokens > 0


def test_several_choices_in_a_stream(client):
    texts = {0: "", 1: ""}
    for chunk in client.chat.completions.create(model="assistant", messages=said("a b"), n=2, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == {0: "You said: a b", 1: "You said: a b"}


def test_log_probabilities_in_a_stream(client):
    chunks = client.chat.completions.create(model="assistant", messages=said("a b"), logprobs=True, stream=True)
    tokens = [token.token for chunk in chunks for choice in chunk.choices if choice.logprobs
              for token in choice.logprobs.content]
    assert "".join(tokens) == "You said: a b"


def test_a_refusal_in_a_stream(client):
    with client.chat.completions.stream(model="assistant", messages=said("please refuse")) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.refusal == "I cannot help with that."


def test_pieces_arrive_while_the_upstream_still_writes(client):
    start = time.monotonic()
    stream = client.chat.completions.create(model="local/stall", messages=said("one two three four"), stream=True)
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    assert time.monotonic() - start < 2, "the first piece waited for the rest"
    stream.close()


@pytest.mark.parametrize("model", ["local/cut", "local/broken-stream"])
def test_a_stream_that_fails_midway_says_so(client, site, model):
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=said("one two three four five six"), stream=True)
    seen = []
    with pytest.raises(openai.APIError) as caught:
        for chunk in raw.parse():
            seen.append(chunk)
    assert content(seen).startswith("You ")
    assert not isinstance(caught.value, openai.APIConnectionError), "the caller gets a typed event, not a broken line"
    assert caught.value.message
    record = site.record(raw.request_id)
    assert record["outcome"] == "stream_failed"
    assert record["error"]


def test_a_stream_that_stalls_is_ended_by_the_idle_limit(client, site):
    start = time.monotonic()
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="hurried", messages=said("one two three"), stream=True))
    assert time.monotonic() - start < 2.5


def test_a_caller_who_leaves_cancels_the_upstream(client, site, upstream, user):
    # Without being told, the gateway goes on until the upstream ends.
    model = "local/endless" if site.tells_departure else "local/stall"
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=said("one two three"), stream=True, user=user)
    stream = raw.parse()
    for count, _ in enumerate(stream):
        if count == (8 if site.tells_departure else 1):
            break
    stream.close()
    record = site.record(raw.request_id)
    assert record["usage"]["output"] > 0
    if not site.tells_departure:
        assert (record["outcome"], record["usage_source"]) == ("ok", "provider")
        return
    assert (record["outcome"], record["usage_source"]) == ("client_closed", "estimated")
    end = time.monotonic() + 5
    while not upstream.seen(user)[0]["left_early"]:
        assert time.monotonic() < end, "the upstream still writes"
        time.sleep(0.05)


def test_the_extra_headers_come_before_the_stream(client):
    raw = client.chat.completions.with_raw_response.create(model="assistant", messages=said("hi"), stream=True)
    assert raw.headers["x-postern-target"] == "local/gpt-4o-mini"
    assert raw.headers["content-type"].startswith("text/event-stream")
    list(raw.parse())
