"""Google's generateContent as the caller's format, with every kind of provider behind it."""

import base64
import json

import pytest
from google import genai
from google.genai import errors, types

from shapes import CLOCK, PIXEL, WEATHER, Solution

TOOLS = [types.Tool(function_declarations=[
    types.FunctionDeclaration(name=tool["name"], description=tool["description"],
                              **({"parameters_json_schema": tool["parameters"]} if tool is WEATHER else {}))
    for tool in (WEATHER, CLOCK)])]
BY_HAND = types.AutomaticFunctionCallingConfig(disable=True)


@pytest.fixture
def models(site):
    """Google's client, which takes the bare origin."""
    with genai.Client(api_key=site.key, http_options=types.HttpOptions(base_url=site.origin, timeout=20_000)) as client:
        yield client.models


@pytest.fixture
def chats(site):
    """Its conversations, which keep the history themselves."""
    with genai.Client(api_key=site.key, http_options=types.HttpOptions(base_url=site.origin, timeout=20_000)) as client:
        yield client.chats


def same_usage(usage, seen):
    """The SDK's figures are the upstream's; thoughts are counted beside the answer."""
    assert usage.prompt_token_count == seen["input"]
    assert (usage.cached_content_token_count or 0) == seen["cached"]
    assert (usage.thoughts_token_count or 0) == seen["reasoning"]
    assert usage.candidates_token_count == seen["output"] - seen["reasoning"]
    assert usage.total_token_count == seen["input"] + seen["output"]


@pytest.mark.everywhere
def test_an_answer(models, model, upstream, user):
    answer = models.generate_content(
        model=model, contents=f"Grüße, {user}", config=types.GenerateContentConfig(system_instruction="Be brief."))
    assert answer.text == f"You said: Grüße, {user}"
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    (call,) = upstream.seen(user)
    assert "Be brief." in json.dumps(call["request"])
    same_usage(answer.usage_metadata, call["usage"])


@pytest.mark.everywhere
def test_a_stream(models, model, upstream, user):
    chunks = list(models.generate_content_stream(model=model, contents=f"Grüße 👋 an {user}"))
    assert "".join(chunk.text or "" for chunk in chunks) == f"You said: Grüße 👋 an {user}"
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    same_usage(chunks[-1].usage_metadata, upstream.seen(user)[0]["usage"])


@pytest.mark.everywhere
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_loop_of_parallel_tools_with_thoughts(models, kind, model, upstream, user, streamed):
    """A second turn holds the first one's parts as they came, signatures and all."""
    thinking = None if kind == "chat" else types.ThinkingConfig(include_thoughts=True, thinking_budget=2000)
    config = types.GenerateContentConfig(
        tools=TOOLS, thinking_config=thinking, automatic_function_calling=BY_HAND, max_output_tokens=4000)
    history = [types.Content(role="user", parts=[types.Part(text=f"how is the weather, {user}")])]

    def ask():
        if not streamed:
            answer = models.generate_content(model=model, contents=history, config=config)
            return answer.candidates[0].content.parts, answer.usage_metadata
        chunks = list(models.generate_content_stream(model=model, contents=history, config=config))
        parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
        return parts, chunks[-1].usage_metadata

    parts, usage = ask()
    calls = [part.function_call for part in parts if part.function_call]
    assert [(call.name, call.args) for call in calls] == [("weather", {"city": "Zürich"}), ("clock", {})]
    if kind != "chat":
        thought = "".join(part.text for part in parts if part.thought and part.text)
        assert "Let me think: a naïve question, a fine answer." in thought
    same_usage(usage, upstream.seen(user)[0]["usage"])
    history.append(types.Content(role="model", parts=parts))
    history.append(types.Content(role="user", parts=[
        types.Part(function_response=types.FunctionResponse(
            id=call.id, name=call.name, response={"result": f"{call.name} says fine"})) for call in calls]))
    parts, usage = ask()
    text = "".join(part.text for part in parts if part.text and not part.thought)
    assert "weather says fine" in text and "clock says fine" in text
    assert text.startswith("The tools said: ")
    same_usage(usage, upstream.seen(user)[1]["usage"])


