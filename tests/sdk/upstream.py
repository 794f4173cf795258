"""A stand-in for OpenAI's API, for the SDK suites: it answers by what is asked and refuses what the vendor refuses.

It knows nothing of Postern. The model's name chooses the behaviour (`MODELS` below); the request's `user` field, when
there is one, files what arrived under that name, for a test to ask for at `/seen/NAME`. Standard library only.

Run as `python3 upstream.py KEY`: it prints its port on one line and serves until its standard input closes.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODELS = {
    "gpt-4o-mini": "answers",
    "gpt-4o-mini-audio-preview": "answers",
    "lenient": "answers, and takes fields it does not know, as many compatible vendors do",
    "limited": "refuses the first call of each `user` with 429 and Retry-After: 1, then answers",
    "slow": "waits three seconds before it answers or starts its stream",
    "stall": "starts a stream and then says nothing for three seconds",
    "cut": "breaks off in the middle of an answer",
    "broken-stream": "puts an error into a 200 stream after some text",
    "endless": "streams until the caller leaves, a minute at most",
    "silent-usage": "never reports usage",
    "html": "answers 502 with a page",
    "error-NNN": "answers the error of that status",
}

ERRORS = {
    400: ("invalid_request_error", "invalid_value", "messages", "Invalid value for 'messages'."),
    401: ("invalid_request_error", "invalid_api_key", None, "Incorrect API key provided: sk-upst****cret."),
    403: ("invalid_request_error", "unsupported_country_region_territory", None, "Country not supported."),
    404: ("invalid_request_error", "model_not_found", None, "The model `error-404` does not exist."),
    429: ("requests", "rate_limit_exceeded", None, "Rate limit reached for requests."),
    500: ("server_error", None, None, "The server had an error while processing your request."),
    503: ("server_error", None, None, "The engine is currently overloaded, please try again later."),
}

# The fields that the vendor's reference names; it refuses others.
KNOWN = set(
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages "
    "metadata modalities model n parallel_tool_calls prediction presence_penalty prompt_cache_key reasoning_effort "
    "response_format safety_identifier seed service_tier stop store stream stream_options temperature tool_choice "
    "tools top_logprobs top_p user verbosity web_search_options".split()
)
ROLES = {"developer", "system", "user", "assistant", "tool", "function"}
PARTS = {"text", "image_url", "input_audio", "file", "refusal"}


class Refused(Exception):
    """What the vendor answers with a status of 400."""

    def __init__(self, message, param=None, code=None):
        super().__init__(message)
        self.param, self.code = param, code


def check(request):
    """Refuses what the vendor would refuse."""
    if request["model"] != "lenient":
        for name in request:
            if name not in KNOWN:
                raise Refused(f"Unrecognized request argument supplied: {name}", name)
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("Invalid 'messages': empty array.", "messages", "empty_array")
    open_calls = set()
    for at, message in enumerate(messages):
        role = message.get("role")
        if role not in ROLES:
            raise Refused(f"Invalid value: '{role}'.", f"messages[{at}].role", "invalid_value")
        if role == "tool":
            if message.get("tool_call_id") not in open_calls:
                raise Refused(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'.", f"messages.[{at}].role")
            open_calls.discard(message["tool_call_id"])
        elif open_calls:
            raise Refused(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                "'tool_call_id'.", "messages")
        open_calls |= {call["id"] for call in message.get("tool_calls") or ()}
        content = message.get("content")
        for part_at, part in enumerate(content if isinstance(content, list) else ()):
            if part.get("type") not in PARTS:
                raise Refused("Invalid content type.", f"messages[{at}].content[{part_at}].type", "invalid_value")
    if open_calls:
        raise Refused("An assistant message with 'tool_calls' must be followed by tool messages.", "messages")
    if request.get("stream_options") is not None and not request.get("stream"):
        raise Refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    if not 0 <= (request.get("temperature") or 0) <= 2:
        raise Refused("Invalid 'temperature': must be between 0 and 2.", "temperature", "decimal_above_max_value")
    if request.get("top_logprobs") is not None and not request.get("logprobs"):
        raise Refused("'top_logprobs' is only allowed when 'logprobs' is enabled.", "top_logprobs")
    wanted = request.get("response_format") or {}
    if wanted.get("type") == "json_object" and "json" not in json.dumps(messages).lower():
        raise Refused("'messages' must contain the word 'json' in some form.", "messages")
    if wanted.get("type") == "json_schema":
        check_schema(wanted["json_schema"])
    for tool in request.get("tools") or ():
        if tool["function"].get("strict"):
            check_schema({"schema": tool["function"]["parameters"], "strict": True, "name": tool["function"]["name"]})


def check_schema(format_):
    """A strict schema closes every object and requires every property."""
    if not format_.get("name"):
        raise Refused("Missing required parameter: 'response_format.json_schema.name'.", "response_format")
    if not format_.get("strict"):
        return
    stack = [format_["schema"]]
    while stack:
        node = stack.pop()
        if node.get("type") == "object":
            properties = node.get("properties", {})
            if node.get("additionalProperties") is not False or set(node.get("required", ())) != set(properties):
                raise Refused(
                    f"Invalid schema for '{format_['name']}': 'additionalProperties' is required to be supplied and to "
                    "be false, and 'required' to hold every key.", "response_format")
            stack += properties.values()
        stack += [node["items"]] if "items" in node else []
        stack += node.get("anyOf", []) + list(node.get("$defs", {}).values())


def sample(schema, root):
    """A value that a schema allows."""
    if "$ref" in schema:
        return sample(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], root)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: sample(inner, root) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(schema["items"], root)]
    return {"string": "Zürich", "integer": 7, "number": 0.5, "boolean": True}.get(kind)


def text_of(message):
    """The text of a message, whatever its form."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def answer(request):
    """The message of each choice, with why it ended. Calls every tool that is offered, until there are results."""
    messages = request["messages"]
    tools = request.get("tools") or ()
    choice = request.get("tool_choice", "auto")
    if isinstance(choice, dict):
        tools = [tool for tool in tools if tool["function"]["name"] == choice["function"]["name"]]
    if tools and choice != "none" and messages[-1]["role"] != "tool":
        calls = [
            {
                "id": f"call_{at}_{tool['function']['name']}",
                "type": "function",
                "function": {
                    "name": tool["function"]["name"],
                    "arguments": json.dumps(sample(tool["function"].get("parameters") or {"type": "object"}, tool[
                        "function"].get("parameters") or {}), ensure_ascii=False),
                },
            }
            for at, tool in enumerate(tools)
        ]
        if request.get("parallel_tool_calls") is False:
            calls = calls[:1]
        return {"role": "assistant", "content": None, "tool_calls": calls, "refusal": None}, "tool_calls"
    wanted = request.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        schema = wanted["json_schema"]["schema"]
        text = json.dumps(sample(schema, schema), ensure_ascii=False)
    elif wanted.get("type") == "json_object":
        text = '{"ok": true}'
    elif messages[-1]["role"] == "tool":
        text = "The tools said: " + "; ".join(text_of(m) for m in messages if m["role"] == "tool")
    else:
        text = "You said: " + text_of(messages[-1])
    if "refuse" in text_of(messages[-1]):
        return {"role": "assistant", "content": None, "refusal": "I cannot help with that."}, "stop"
    limit = request.get("max_completion_tokens") or request.get("max_tokens")
    words = text.split(" ")
    if limit is not None and len(words) > limit:
        return {"role": "assistant", "content": " ".join(words[:limit]), "refusal": None}, "length"
    return {"role": "assistant", "content": text, "refusal": None}, "stop"


