"""One whole agent with tools, as LangChain runs it, over every kind of provider."""

import pytest
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@tool
def clock() -> str:
    """The time."""
    return "noon"


def run(model, user):
    """Runs the agent to its end; gives every message."""
    agent = create_agent(model, tools=[weather, clock], system_prompt="Be brief.")
    return agent.invoke({"messages": [{"role": "user", "content": f"how is the weather, {user}"}]})["messages"]


def check(messages, upstream, user):
    """Question, two calls at once, two results, the answer."""
    assert [message.type for message in messages] == ["human", "ai", "tool", "tool", "ai"]
    assert [call["name"] for call in messages[1].tool_calls] == ["weather", "clock"]
    assert messages[-1].text == "The tools said: sunny in Zürich; noon"
    calls = upstream.seen(user)
    assert len(calls) == 2
    for message, call in zip((messages[1], messages[-1]), calls):
        assert message.usage_metadata["output_tokens"] == call["usage"]["output"]
        assert message.usage_metadata["input_tokens"] == call["usage"]["input"]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("responses", [False, True], ids=["completions", "responses"])
def test_openais_format(site, kind, model, upstream, user, responses, streamed):
    # Chat Completions shows no thoughts; what proves them must survive in what LangChain keeps.
    thinking = {} if kind == "chat" else {"reasoning": {"effort": "low"}} if responses else {"reasoning_effort": "low"}
    chat = ChatOpenAI(
        model=model, base_url=site.base_url, api_key=site.key, max_retries=0, timeout=20, use_responses_api=responses,
        streaming=streamed, stream_usage=True, **thinking)
    check(run(chat, user), upstream, user)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_anthropics_format(site, kind, model, upstream, user, streamed):
    thinking = {} if kind == "chat" else {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    chat = ChatAnthropic(
        model_name=model, base_url=site.origin, api_key=site.key, max_retries=0, timeout=20, max_tokens=4000,
        streaming=streamed, **thinking)
    check(run(chat, user), upstream, user)
