"""What a new user meets: no configuration, an empty folder, the printed lines, the demo."""

import os
import subprocess

import openai
import pytest

from conftest import program, said
from native import Native

pytestmark = pytest.mark.native


@pytest.fixture
def bare():
    """An environment without any provider's key, and without what tells of another gateway."""
    return {
        name: value for name, value in os.environ.items()
        if not name.endswith("_API_KEY") and not name.startswith(("OPENAI_", "POSTERN_", "UPSTREAM_"))
    }


def test_the_demo_answers_with_what_was_printed(bare, tmp_path):
    site = Native(tmp_path, bare, [])
    try:
        # The SDK takes both from the environment, as a user would have it.
        client = openai.OpenAI(base_url=site.values["OPENAI_BASE_URL"], api_key=site.values["OPENAI_API_KEY"])
        assert "demo/echo" in [model.id for model in client.models.list()]
        assert client.models.retrieve("demo/echo").id == "demo/echo"
        completion = client.chat.completions.create(model="demo/echo", messages=said("Hello there"))
        assert "Hello there" in completion.choices[0].message.content
        assert completion.usage.total_tokens > 0
        chunks = list(client.chat.completions.create(
            model="demo/echo", messages=said("Hello there"), stream=True, stream_options={"include_usage": True}))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert text == completion.choices[0].message.content
        assert chunks[-1].usage.total_tokens > 0
    finally:
        code = site.stop()
    assert code == 0, site.errors()


def test_keys_and_records_outlive_a_restart(bare, tmp_path):
    site = Native(tmp_path, bare, [])
    with openai.OpenAI(base_url=site.base_url, api_key=site.key) as client:
        raw = client.chat.completions.with_raw_response.create(model="demo/echo", messages=said("hi"))
        raw.parse()
    site.record(raw.request_id)
    assert site.stop() == 0
    again = Native(tmp_path, bare, [], wanted={"POSTERN_URL", "OPENAI_BASE_URL"})
    try:
        assert again.key is None and again.admin_token is None, "secrets are shown once"
        again.admin_token = site.admin_token
        with openai.OpenAI(base_url=again.base_url, api_key=site.key, max_retries=0) as client:
            assert "demo/echo" in [model.id for model in client.models.list()]
        assert again.record(raw.request_id)["model"] == "demo/echo"
    finally:
        again.stop()
    printed = "".join(again.printed_later) + again.errors()
    assert site.key not in printed and site.admin_token not in printed


def test_a_folder_in_use_is_said_plainly(bare, tmp_path):
    site = Native(tmp_path, bare, [])
    try:
        second = subprocess.run(
            [program(), "serve", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data")],
            cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=20)
        assert second.returncode != 0
        assert "in use" in second.stderr
    finally:
        site.stop()


def test_open_streams_are_finished_before_the_end(bare, upstream, tmp_path):
    config = tmp_path / "postern.yaml"
    config.write_text(f"providers:\n  local: {{ kind: openai, base_url: '{upstream.origin}/v1', "
                      f"api_key: {upstream.key} }}\n")
    site = Native(tmp_path, bare, ["--config", str(config)])
    with openai.OpenAI(base_url=site.base_url, api_key=site.key, max_retries=0, timeout=20) as client:
        stream = client.chat.completions.create(model="local/stall", messages=said("one two three"), stream=True)
        text = ""
        for chunk in stream:
            text += chunk.choices[0].delta.content or "" if chunk.choices else ""
            if text and site.process.poll() is None and not getattr(site, "asked", False):
                site.asked = True
                site.process.terminate()
        assert text == "You said: one two three"
    assert site.stop() == 0, site.errors()