def pieces(text):
    """A text cut after each space, as tokens come."""
    return [piece for piece in text.replace(" ", " \0").split("\0") if piece]


def logprobs(text, top):
    """Log-probabilities of each piece."""
    return {
        "content": [
            {
                "token": piece, "logprob": -0.25, "bytes": list(piece.encode()),
                "top_logprobs": [{"token": piece, "logprob": -0.25, "bytes": list(piece.encode())}][: top or 0],
            }
            for piece in pieces(text)
        ],
        "refusal": None,
    }


def usage(request, message):
    """Counts words, which is what this model's tokens are."""
    prompt = sum(len(text_of(m).split()) for m in request["messages"]) + 3
    completion = len(json.dumps(message, ensure_ascii=False).split()) * (request.get("n") or 1)
    return {
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    }


def deltas(message):
    """A message in the pieces that a stream has."""
    yield {"role": "assistant", "content": None if message.get("tool_calls") else "", "refusal": None}
    for at, call in enumerate(message.get("tool_calls") or ()):
        yield {"tool_calls": [{"index": at, "id": call["id"], "type": "function",
                               "function": {"name": call["function"]["name"], "arguments": ""}}]}
        arguments = call["function"]["arguments"]
        for start in range(0, len(arguments), 3):
            yield {"tool_calls": [{"index": at, "function": {"arguments": arguments[start:start + 3]}}]}
    for field in ("content", "refusal"):
        for piece in pieces(message.get(field) or ""):
            yield {field: piece}


