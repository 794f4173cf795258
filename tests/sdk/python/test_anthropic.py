"""Anthropic's Messages as the caller's format, with every kind of provider behind it."""

import json

import anthropic
import pytest

from conftest import said
from shapes import CLOCK, PIXEL, WEATHER, Solution, in_messages

TOOLS = [in_messages(WEATHER), in_messages(CLOCK)]


@pytest.fixture
def messages(site):
    """Anthropic's client, which takes the bare origin and does not try again on its own."""
    with anthropic.Anthropic(base_url=site.origin, api_key=site.key, max_retries=0, timeout=20) as client:
        yield client.messages


@pytest.fixture
def beta(site):
    """The beta part of the same."""
    with anthropic.Anthropic(base_url=site.origin, api_key=site.key, max_retries=0, timeout=20) as client:
        yield client.beta.messages


def same_usage(usage, seen):
    """The SDK's figures are the upstream's; input, read and written tokens are apart."""
    assert usage.input_tokens == seen["input"] - seen["cached"] - seen["written"]
    assert (usage.cache_read_input_tokens or 0) == seen["cached"]
    assert (usage.cache_creation_input_tokens or 0) == seen["written"]
    assert usage.output_tokens == seen["output"]


@pytest.mark.everywhere
def test_an_answer(messages, model, upstream, user):
    message = messages.create(model=model, max_tokens=100, system="Be brief.", messages=said(f"Grüße, {user}"))
    assert [(block.type, block.text) for block in message.content] == [("text", f"You said: Grüße, {user}")]
    assert (message.stop_reason, message.role) == ("end_turn", "assistant")
    (call,) = upstream.seen(user)
    assert "Be brief." in json.dumps(call["request"])
    same_usage(message.usage, call["usage"])


@pytest.mark.everywhere
def test_the_stream_helper(messages, model, upstream, user):
    with messages.stream(model=model, max_tokens=100, messages=said(f"Grüße 👋 an {user}")) as stream:
        events = list(stream)
        message = stream.get_final_message()
    kinds = [event.type for event in events if event.type not in ("text", "ping")]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    text = "".join(event.text for event in events if event.type == "text")
    assert text == message.content[0].text == f"You said: Grüße 👋 an {user}"
    assert next(event for event in events if event.type == "message_start").message.usage.input_tokens > 0
    assert message.stop_reason == "end_turn"
    same_usage(message.usage, upstream.seen(user)[0]["usage"])


@pytest.mark.everywhere
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_loop_of_parallel_tools_with_thoughts(messages, kind, model, upstream, user, streamed):
    """A second turn holds the first one's blocks as they came, signatures and all."""
    thinking = {} if kind == "chat" else {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    history = said(f"how is the weather, {user}")

    def ask():
        asked = {"model": model, "max_tokens": 4000, "messages": history, "tools": TOOLS, **thinking}
        if not streamed:
            return messages.create(**asked)
        with messages.stream(**asked) as stream:
            return stream.get_final_message()

    first = ask()
    assert first.stop_reason == "tool_use"
    if kind != "chat":
        assert first.content[0].type == "thinking"
        thought = "".join(block.thinking for block in first.content if block.type == "thinking")
        assert "Let me think: a naïve question, a fine answer." in thought
    calls = [block for block in first.content if block.type == "tool_use"]
    assert [(call.name, call.input) for call in calls] == [("weather", {"city": "Zürich"}), ("clock", {})]
    assert len({call.id for call in calls}) == 2
    same_usage(first.usage, upstream.seen(user)[0]["usage"])
    history.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]})
    history.append({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": call.id, "content": f"{call.name} says fine"} for call in calls]})
    second = ask()
    assert second.content[-1].text == "The tools said: weather says fine; clock says fine"
    assert second.stop_reason == "end_turn"
    same_usage(second.usage, upstream.seen(user)[1]["usage"])


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_the_tool_runner(beta, model, streamed):
    cities = []

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """The weather of a city.

        Args:
            city: Its name.
        """
        cities.append(city)
        return "sunny, 21°"

    runner = beta.tool_runner(
        model=model, max_tokens=500, tools=[weather], messages=said("how is the weather"), stream=streamed)
    last = None
    for turn in runner:
        last = turn.get_final_message() if streamed else turn
    assert cities == ["Zürich"]
    assert last.content[-1].text == "The tools said: sunny, 21°"


def test_a_result_with_a_picture_and_an_error(messages, kind, model, upstream, user):
    """Where a format has no pictures in results, the call is refused by name instead of losing one."""
    history = said(f"look, {user}")
    first = messages.create(model=model, max_tokens=200, messages=history, tools=TOOLS)
    calls = [block for block in first.content if block.type == "tool_use"]
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    history += [{"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": calls[0].id, "content": [
                        {"type": "text", "text": "a dot"}, picture]},
                    {"type": "tool_result", "tool_use_id": calls[1].id, "is_error": True, "content": "it broke"}]}]
    try:
        second = messages.create(model=model, max_tokens=200, messages=history, tools=TOOLS)
    except anthropic.BadRequestError as error:
        assert kind in ("chat", "cohere"), error
        assert "messages" in str(error)
        return
    assert "a dot" in second.content[-1].text and "it broke" in second.content[-1].text
    assert PIXEL in json.dumps(upstream.seen(user)[1]["request"])


