"""The daily work of an administrator with the `postern` command, against a running gateway."""

import json
import os
import subprocess
import threading
import time

import openai
import pytest

from conftest import program, said


@pytest.fixture
def postern(site):
    """Runs a command against the gateway; gives what it printed."""

    def run(*arguments, code=0):
        ran = subprocess.run(
            [program(), *arguments], env=environment(site), capture_output=True, text=True, timeout=30)
        assert ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout if code == 0 else ran.stdout + ran.stderr

    return run


def environment(site):
    return {**os.environ, "POSTERN_URL": site.origin, "POSTERN_ADMIN_TOKEN": site.admin_token}


def id_of(line):
    return json.loads(line)["id"]


def values(text):
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def test_a_key_is_made_used_listed_and_revoked(site, postern):
    made = values(postern("key", "create", "--tenant", "cli", "--name", "ci", "--models", "assistant,demo/*"))
    with openai.OpenAI(base_url=site.base_url, api_key=made["POSTERN_KEY"], max_retries=0) as client:
        for model in ("assistant", "demo/echo"):
            client.chat.completions.create(model=model, messages=said("hi"))
        with pytest.raises(openai.PermissionDeniedError):
            client.chat.completions.create(model="local/lenient", messages=said("hi"))
        listed = postern("key", "list", "--tenant", "cli")
        assert made["POSTERN_KEY_ID"] in listed and "ci" in listed
        assert made["POSTERN_KEY"] not in listed, "a key is shown once"
        postern("key", "revoke", made["POSTERN_KEY_ID"])
        site.refused(lambda: client.chat.completions.create(model="assistant", messages=said("hi")))
    assert "no key" in postern("key", "revoke", "nosuchkey1", code=1)


def test_usage_is_summed_in_each_form(site, client, postern):
    key = site.new_key(tenant="summed")
    with openai.OpenAI(base_url=site.base_url, api_key=key["key"], max_retries=0) as caller:
        caller.chat.completions.create(model="assistant", messages=said("hi"))
    site.records_until(lambda record: record["tenant"] == "summed")
    (row,) = json.loads(postern("usage", "--by", "tenant,model", "--tenant", "summed", "--json"))["data"]
    assert (row["tenant"], row["model"], row["calls"]) == ("summed", "assistant", 1)
    assert row["cost_micro_usd"] > 0
    head, line = postern("usage", "--by", "tenant,model", "--tenant", "summed", "--csv").splitlines()
    assert head.split(",")[:3] == ["tenant", "model", "calls"]
    assert line.split(",")[:3] == ["summed", "assistant", "1"]
    assert "summed" in postern("usage", "--tenant", "summed")


def test_logs_show_calls_as_they_end(site, client):
    following = subprocess.Popen(
        [program(), "logs", "--follow", "--json", "--last", "0"], env=environment(site), stdout=subprocess.PIPE,
        text=True)
    seen = []
    threading.Thread(target=lambda: seen.extend(map(id_of, following.stdout))).start()

    def call(model):
        raw = client.chat.completions.with_raw_response.create(model=model, messages=said("hi"))
        raw.parse()
        return raw.request_id

    end = time.monotonic() + 30
    try:
        # It takes a moment to begin; what ended before that is not shown.
        while not seen:
            assert time.monotonic() < end and following.poll() is None
            call("demo/echo")
            time.sleep(0.2)
        wanted = {call("assistant"), call("demo/echo")}
        while not wanted <= set(seen):
            assert time.monotonic() < end, "these calls were not shown"
            time.sleep(0.05)
        assert len(seen) == len(set(seen)), "a record is shown once"
    finally:
        following.terminate()
        following.wait(10)


def test_a_wrong_token_is_refused(site):
    ran = subprocess.run(
        [program(), "key", "list"], env={**environment(site), "POSTERN_ADMIN_TOKEN": "pa_0123456789_wrong"},
        capture_output=True, text=True, timeout=30)
    assert ran.returncode == 1
    assert "pa_0123456789_wrong" not in ran.stderr


def test_check_tells_every_problem_with_its_line(tmp_path, postern):
    config = tmp_path / "postern.yaml"
    config.write_text(
        "providers:\n"
        "  openai: { kind: opnai, api_key: ${OPENAI_API_KEY} }\n"
        "models:\n"
        "  assistant:\n"
        "    targets: [{ provider: openia, model: gpt-4o }]\n"
        "    stratgy: first\n")
    said_ = postern("check", str(config), code=1)
    for line, nearest in ((2, "openai"), (5, "openai"), (6, "strategy")):
        assert any(str(line) in told and nearest in told for told in said_.splitlines()), (line, nearest, said_)
    config.write_text("providers:\n  openai: { kind: openai, api_key: ${OPENAI_API_KEY} }\n")
    postern("check", str(config))


@pytest.mark.native
def test_a_gateway_that_reads_a_file_takes_no_other_configuration(tmp_path, postern):
    config = tmp_path / "postern.yaml"
    config.write_text("providers:\n  demo: { kind: demo }\n")
    assert "file" in postern("apply", str(config), code=1)