class Log:
    """What arrived, by the `user` of the request."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls = {}

    def add(self, call):
        """Files a call; gives how many its user had before."""
        with self.lock:
            calls = self.calls.setdefault(call["request"].get("user"), [])
            calls.append(call)
            return len(calls) - 1

    def of(self, user):
        """The calls of one user, oldest first."""
        with self.lock:
            return list(self.calls.get(user, ()))


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_version, sys_version = "upstream", ""

    def log_message(self, *_):
        """Says nothing: a failed test shows what matters."""

    def send(self, status, value, headers=(), kind="application/json"):
        """A whole answer."""
        body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        for name, text in (("content-type", kind), ("content-length", str(len(body))), *headers):
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)
        return body

    def error(self, status, message, type_="invalid_request_error", param=None, code=None, headers=()):
        """The vendor's error shape."""
        return self.send(status, {"error": {"message": message, "type": type_, "param": param, "code": code}}, headers)

    def do_GET(self):
        """What arrived, for tests."""
        if not self.path.startswith("/seen/"):
            return self.error(404, f"Invalid URL (GET {self.path})")
        return self.send(200, self.server.log.of(self.path.removeprefix("/seen/")))

    def do_POST(self):
        """A call."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path != "/v1/chat/completions":
            return self.error(404, f"Invalid URL (POST {self.path})")
        if self.headers.get("authorization") != f"Bearer {self.server.key}":
            return self.error(401, "Incorrect API key provided.", code="invalid_api_key")
        try:
            request = json.loads(body)
            check(request)
        except Refused as refused:
            return self.error(400, str(refused), param=refused.param, code=refused.code)
        call = {"request": request, "headers": {k.lower(): v for k, v in self.headers.items()}, "answer": None,
                "left_early": False}
        before = self.server.log.add(call)
        model = request["model"]
        if model.startswith("error-"):
            status = int(model.removeprefix("error-"))
            type_, code, param, message = ERRORS[status]
            return self.error(status, message, type_, param, code, [("retry-after", "2")] if status == 429 else ())
        if model == "html":
            return self.send(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", kind="text/html")
        if model == "limited" and before == 0:
            type_, code, param, message = ERRORS[429]
            return self.error(429, message, type_, param, code, [("retry-after", "1")])
        if model not in MODELS:
            return self.error(404, f"The model `{model}` does not exist or you do not have access to it.",
                              code="model_not_found")
        if model == "slow":
            time.sleep(3)
        try:
            self.stream(call) if request.get("stream") else self.whole(call)
        except (BrokenPipeError, ConnectionResetError):
            call["left_early"] = True
            self.close_connection = True

    def whole(self, call):
        """A whole answer."""
        request = call["request"]
        message, finish = answer(request)
        value = {"id": "chatcmpl-suite", "object": "chat.completion", "created": 1750000000, "model": request["model"],
                 "choices": [self.choice(request, at, message, finish) for at in range(request.get("n") or 1)],
                 "service_tier": "default", "system_fingerprint": "fp_suite"}
        if request["model"] != "silent-usage":
            value["usage"] = usage(request, message)
        body = json.dumps(value, indent=2, ensure_ascii=False).encode()
        call["answer"] = body.decode()
        if request["model"] == "cut":
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.send(200, body, [("openai-processing-ms", "5"), ("x-request-id", "req_upstream")])

    @staticmethod
    def choice(request, at, message, finish):
        """One choice of a whole answer."""
        told = logprobs(message["content"] or "", request.get("top_logprobs")) if request.get("logprobs") else None
        return {"index": at, "message": message, "logprobs": told, "finish_reason": finish}

    def stream(self, call):
        """A streamed answer."""
        request = call["request"]
        model, wants_usage = request["model"], (request.get("stream_options") or {}).get("include_usage")
        message, finish = answer(request)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        head = {"id": "chatcmpl-suite", "object": "chat.completion.chunk", "created": 1750000000, "model": model,
                "service_tier": "default", "system_fingerprint": "fp_suite"}
        last = {"usage": None} if wants_usage and model != "silent-usage" else {}
        for at in range(request.get("n") or 1):
            for count, delta in enumerate(deltas(message)):
                told = None
                if request.get("logprobs") and delta.get("content"):
                    told = logprobs(delta["content"], request.get("top_logprobs"))
                choice = {"index": at, "delta": delta, "logprobs": told, "finish_reason": None}
                self.event({**head, "choices": [choice], **last})
                if count == 2 and self.misbehave(model, head):
                    return
            self.event({**head, "choices": [{"index": at, "delta": {}, "logprobs": None, "finish_reason": finish}],
                        **last})
        if last:
            self.event({**head, "choices": [], "usage": usage(request, message)})
        self.chunk(b"data: [DONE]\n\n")
        self.chunk(b"")

    def misbehave(self, model, head):
        """What the model's name asks for in the middle of a stream; whether the stream is over."""
        if model == "stall":
            time.sleep(3)
        if model == "cut":
            self.close_connection = True
            return True
        if model == "broken-stream":
            self.event({"error": {"message": "The server had an error while processing your request.",
                                  "type": "server_error", "param": None, "code": None}})
            self.chunk(b"")
            return True
        if model == "endless":
            for _ in range(1200):
                self.event({**head, "choices": [{"index": 0, "delta": {"content": "and on "}, "finish_reason": None}]})
                time.sleep(0.05)
        return False

    def event(self, value):
        """One event."""
        self.chunk(b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n")

    def chunk(self, data):
        """One piece of a chunked body; an empty one ends it."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    """Any number of connections."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        """A connection that the gateway ends is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    """Serves until standard input closes."""
    server = Server(("127.0.0.1", 0), Handler)
    server.key, server.log = sys.argv[1], Log()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