def test_a_tool_must_be_called(messages, model):
    asked = {"model": model, "max_tokens": 100, "messages": said("please"), "tools": TOOLS}
    assert messages.create(**asked, tool_choice={"type": "any"}).stop_reason == "tool_use"
    assert messages.create(**asked, tool_choice={"type": "none"}).content[0].text == "You said: please"


def test_structured_output(messages, model):
    message = messages.parse(model=model, max_tokens=300, messages=said("solve it"), output_format=Solution)
    assert isinstance(message.parsed_output, Solution)
    assert message.parsed_output.answer == 7


def test_an_answer_that_is_cut(messages, model):
    message = messages.create(model=model, max_tokens=20, messages=said("word " * 40))
    assert message.stop_reason == "max_tokens"
    assert len(message.content[0].text.split()) == 20


def test_an_image(messages, model, upstream, user):
    content = [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
               {"type": "text", "text": f"what is this {user}"}]
    message = messages.create(model=model, max_tokens=100, messages=[{"role": "user", "content": content}])
    assert message.content[0].text == f"You said: what is this {user}"
    assert PIXEL in json.dumps(upstream.seen(user)[0]["request"])


@pytest.mark.everywhere
def test_tokens_are_counted_for_every_model(messages, model):
    less = messages.count_tokens(model=model, messages=said("one two three"))
    more = messages.count_tokens(model=model, messages=said("one two three " * 20), tools=TOOLS, system="Be brief.")
    assert 0 < less.input_tokens < more.input_tokens


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_errors_are_of_the_sdks_classes(messages, provider, streamed):
    def ask(upstream_model, **fields):
        return messages.create(**{"model": f"{provider}/{upstream_model}", "max_tokens": 10, "messages": said("hi"),
                                  "stream": streamed, **fields})

    with pytest.raises(anthropic.RateLimitError) as caught:
        ask("error-429")
    assert caught.value.response.headers["retry-after"] == "2"
    assert caught.value.body["error"]["type"] == "rate_limit_error"
    with pytest.raises(anthropic.InternalServerError):
        ask("error-500")
    with pytest.raises(anthropic.NotFoundError):
        ask("nobody-knows-it")
    with pytest.raises(anthropic.BadRequestError) as caught:
        ask("anything", extra_body={"temperature": "warm"})
    assert "temperature" in str(caught.value)
    with pytest.raises(anthropic.BadRequestError):
        ask("anything", messages=[{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_nobody", "content": "fine"}]}])


@pytest.mark.parametrize("fault", ["cut", "broken-stream"])
def test_a_stream_that_fails_midway_says_so(messages, provider, fault):
    text = ""
    with pytest.raises(anthropic.APIError):
        with messages.stream(model=f"{provider}/{fault}", max_tokens=50, messages=said("one two three")) as stream:
            for piece in stream.text_stream:
                text += piece
    assert text.startswith("You ") and "three" not in text


def test_a_wrong_key(site):
    with anthropic.Anthropic(base_url=site.origin, api_key="sk-made-up", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError):
            client.messages.create(model="on-anthropic", max_tokens=10, messages=said("hi"))


def test_citations_of_a_document(messages, user):
    """Same format on both sides: what the vendor cites arrives."""
    document = {"type": "document", "citations": {"enabled": True},
                "source": {"type": "text", "media_type": "text/plain", "data": "The sky is blue."}}
    content = [document, {"type": "text", "text": f"what colour {user}"}]
    with messages.stream(
            model="on-anthropic", max_tokens=50, messages=[{"role": "user", "content": content}]) as stream:
        (block,) = stream.get_final_message().content
    assert [cited.cited_text for cited in block.citations] == ["The sky is"]
