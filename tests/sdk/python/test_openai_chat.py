"""OpenAI's Chat Completions as the caller's format, with every kind of provider behind it."""

import json

import openai
import pytest
from pydantic import BaseModel

from conftest import said
from shapes import CLOCK, PIXEL, WEATHER, Solution, in_chat

pytestmark = pytest.mark.usefixtures("kind")
TOOLS = [in_chat(WEATHER), in_chat(CLOCK)]


def same_usage(usage, seen):
    """The SDK's figures are the upstream's."""
    assert usage.prompt_tokens == seen["input"]
    assert usage.completion_tokens == seen["output"]
    assert usage.total_tokens == seen["input"] + seen["output"]
    assert (usage.prompt_tokens_details.cached_tokens or 0) == seen["cached"]
    assert (usage.completion_tokens_details.reasoning_tokens or 0) == seen["reasoning"]


@pytest.mark.everywhere
def test_an_answer(client, model, upstream, user, site):
    raw = client.chat.completions.with_raw_response.create(model=model, messages=said(f"Grüße, {user}"))
    completion = raw.parse()
    assert completion.choices[0].message.content == f"You said: Grüße, {user}"
    assert completion.choices[0].finish_reason == "stop"
    (call,) = upstream.seen(user)
    same_usage(completion.usage, call["usage"])
    record = site.record(raw.request_id)
    assert record["usage_source"] == "provider"
    assert record["usage"]["output"] == call["usage"]["output"]


@pytest.mark.everywhere
def test_a_stream(client, model, upstream, user):
    chunks = list(client.chat.completions.create(
        model=model, messages=said(f"Grüße 👋 an {user}"), stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == f"You said: Grüße 👋 an {user}"
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].choices == []
    same_usage(chunks[-1].usage, upstream.seen(user)[0]["usage"])


def test_the_stream_helper(client, model, user):
    with client.chat.completions.stream(model=model, messages=said(f"one two {user}")) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert "".join(deltas) == final.choices[0].message.content == f"You said: one two {user}"
    assert len(deltas) > 1


@pytest.mark.everywhere
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_loop_of_parallel_tools_with_thoughts(client, kind, model, upstream, user, streamed):
    """The upstream refuses results without calls, and turns without the signatures that it gave."""
    # Chat Completions of OpenAI itself think in secret: its model here does not.
    thinking = {} if kind == "chat" else {"reasoning_effort": "low"}
    messages = said(f"how is the weather, {user}")

    def ask():
        asked = {"model": model, "messages": messages, "tools": TOOLS, **thinking}
        if not streamed:
            return client.chat.completions.create(**asked)
        with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
            for _ in stream:
                pass
            return stream.get_final_completion()

    first = ask()
    choice = first.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert [call.function.name for call in choice.message.tool_calls] == ["weather", "clock"]
    assert [json.loads(call.function.arguments) for call in choice.message.tool_calls] == [{"city": "Zürich"}, {}]
    assert len({call.id for call in choice.message.tool_calls}) == 2
    same_usage(first.usage, upstream.seen(user)[0]["usage"])
    messages.append(choice.message.model_dump(exclude_none=True, exclude={"parsed"}))
    for call in choice.message.tool_calls:
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"{call.function.name} says fine"})
    second = ask()
    assert second.choices[0].message.content == "The tools said: weather says fine; clock says fine"
    assert second.choices[0].finish_reason == "stop"
    same_usage(second.usage, upstream.seen(user)[1]["usage"])


def test_a_caller_who_keeps_ids_only(client, model, upstream, user):
    """Many keep nothing of a message but text and calls; the loop must still close."""
    messages = said(f"how is the weather, {user}")
    asked = {"model": model, "tools": TOOLS, **({} if model == "on-chat" else {"reasoning_effort": "low"})}
    message = client.chat.completions.create(messages=messages, **asked).choices[0].message
    calls = [{"id": call.id, "type": "function", "function": {
        "name": call.function.name, "arguments": call.function.arguments}} for call in message.tool_calls]
    messages.append({"role": "assistant", "content": None, "tool_calls": calls})
    messages += [{"role": "tool", "tool_call_id": call["id"], "content": "fine"} for call in calls]
    second = client.chat.completions.create(messages=messages, **asked)
    assert second.choices[0].message.content == "The tools said: fine; fine"
    assert len(upstream.seen(user)) == 2


