"""OpenAI's Chat Completions.

Source: https://platform.openai.com/docs/api-reference/chat
"""

import json

import scene
from vendor import MIDWAY, Refused, Vendor, bearer, event

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


def text_of(message):
    """The text of a message, whatever its form."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def asked(request):
    """What the answer depends on."""
    messages = request["messages"]
    choice = request.get("tool_choice", "auto")
    wanted = request.get("response_format") or {}
    return scene.Asked(
        text=text_of(messages[-1]), results=[text_of(m) for m in messages if m["role"] == "tool"],
        has_results=messages[-1]["role"] == "tool",
        tools=[(tool["function"]["name"], tool["function"].get("parameters") or {"type": "object"})
               for tool in request.get("tools") or ()],
        choice="=" + choice["function"]["name"] if isinstance(choice, dict) else {"required": "any"}.get(choice, choice),
        parallel=request.get("parallel_tool_calls") is not False,
        schema=wanted["json_schema"]["schema"] if wanted.get("type") == "json_schema" else None,
        json=wanted.get("type") == "json_object",
        limit=request.get("max_completion_tokens") or request.get("max_tokens"),
    )


def answer(request):
    """The message of each choice, with why it ended."""
    said = scene.answer(asked(request))
    message = {"role": "assistant", "content": said.text, "refusal": said.refusal}
    if said.calls:
        message["tool_calls"] = [
            {"id": f"call_{said.turn}_{at}_{name}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for at, (name, arguments) in enumerate(said.calls)
        ]
    return message, {"tools": "tool_calls", "length": "length"}.get(said.end, "stop")


def logprobs(text, top):
    """Log-probabilities of each piece."""
    return {
        "content": [
            {
                "token": piece, "logprob": -0.25, "bytes": list(piece.encode()),
                "top_logprobs": [{"token": piece, "logprob": -0.25, "bytes": list(piece.encode())}][: top or 0],
            }
            for piece in scene.pieces(text)
        ],
        "refusal": None,
    }


def deltas(message):
    """A message in the pieces that a stream has."""
    yield {"role": "assistant", "content": None if message.get("tool_calls") else "", "refusal": None}
    for at, call in enumerate(message.get("tool_calls") or ()):
        yield {"tool_calls": [{"index": at, "id": call["id"], "type": "function",
                               "function": {"name": call["function"]["name"], "arguments": ""}}]}
        for fragment in scene.fragments(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": at, "function": {"arguments": fragment}}]}
    for field in ("content", "refusal"):
        for piece in scene.pieces(message.get(field) or ""):
            yield {field: piece}


class OpenAiChat(Vendor):
    """Chat Completions."""

    models = ("gpt-4o-mini", "gpt-4o-mini-audio-preview", "lenient")

    def claims(self, path):
        return path == "/v1/chat/completions"

    def admit(self, call):
        bearer(call)
        call.read()
        call.model, call.streams = call.request.get("model"), bool(call.request.get("stream"))

    def check(self, call):
        check(call.request)

    def usage(self, call, message):
        """Counts words, which is what this model's tokens are."""
        request = call.request
        prompt = sum(len(text_of(m).split()) for m in request["messages"]) + 3
        completion = len(json.dumps(message, ensure_ascii=False).split()) * (request.get("n") or 1)
        call.seen["usage"] = {"input": prompt, "cached": 2, "written": 0, "output": completion, "reasoning": 0}
        return {
            "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def whole(self, call):
        request = call.request
        message, finish = answer(request)
        told = logprobs(message["content"] or "", request.get("top_logprobs")) if request.get("logprobs") else None
        value = {"id": "chatcmpl-suite", "object": "chat.completion", "created": 1750000000, "model": call.model,
                 "choices": [{"index": at, "message": message, "logprobs": told, "finish_reason": finish}
                             for at in range(request.get("n") or 1)],
                 "service_tier": "default", "system_fingerprint": "fp_suite"}
        usage = self.usage(call, message)
        if call.model != "silent-usage":
            value["usage"] = usage
        return value

    @staticmethod
    def head(call):
        """What every event has."""
        return {"id": "chatcmpl-suite", "object": "chat.completion.chunk", "created": 1750000000,
                "model": call.model, "service_tier": "default", "system_fingerprint": "fp_suite"}

    def stream(self, call):
        request, head = call.request, self.head(call)
        wants_usage = (request.get("stream_options") or {}).get("include_usage")
        message, finish = answer(request)
        last = {"usage": None} if wants_usage and call.model != "silent-usage" else {}
        for at in range(request.get("n") or 1):
            for count, delta in enumerate(deltas(message)):
                told = None
                if request.get("logprobs") and delta.get("content"):
                    told = logprobs(delta["content"], request.get("top_logprobs"))
                choice = {"index": at, "delta": delta, "logprobs": told, "finish_reason": None}
                yield event({**head, "choices": [choice], **last})
                if count == 2:
                    yield MIDWAY
            yield event({**head, "choices": [{"index": at, "delta": {}, "logprobs": None, "finish_reason": finish}],
                         **last})
        usage = self.usage(call, message)
        if last:
            yield event({**head, "choices": [], "usage": usage})
        yield b"data: [DONE]\n\n"

    def more(self, call):
        return event({**self.head(call), "choices": [
            {"index": 0, "delta": {"content": "and on "}, "finish_reason": None}]})

    def failure(self):
        return event(self.error(500)[0])

    def error(self, status, refused=None):
        type_, code, param, message = ERRORS.get(status, ERRORS[400])
        if refused is not None:
            type_, code, param, message = "invalid_request_error", refused.code, refused.param, str(refused)
        return {"error": {"message": message, "type": type_, "param": param, "code": code}}, ()
