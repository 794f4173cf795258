"""Tools and structured output, by hand and with the SDK's helpers."""

import json
from typing import Optional

import openai
import pytest
from pydantic import BaseModel

from conftest import said

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}


class Step(BaseModel):
    explanation: str
    output: str


class Solution(BaseModel):
    steps: list[Step]
    answer: int
    note: Optional[str]


class Lookup(BaseModel):
    """Looks something up."""

    city: str
    days: int


def test_a_whole_tool_loop(client):
    messages = said("how is the weather")
    first = client.chat.completions.create(model="assistant", messages=messages, tools=[WEATHER])
    assert first.choices[0].finish_reason == "tool_calls"
    message = first.choices[0].message
    (call,) = message.tool_calls
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "Zürich"}
    messages = [*messages, message, {"role": "tool", "tool_call_id": call.id, "content": "sunny, 21°"}]
    second = client.chat.completions.create(model="assistant", messages=messages, tools=[WEATHER])
    assert second.choices[0].message.content == "The tools said: sunny, 21°"


def test_parallel_tools(client):
    message = client.chat.completions.create(
        model="assistant", messages=said("both"), tools=[WEATHER, CLOCK]).choices[0].message
    assert [call.function.name for call in message.tool_calls] == ["weather", "clock"]
    assert len({call.id for call in message.tool_calls}) == 2
    assert message.tool_calls[1].function.arguments == "{}"


def test_one_tool_at_a_time(client):
    message = client.chat.completions.create(
        model="assistant", messages=said("both"), tools=[WEATHER, CLOCK], parallel_tool_calls=False).choices[0].message
    assert len(message.tool_calls) == 1


def test_a_chosen_tool(client):
    message = client.chat.completions.create(
        model="assistant", messages=said("both"), tools=[WEATHER, CLOCK],
        tool_choice={"type": "function", "function": {"name": "clock"}}).choices[0].message
    assert [call.function.name for call in message.tool_calls] == ["clock"]


def test_streamed_arguments_are_the_whole_ones(client):
    whole = client.chat.completions.create(model="assistant", messages=said("both"), tools=[WEATHER, CLOCK])
    with client.chat.completions.stream(model="assistant", messages=said("both"), tools=[WEATHER, CLOCK]) as stream:
        names = [event.name for event in stream if event.type == "tool_calls.function.arguments.done"]
        streamed = stream.get_final_completion()
    assert names == ["weather", "clock"]
    for one, other in zip(whole.choices[0].message.tool_calls, streamed.choices[0].message.tool_calls, strict=True):
        assert (one.id, one.function.name, one.function.arguments) == (
            other.id, other.function.name, other.function.arguments)


def test_a_tool_result_nobody_asked_for_is_refused_by_the_vendor(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model="assistant", messages=[*said("hi"), {"role": "tool", "tool_call_id": "call_x", "content": "?"}])
    assert caught.value.param == "messages.[1].role"


def test_structured_output(client):
    completion = client.chat.completions.parse(
        model="assistant", messages=said("solve it"), response_format=Solution)
    solution = completion.choices[0].message.parsed
    assert solution == Solution(steps=[Step(explanation="Zürich", output="Zürich")], answer=7, note="Zürich")


def test_structured_output_in_a_stream(client):
    with client.chat.completions.stream(
        model="assistant", messages=said("solve it"), response_format=Solution
    ) as stream:
        done = [event.parsed for event in stream if event.type == "content.done"]
        assert stream.get_final_completion().choices[0].message.parsed == done[0]
    assert done[0].answer == 7


def test_parsed_tool_arguments(client):
    completion = client.chat.completions.parse(
        model="assistant", messages=said("look"), tools=[openai.pydantic_function_tool(Lookup)])
    (call,) = completion.choices[0].message.tool_calls
    assert call.function.parsed_arguments == Lookup(city="Zürich", days=7)


def test_an_answer_cut_by_its_limit_is_not_parsed(client):
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(
            model="assistant", messages=said("solve it"), response_format=Solution, max_completion_tokens=1)


def test_json_mode_and_what_the_vendor_asks_of_it(client):
    wanted = {"type": "json_object"}
    completion = client.chat.completions.create(
        model="assistant", messages=said("answer in JSON"), response_format=wanted)
    assert json.loads(completion.choices[0].message.content) == {"ok": True}
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="assistant", messages=said("answer"), response_format=wanted)
