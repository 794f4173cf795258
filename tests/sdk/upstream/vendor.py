"""What every vendor has: a path, credentials, checks, whole and streamed answers, errors."""

import base64
import json

#: Stands in a stream where things go wrong if the model's name says so.
MIDWAY = object()

#: What a model's name can ask for, at any vendor.
MISCHIEF = {
    "limited": "refuses the first call of each user with 429 and Retry-After: 1, then answers",
    "slow": "waits three seconds before it answers or starts its stream",
    "stall": "starts a stream and then says nothing for three seconds",
    "cut": "breaks off in the middle of an answer",
    "broken-stream": "puts an error into a 200 stream after some text",
    "endless": "streams until the caller leaves, a minute at most",
    "silent-usage": "never reports usage",
    "html": "answers 502 with a page",
    "error-NNN": "answers the error of that status",
}


class Refused(Exception):
    """What the vendor answers with an error; 400 unless said otherwise."""

    def __init__(self, message, param=None, code=None, status=400):
        super().__init__(message)
        self.param, self.code, self.status = param, code, status
        #: More fields of the error, where a vendor has them.
        self.details = None


class Call:
    """One call: what arrived, and what is told of it to tests."""

    def __init__(self, path, headers, raw, key):
        self.path, self.headers, self.raw, self.key = path, headers, raw, key
        self.request = None
        #: The model's name, where it decides the behaviour.
        self.model = None
        #: Whether the answer is a stream.
        self.streams = False
        self.seen = {"path": path, "headers": headers, "request": None, "answer": None, "usage": None,
                     "left_early": False}

    def read(self):
        """The body as JSON."""
        try:
            self.request = json.loads(self.raw)
        except ValueError:
            raise Refused("We could not parse the JSON body of your request.") from None
        if not isinstance(self.request, dict):
            raise Refused("The body of a request is an object.")
        self.seen["request"] = self.request


class Vendor:
    """One vendor's API. The server asks in the order of the methods here."""

    #: The names of its models, beside those of `MISCHIEF`.
    models = ()
    #: The content type of its streams.
    stream_type = "text/event-stream; charset=utf-8"

    def claims(self, path):
        """Whether it has this path."""
        raise NotImplementedError

    def admit(self, call):
        """Checks the credentials and finds the model; reads nothing of the body but what tells the model."""
        raise NotImplementedError

    def check(self, call):
        """Refuses what the vendor would refuse."""
        raise NotImplementedError

    def whole(self, call):
        """The value of a whole answer."""
        raise NotImplementedError

    def stream(self, call):
        """The events of a streamed answer, each as bytes, with `MIDWAY` once after some text."""
        raise NotImplementedError

    def more(self, call):
        """One more piece of text, for a stream without an end."""
        raise NotImplementedError

    def failure(self):
        """What it puts into a stream that fails, as bytes."""
        raise NotImplementedError

    def error(self, status, refused=None):
        """The value of an error, with more headers."""
        raise NotImplementedError


def bearer(call):
    """Refuses a call without the bearer token."""
    if call.headers.get("authorization") != f"Bearer {call.key}":
        raise Refused("Incorrect API key provided.", code="invalid_api_key", status=401)


def number(value, least, most, refused):
    """Refuses what is no number, or out of its range."""
    if value is None:
        return
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:
        raise refused


def is_base64(text):
    """Whether a text is base64 with the standard letters, padded."""
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


def only(value, known, where, say="Unknown field"):
    """Refuses an object with a field that the vendor does not know."""
    if not isinstance(value, dict):
        raise Refused(f"{where}: expected an object", where)
    for name in value:
        if name not in known:
            raise Refused(f"{say}: {where}.{name}" if where else f"{say}: {name}", f"{where}.{name}".strip("."))


def event(value, name=None):
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return (head + "data: " + json.dumps(value, ensure_ascii=False) + "\n\n").encode()
