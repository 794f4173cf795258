"""Starts the gateway and the stand-in upstream once for all tests, as `POSTERN_BIN serve` in a folder of its own."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid

import httpx2
import openai
import pytest

HERE = pathlib.Path(__file__).resolve().parent
UPSTREAM_KEY = "sk-upstream-secret"


#: What the first start prints; later ones print no secrets.
FIRST_START = {"POSTERN_URL", "OPENAI_BASE_URL", "OPENAI_API_KEY", "POSTERN_ADMIN_TOKEN"}


def program():
    """The gateway's program."""
    binary = os.environ.get("POSTERN_BIN")
    if not binary:
        raise RuntimeError("POSTERN_BIN must name the gateway's program; `cargo xtask test sdk-python` sets it")
    return binary


class Site:
    """A running gateway, with its first key and its administrator token."""

    def __init__(self, folder, environment, arguments, wanted=frozenset(FIRST_START)):
        self.log = open(folder / "gateway.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [program(), "serve", "--listen", "127.0.0.1:0", "--data", str(folder / "data"), *arguments],
            cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.values = {}
        limit = threading.Timer(30, self.process.kill)
        limit.start()
        for line in self.process.stdout:
            name, found, value = line.strip().partition("=")
            if found:
                self.values[name] = value
            if wanted <= self.values.keys():
                break
        limit.cancel()
        if not wanted <= self.values.keys():
            self.stop()
            raise RuntimeError(f"the gateway printed {sorted(self.values)}, not {sorted(wanted)}:\n{self.errors()}")
        # What it prints later must not fill the pipe.
        self.printed_later = []
        threading.Thread(target=lambda: self.printed_later.extend(self.process.stdout), daemon=True).start()
        self.base_url = self.values["OPENAI_BASE_URL"]
        self.origin = self.base_url.removesuffix("/v1")
        self.key = self.values.get("OPENAI_API_KEY")
        self.admin_token = self.values.get("POSTERN_ADMIN_TOKEN")

    def errors(self):
        """What it logged."""
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """Ends it as a service manager would; gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def admin(self, method, path, **parameters):
        """A call of the administration API."""
        answer = httpx2.request(
            method, f"{self.origin}/admin/v1{path}", headers={"authorization": f"Bearer {self.admin_token}"},
            timeout=20, **parameters)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def new_key(self, **fields):
        """A key of a tenant."""
        return self.admin("POST", "/keys", json={"tenant": "acme", "name": "suite", "models": ["*"], **fields})

    def record(self, request_id):
        """The record of a call, which is written a moment after the answer."""
        return self.records_until(lambda record: record["id"] == request_id)

    def records_until(self, matches):
        """The first record that matches, newest first."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for record in self.admin("GET", "/logs", params={"limit": 100})["data"]:
                if matches(record):
                    return record
            time.sleep(0.05)
        raise AssertionError("no such record was written within 10 s")


class Upstream:
    """The stand-in for the vendor."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, str(HERE.parent / "upstream.py"), UPSTREAM_KEY],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.origin = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def seen(self, user):
        """What arrived under this name, oldest first."""
        return httpx2.get(f"{self.origin}/seen/{urllib.parse.quote(user)}", timeout=20).json()

    def stop(self):
        """Ends it."""
        self.process.stdin.close()
        self.process.wait(20)


@pytest.fixture(scope="session")
def upstream():
    """The upstream of every test."""
    upstream = Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture(scope="session")
def site(upstream, tmp_path_factory):
    """The gateway of every test."""
    folder = tmp_path_factory.mktemp("site")
    config = folder / "postern.yaml"
    # JSON is YAML, so both suites share one document.
    config.write_text((HERE.parent / "site.json").read_text())
    environment = {**os.environ, "UPSTREAM_URL": f"{upstream.origin}/v1", "UPSTREAM_KEY": UPSTREAM_KEY}
    site = Site(folder, environment, ["--config", str(config)])
    yield site
    code = site.stop()
    assert code == 0, f"the gateway ended with {code}:\n{site.errors()}"
    assert UPSTREAM_KEY not in site.errors(), "the upstream's key is in the log"


@pytest.fixture
def client(site):
    """OpenAI's client, which does not try again on its own."""
    with openai.OpenAI(base_url=site.base_url, api_key=site.key, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def user():
    """A name under which the upstream files the calls of one test."""
    return f"user-{uuid.uuid4().hex}"


def said(text):
    """A conversation of one message."""
    return [{"role": "user", "content": text}]


