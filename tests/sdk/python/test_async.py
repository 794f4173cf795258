"""The asynchronous client, many calls at once, and calls that are given up."""

import asyncio
import time

import openai
import pytest
from pydantic import BaseModel

from conftest import said


class Answer(BaseModel):
    value: int


def run(site, test, **options):
    async def body():
        async with openai.AsyncOpenAI(
            base_url=site.base_url, api_key=site.key, **{"max_retries": 0, "timeout": 20, **options}
        ) as client:
            return await test(client)

    return asyncio.run(body())


async def text_of(stream):
    text = ""
    async for chunk in stream:
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
    return text


def test_many_calls_at_once_get_their_own_answers(site):
    async def one(client, count):
        if count % 2:
            stream = await client.chat.completions.create(
                model="assistant", messages=said(f"number {count}"), stream=True)
            return await text_of(stream)
        completion = await client.chat.completions.create(model="assistant", messages=said(f"number {count}"))
        return completion.choices[0].message.content

    async def test(client):
        return await asyncio.gather(*(one(client, count) for count in range(60)))

    assert run(site, test) == [f"You said: number {count}" for count in range(60)]


def test_slow_calls_wait_side_by_side(site):
    async def test(client):
        await asyncio.gather(*(
            client.chat.completions.create(model="local/slow", messages=said("hi")) for _ in range(20)))

    start = time.monotonic()
    run(site, test)
    # One after the other they would take a minute.
    assert time.monotonic() - start < 30


def test_the_helpers(site):
    async def test(client):
        completion = await client.chat.completions.parse(
            model="assistant", messages=said("solve"), response_format=Answer)
        assert completion.choices[0].message.parsed == Answer(value=7)
        async with client.chat.completions.stream(model="assistant", messages=said("one two")) as stream:
            deltas = [event.delta async for event in stream if event.type == "content.delta"]
        assert "".join(deltas) == "You said: one two"
        assert "assistant" in [model.id async for model in client.models.list()]

    run(site, test)


def test_errors_have_the_same_classes(site):
    async def test(client):
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(model="asistant", messages=said("hi"))
        with pytest.raises(openai.RateLimitError):
            await client.chat.completions.create(model="local/error-429", messages=said("hi"))

    run(site, test)


def test_the_callers_time_limit(site):
    async def test(client):
        with pytest.raises(openai.APITimeoutError):
            await client.chat.completions.create(model="local/slow", messages=said("hi"))

    run(site, test, timeout=0.5)


def test_a_call_that_is_given_up_is_recorded(site, user):
    async def test(client):
        call = asyncio.create_task(client.chat.completions.create(model="local/slow", messages=said("hi"), user=user))
        await asyncio.sleep(0.5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    key = site.new_key(tenant="quitters")
    site_of_tenant = type("SiteOfTenant", (), {"base_url": site.base_url, "key": key["key"]})
    run(site_of_tenant, test)
    record = site.records_until(lambda record: record["tenant"] == "quitters")
    wanted = ("client_closed", 499) if site.tells_departure else ("ok", 200)
    assert (record["outcome"], record["status"]) == wanted