def test_a_tool_must_be_called(client, model, user):
    message = client.chat.completions.create(
        model=model, messages=said(f"please {user}"), tools=TOOLS, tool_choice="required").choices[0].message
    assert message.tool_calls
    message = client.chat.completions.create(
        model=model, messages=said(f"please {user}"), tools=TOOLS, tool_choice="none").choices[0].message
    assert message.content == f"You said: please {user}"


def test_structured_output(client, model):
    completion = client.chat.completions.parse(model=model, messages=said("solve it"), response_format=Solution)
    solution = completion.choices[0].message.parsed
    assert isinstance(solution, Solution)
    assert (solution.steps[0].output, solution.answer) == ("Zürich", 7)


def test_structured_output_in_a_stream(client, model):
    with client.chat.completions.stream(
            model=model, messages=said("solve it"), response_format=Solution) as stream:
        for _ in stream:
            pass
        assert stream.get_final_completion().choices[0].message.parsed.answer == 7


def test_a_strict_tool_is_parsed(client, model):
    class Lookup(BaseModel):
        """Looks something up."""

        city: str
        days: int

    message = client.chat.completions.parse(
        model=model, messages=said("look"), tools=[openai.pydantic_function_tool(Lookup)]).choices[0].message
    assert message.tool_calls[0].function.parsed_arguments == Lookup(city="Zürich", days=7)


def test_an_answer_that_is_cut(client, model):
    completion = client.chat.completions.create(model=model, messages=said("word " * 40), max_completion_tokens=20)
    assert completion.choices[0].finish_reason == "length"
    assert len(completion.choices[0].message.content.split()) == 20


def test_an_answer_that_is_refused(client, kind, model):
    choice = client.chat.completions.create(model=model, messages=said("refuse this")).choices[0]
    told = choice.message.refusal or choice.message.content
    if kind in ("anthropic", "gemini", "bedrock"):
        assert choice.finish_reason == "content_filter"
    if kind != "gemini":
        assert told == "I cannot help with that."


def test_what_is_said_before(client, kind, model, upstream, user):
    completion = client.chat.completions.create(
        model=model, temperature=0.5, top_p=0.9, max_tokens=200,
        **({} if kind == "responses" else {"stop": ["END"]}),
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "one"},
                  {"role": "assistant", "content": "two"}, *said(f"three {user}")])
    assert completion.choices[0].message.content == f"You said: three {user}"
    request = json.dumps(upstream.seen(user)[0]["request"])
    # The models of Anthropic's that stand here take a temperature or `top_p`, not both.
    told = ["Be brief.", '"one"', '"two"', "0.5", "200", *([] if kind in ("anthropic", "bedrock") else ["0.9"])]
    assert [word for word in told if word not in request] == []


def test_an_image(client, model, upstream, user):
    content = [{"type": "text", "text": f"what is this {user}"},
               {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]
    completion = client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}])
    assert completion.choices[0].message.content == f"You said: what is this {user}"
    assert PIXEL in json.dumps(upstream.seen(user)[0]["request"])


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_errors_are_of_the_sdks_classes(client, provider, streamed):
    def ask(upstream_model):
        return client.chat.completions.create(
            model=f"{provider}/{upstream_model}", messages=said("hi"), stream=streamed)

    with pytest.raises(openai.RateLimitError) as caught:
        ask("error-429")
    assert caught.value.response.headers["retry-after"] == "2"
    with pytest.raises(openai.InternalServerError):
        ask("error-500")
    with pytest.raises(openai.NotFoundError):
        ask("nobody-knows-it")
    with pytest.raises(openai.InternalServerError):
        ask("html")


@pytest.mark.parametrize("fault", ["cut", "broken-stream"])
def test_a_stream_that_fails_midway_says_so(client, provider, fault):
    text = ""
    with pytest.raises(openai.APIError):
        for chunk in client.chat.completions.create(
                model=f"{provider}/{fault}", messages=said("one two three"), stream=True):
            text += chunk.choices[0].delta.content or "" if chunk.choices else ""
    assert text.startswith("You ")
    assert "three" not in text