def test_functions_are_called_by_the_sdk(chats, model):
    cities = []

    def weather(city: str) -> str:
        """The weather of a city.

        Args:
            city: Its name.
        """
        cities.append(city)
        return "sunny, 21°"

    chat = chats.create(model=model, config=types.GenerateContentConfig(tools=[weather]))
    answer = chat.send_message("how is the weather")
    assert cities == ["Zürich"]
    assert "sunny, 21°" in answer.text
    streamed = "".join(chunk.text or "" for chunk in chat.send_message_stream("and now"))
    assert "sunny, 21°" in streamed


def test_structured_output(models, model):
    answer = models.generate_content(model=model, contents="solve it", config=types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=Solution))
    assert isinstance(answer.parsed, Solution)
    assert answer.parsed.steps[0].output == "Zürich"


def test_structured_output_by_json_schema(models, model):
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
              "required": ["city", "days"], "additionalProperties": False}
    answer = models.generate_content(model=model, contents="look", config=types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=schema))
    assert json.loads(answer.text) == {"city": "Zürich", "days": 7}


def test_a_tool_must_be_called(models, model):
    def config(mode):
        return types.GenerateContentConfig(
            tools=TOOLS, automatic_function_calling=BY_HAND,
            tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode=mode)))

    assert models.generate_content(model=model, contents="please", config=config("ANY")).function_calls
    assert models.generate_content(model=model, contents="please", config=config("NONE")).text == "You said: please"


def test_an_answer_that_is_cut(models, model):
    answer = models.generate_content(
        model=model, contents="word " * 40, config=types.GenerateContentConfig(max_output_tokens=20))
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert len(answer.text.split()) == 20


def test_an_image(models, kind, model, upstream, user):
    picture = types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png")
    answer = models.generate_content(model=model, contents=[f"what is this {user}", picture])
    assert answer.text == f"You said: what is this {user}"
    sent = json.dumps(upstream.seen(user)[0]["request"])
    # The SDK writes base64 with the letters for URLs, which only its own vendor reads.
    assert (PIXEL.replace("+", "-").replace("/", "_") if kind == "gemini" else PIXEL) in sent


@pytest.mark.everywhere
def test_tokens_are_counted_for_every_model(models, model):
    less = models.count_tokens(model=model, contents="one two three")
    more = models.count_tokens(model=model, contents="one two three " * 20)
    assert 0 < less.total_tokens < more.total_tokens


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_errors_are_of_the_sdks_classes(models, provider, streamed):
    def fails(class_, upstream_model, code, **fields):
        with pytest.raises(class_) as caught:
            asked = {"model": f"{provider}/{upstream_model}", "contents": "hi", **fields}
            if streamed:
                list(models.generate_content_stream(**asked))
            else:
                models.generate_content(**asked)
        assert caught.value.code == code
        return caught.value

    assert fails(errors.ClientError, "error-429", 429).status == "RESOURCE_EXHAUSTED"
    fails(errors.ServerError, "error-500", 502)
    assert fails(errors.ClientError, "nobody-knows-it", 404).status == "NOT_FOUND"
    bad = types.GenerateContentConfig(temperature=-3)
    fails(errors.ClientError, "error-400", 400, config=bad)


@pytest.mark.parametrize("fault", ["cut", "broken-stream"])
def test_a_stream_that_fails_midway_says_so(models, provider, fault):
    text = ""
    with pytest.raises(errors.APIError):
        for chunk in models.generate_content_stream(model=f"{provider}/{fault}", contents="one two three"):
            text += chunk.text or ""
    assert text.startswith("You ") and "three" not in text


def test_a_wrong_key(site):
    with genai.Client(api_key="sk-made-up", http_options=types.HttpOptions(base_url=site.origin)) as client:
        with pytest.raises(errors.ClientError) as caught:
            client.models.generate_content(model="on-gemini", contents="hi")
    assert caught.value.code in (400, 401)
