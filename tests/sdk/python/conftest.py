"""The running gateway that the environment names, and the stand-in upstream behind it.

`cargo xtask test sdk-python` starts both and sets the variables; `face` (tests/src/bin/face.rs) prints them.
"""

import os
import time
import urllib.parse
import uuid

import httpx2
import openai
import pytest


def variable(name):
    """What the environment says."""
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"{name} is not set; `cargo xtask test sdk-python` sets it")
    return value


def program():
    """The program `postern`."""
    return variable("POSTERN_BIN")


#: The formats of providers. Each has a model `on-KIND` in site.json.
KINDS = ("chat", "responses", "anthropic", "gemini", "bedrock", "cohere")


def pytest_configure(config):
    config.addinivalue_line("markers", "native: is about the native binary itself")
    config.addinivalue_line("markers", "everywhere: for every kind of provider, and on every face all the same")


def is_native_only(item):
    """Whether a test is played on the native binary alone: it is about that, or it is the same core on each face."""
    if item.get_closest_marker("native"):
        return True
    return "kind" in item.fixturenames and not item.get_closest_marker("everywhere")


def pytest_collection_modifyitems(config, items):
    """docs/deploying/differences.md says what is left out where."""
    if variable("POSTERN_FACE") != "native":
        gone = [item for item in items if is_native_only(item)]
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if item not in gone]


class Site:
    """A running gateway, with a key and an administrator's token."""

    def __init__(self, values):
        self.values = values
        self.origin = values["POSTERN_URL"]
        self.base_url = values["OPENAI_BASE_URL"]
        self.key = values.get("OPENAI_API_KEY")
        self.admin_token = values.get("POSTERN_ADMIN_TOKEN")
        face = values["POSTERN_FACE"]
        # What docs/deploying/differences.md tells of the faces.
        #: Whether the platform tells that a caller has left.
        self.tells_departure = face != "lambda"
        #: Seconds until a revoked key is refused by every process.
        self.revoked_within = 40 if face == "lambda" else 0
        #: Whether the gateway answers to a body over its cap, and not its platform.
        self.has_own_cap = face != "lambda"
        #: Whether the clock goes on while the gateway computes.
        self.clock_runs = face != "worker"

    def refused(self, ask):
        """The refusal of a call whose key was just revoked."""
        end = time.monotonic() + self.revoked_within
        while True:
            try:
                ask()
            except openai.AuthenticationError as error:
                return error
            assert time.monotonic() < end, f"a revoked key is not refused within {self.revoked_within} s"
            time.sleep(0.5)

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
        self.origin, self.key = variable("UPSTREAM_URL"), variable("UPSTREAM_KEY")

    def seen(self, user):
        """What arrived under this name, oldest first."""
        return httpx2.get(f"{self.origin}/seen/{urllib.parse.quote(user)}", timeout=20).json()


@pytest.fixture(scope="session")
def upstream():
    """The upstream of every test."""
    return Upstream()


@pytest.fixture(scope="session")
def site():
    """The gateway of every test."""
    names = ("POSTERN_FACE", "POSTERN_URL", "POSTERN_ADMIN_TOKEN", "OPENAI_BASE_URL", "OPENAI_API_KEY")
    return Site({name: variable(name) for name in names})


@pytest.fixture
def client(site):
    """OpenAI's client, which does not try again on its own."""
    with openai.OpenAI(base_url=site.base_url, api_key=site.key, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture(params=KINDS)
def kind(request):
    """The format that the provider speaks."""
    return request.param


@pytest.fixture
def model(kind):
    """A model of that provider, by a name of the configuration."""
    return f"on-{kind}"


@pytest.fixture
def provider(kind):
    """The provider's name, for models without an entry."""
    return "local" if kind == "chat" else kind


@pytest.fixture
def user():
    """A name under which the upstream files the calls of one test."""
    return f"user-{uuid.uuid4().hex}"


def said(text):
    """A conversation of one message."""
    return [{"role": "user", "content": text}]
