"""OpenAI's Responses as the caller's format, with every kind of provider behind it."""

import json

import openai
import pytest

from shapes import CLOCK, PIXEL, WEATHER, Solution, in_responses

TOOLS = [in_responses(WEATHER), in_responses(CLOCK)]


def same_usage(usage, seen):
    """The SDK's figures are the upstream's."""
    assert usage.input_tokens == seen["input"]
    assert usage.output_tokens == seen["output"]
    assert usage.total_tokens == seen["input"] + seen["output"]
    assert usage.input_tokens_details.cached_tokens == seen["cached"]
    assert usage.output_tokens_details.reasoning_tokens == seen["reasoning"]


@pytest.mark.everywhere
def test_an_answer(client, model, upstream, user):
    response = client.responses.create(model=model, input=f"Grüße, {user}", instructions="Be brief.")
    assert response.output_text == f"You said: Grüße, {user}"
    assert response.status == "completed"
    (call,) = upstream.seen(user)
    assert "Be brief." in json.dumps(call["request"])
    same_usage(response.usage, call["usage"])


@pytest.mark.everywhere
def test_the_stream_helper(client, model, upstream, user):
    with client.responses.stream(model=model, input=f"Grüße 👋 an {user}") as stream:
        events = list(stream)
        response = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    types = [event.type for event in events]
    assert types[:2] == ["response.created", "response.in_progress"]
    assert types[-1] == "response.completed"
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == response.output_text == f"You said: Grüße 👋 an {user}"
    same_usage(response.usage, upstream.seen(user)[0]["usage"])


@pytest.mark.everywhere
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_loop_of_parallel_tools_with_thoughts(client, kind, model, upstream, user, streamed):
    """What the model gave goes back as it came: thoughts, with what proves them, and calls."""
    thinking = {} if kind == "chat" else {"reasoning": {"effort": "low", "summary": "auto"}}
    history = [{"role": "user", "content": f"how is the weather, {user}"}]

    def ask():
        asked = {"model": model, "input": history, "tools": TOOLS, "store": False, **thinking,
                 "include": ["reasoning.encrypted_content"]}
        if not streamed:
            return client.responses.create(**asked)
        with client.responses.stream(**asked) as stream:
            for _ in stream:
                pass
            return stream.get_final_response()

    first = ask()
    calls = [item for item in first.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["weather", "clock"]
    assert [json.loads(call.arguments) for call in calls] == [{"city": "Zürich"}, {}]
    assert len({call.call_id for call in calls}) == 2
    if kind != "chat":
        thoughts = [item for item in first.output if item.type == "reasoning"]
        # Cohere tells its plan for the tools beside its thoughts.
        assert len(thoughts) == 1 or kind == "cohere"
        shown = "".join(part.text for item in thoughts for part in [*item.summary, *(item.content or [])])
        assert "Let me think: a naïve question, a fine answer." in shown
    same_usage(first.usage, upstream.seen(user)[0]["usage"])
    history += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in first.output]
    history += [{"type": "function_call_output", "call_id": call.call_id, "output": f"{call.name} says fine"}
                for call in calls]
    second = ask()
    assert second.output_text == "The tools said: weather says fine; clock says fine"
    assert second.status == "completed"
    same_usage(second.usage, upstream.seen(user)[1]["usage"])


def test_parsed_output(client, model):
    response = client.responses.parse(model=model, input="solve it", text_format=Solution)
    assert isinstance(response.output_parsed, Solution)
    assert response.output_parsed.steps[0].output == "Zürich"


def test_parsed_output_in_a_stream(client, model):
    with client.responses.stream(model=model, input="solve it", text_format=Solution) as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_parsed.answer == 7


def test_a_tool_must_be_called(client, model):
    response = client.responses.create(model=model, input="please", tools=TOOLS, tool_choice="required")
    assert any(item.type == "function_call" for item in response.output)
    response = client.responses.create(model=model, input="please", tools=TOOLS, tool_choice="none")
    assert response.output_text == "You said: please"


def test_an_answer_that_is_cut(client, model):
    response = client.responses.create(model=model, input="word " * 40, max_output_tokens=20)
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert len(response.output_text.split()) == 20


def test_an_image(client, model, upstream, user):
    content = [{"type": "input_text", "text": f"what is this {user}"},
               {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PIXEL}"}]
    response = client.responses.create(model=model, input=[{"role": "user", "content": content}])
    assert response.output_text == f"You said: what is this {user}"
    assert PIXEL in json.dumps(upstream.seen(user)[0]["request"])


def test_errors_are_of_the_sdks_classes(client, provider):
    with pytest.raises(openai.RateLimitError) as caught:
        client.responses.create(model=f"{provider}/error-429", input="hi")
    assert caught.value.response.headers["retry-after"] == "2"
    with pytest.raises(openai.InternalServerError):
        client.responses.create(model=f"{provider}/error-500", input="hi", stream=True)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model=f"{provider}/nobody-knows-it", input="hi")
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=f"{provider}/anything", input="hi", temperature="warm")
    assert caught.value.param == "temperature"


@pytest.mark.parametrize("fault", ["cut", "broken-stream"])
def test_a_stream_that_fails_midway_says_so(client, provider, fault):
    text, told = "", []
    try:
        for event in client.responses.create(model=f"{provider}/{fault}", input="one two three", stream=True):
            if event.type == "response.output_text.delta":
                text += event.delta
            if event.type in ("error", "response.failed"):
                told.append(event)
    except openai.APIError as error:
        told.append(error)
    assert text.startswith("You ") and "three" not in text
    assert len(told) == 1
