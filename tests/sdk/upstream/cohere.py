"""Cohere's Chat, version 2.

Source: https://docs.cohere.com/reference/chat, /reference/chat-stream, /docs/streaming, /docs/tool-use-overview,
/docs/structured-outputs, /docs/reasoning.
"""

import json
import re

import scene
from vendor import MIDWAY, Refused, Vendor, bearer, event, number

KNOWN = set(
    "stream model messages tools strict_tools documents citation_options response_format safety_mode max_tokens "
    "stop_sequences temperature seed frequency_penalty presence_penalty k p logprobs tool_choice thinking priority".split()
)
ROLES = {
    "user": {"role", "content"}, "system": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "tool_plan", "citations"},
    "tool": {"role", "content", "tool_call_id"},
}
CONTENT = {"user": {"text", "image_url"}, "system": {"text"}, "assistant": {"text", "thinking"}, "tool": {"text", "document"}}
NAME = re.compile(r"[a-zA-Z0-9_-]+\Z")


def refuse_unknown(value, names, where):
    """The API is strict about fields."""
    for name in value:
        if name not in names:
            raise Refused(f"unknown field: parameter '{where}{name}' is not a valid field")


def text_of(content):
    """The text of content, whatever its form."""
    if isinstance(content, str) or content is None:
        return content or ""
    return "".join(part.get("text") or document_text(part) for part in content if part["type"] in ("text", "document"))


def document_text(part):
    """The text of a document that a tool gave."""
    data = part.get("document", {}).get("data", "")
    return data if isinstance(data, str) else str(data.get("text", data.get("data", next(iter(data.values()), ""))))


def check(request):
    """Refuses what the vendor would refuse."""
    refuse_unknown(request, KNOWN, "")
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("invalid request: messages must be at least 1 message long.")
    ranges = {"p": (0.01, 0.99), "k": (0, 500), "frequency_penalty": (0, 1), "presence_penalty": (0, 1)}
    for name, (least, most) in ranges.items():
        number(request.get(name), least, most, Refused(
            f"invalid request: {name} must be between {least} and {most} inclusive."))
    if request.get("tool_choice") not in (None, "REQUIRED", "NONE"):
        raise Refused("invalid request: tool_choice must be one of REQUIRED, NONE.")
    if request.get("tool_choice") and not request.get("tools"):
        raise Refused("invalid request: tool_choice needs tools.")
    check_messages(messages)
    for tool in request.get("tools") or ():
        function = tool.get("function") or {}
        refuse_unknown(tool, {"type", "function"}, "tools.")
        refuse_unknown(function, {"name", "description", "parameters"}, "tools.function.")
        if not NAME.match(function.get("name", "")):
            raise Refused("invalid request: tool names can only contain certain characters (A-Za-z0-9_)")
        if function.get("parameters", {"type": "object"}).get("type") != "object":
            raise Refused("invalid request: all tool parameters must be of type object")
    wanted = request.get("response_format") or {"type": "text"}
    refuse_unknown(wanted, {"type", "json_schema", "schema"}, "response_format.")
    if wanted["type"] not in ("text", "json_object"):
        raise Refused("invalid request: response_format.type must be one of text, json_object")
    if wanted["type"] == "json_object" and (request.get("tools") or request.get("documents")):
        raise Refused("invalid request: cannot specify response_format.type json_object with tools or documents")
    schema = wanted.get("json_schema") or wanted.get("schema")
    if schema is not None and (schema.get("type") != "object" or not schema.get("required")):
        raise Refused("invalid request: the schema must be an object with at least one required property")


def check_messages(messages):
    """Roles and contents, and that each call is answered at once."""
    calls = []
    for at, message in enumerate(messages):
        role = message.get("role")
        if role not in ROLES:
            raise Refused(f"invalid request: message[{at}].role must be one of user, assistant, tool, system")
        refuse_unknown(message, ROLES[role], f"messages[{at}].")
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part.get("type") not in CONTENT[role]:
                raise Refused(f"invalid request: content type {part.get('type')} is not valid for role {role}")
        if role in ("user", "system") and not content:
            raise Refused(f"invalid request: messages[{at}].content must not be empty")
        if role == "assistant" and not content and not message.get("tool_calls"):
            raise Refused("invalid request: an assistant message must have content or tool calls")
        if role == "tool":
            if message.get("tool_call_id") not in calls:
                raise Refused(f"invalid request: tool call id not found in previous tool calls: "
                              f"{message.get('tool_call_id')}")
            calls.remove(message["tool_call_id"])
            continue
        if calls:
            raise Refused(f"invalid request: tool calls found without corresponding tool responses: {', '.join(calls)}")
        for call in message.get("tool_calls") or ():
            refuse_unknown(call, {"id", "type", "function"}, f"messages[{at}].tool_calls.")
            if not isinstance(json.loads(call["function"]["arguments"]), dict):
                raise Refused("invalid request: tool call arguments must be a JSON object")
            calls.append(call["id"])
    if calls:
        raise Refused("invalid request: tool calls found without corresponding tool responses")


def asked(request):
    """What the answer depends on."""
    messages = request["messages"]
    wanted = request.get("response_format") or {}
    return scene.Asked(
        text=text_of(messages[-1].get("content")),
        results=[text_of(message["content"]) for message in messages if message["role"] == "tool"],
        has_results=messages[-1]["role"] == "tool",
        tools=[(tool["function"]["name"], tool["function"].get("parameters") or {"type": "object"})
               for tool in request.get("tools") or ()],
        choice={"NONE": "none", "REQUIRED": "any"}.get(request.get("tool_choice"), "auto"),
        schema=wanted.get("json_schema") or wanted.get("schema"),
        json=wanted.get("type") == "json_object", limit=request.get("max_tokens"),
        thinks=(request.get("thinking") or {}).get("type") == "enabled",
        sources=[text_of(message["content"]) for message in messages if message["role"] == "tool"],
    )


def tool_calls(said):
    """The calls of an answer."""
    return [{"id": f"{name}_{said.turn}{at}suite", "type": "function", "function": {"name": name, "arguments": arguments}}
            for at, (name, arguments) in enumerate(said.calls)]


def citations(said, sources):
    """Where what was said comes from: a tool."""
    return [{"start": start, "end": end, "text": said.text[start:end], "type": "TEXT_CONTENT", "content_index": 0,
             "sources": [{"type": "tool", "id": f"tool_{at}:0", "tool_output": {"result": sources[at]}}]}
            for start, end, at in said.cites]


class Cohere(Vendor):
    """Chat."""

    models = ("command-a-03-2025", "command-a-reasoning-08-2025")

    def claims(self, path):
        return path == "/v2/chat"

    def admit(self, call):
        bearer(call)
        call.read()
        call.model, call.streams = call.request.get("model"), call.request.get("stream") is True

    def check(self, call):
        check(call.request)

    def usage(self, call, said):
        """Billed units beside what the model saw."""
        seen = len(json.dumps(call.request["messages"]).split())
        output = said.words() + said.thought_words()
        call.seen["usage"] = {"input": seen, "cached": 0, "written": 0, "output": output, "reasoning": 0}
        return {"billed_units": {"input_tokens": seen, "output_tokens": output},
                "tokens": {"input_tokens": seen, "output_tokens": output}, "cached_tokens": 2}

    @staticmethod
    def reason(said):
        """Why it ended."""
        return {"tools": "TOOL_CALL", "length": "MAX_TOKENS"}.get(said.end, "COMPLETE")

    @staticmethod
    def blocks(said):
        """The content of an answer."""
        text = said.text if said.refusal is None else said.refusal
        return [*([{"type": "thinking", "thinking": said.thought}] if said.thought else []),
                *([{"type": "text", "text": text}] if text is not None else [])]

    def whole(self, call):
        wanted = asked(call.request)
        said = scene.answer(wanted)
        message = {"role": "assistant"}
        if said.calls:
            message.update(tool_plan="I will ask the tools.", tool_calls=tool_calls(said))
        if self.blocks(said):
            message["content"] = self.blocks(said)
        if said.cites:
            message["citations"] = citations(said, wanted.sources)
        return {"id": "c14c80c3-suite", "message": message, "finish_reason": self.reason(said),
                "usage": self.usage(call, said)}

    def stream(self, call):
        wanted = asked(call.request)
        said = scene.answer(wanted)
        yield named({"id": "c14c80c3-suite", "type": "message-start", "delta": {"message": {
            "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}})
        if said.calls:
            for piece in scene.pieces("I will ask the tools."):
                yield named({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}})
        is_early = True
        for at, block in enumerate(self.blocks(said)):
            kind = block["type"]
            yield named({"type": "content-start", "index": at,
                         "delta": {"message": {"content": {"type": kind, kind: ""}}}})
            for count, piece in enumerate(scene.pieces(block[kind])):
                yield named({"type": "content-delta", "index": at, "delta": {"message": {"content": {kind: piece}}}})
                if count == 1 and is_early:
                    is_early = False
                    yield MIDWAY
            yield named({"type": "content-end", "index": at})
        for at, cited in enumerate(citations(said, wanted.sources)):
            yield named({"type": "citation-start", "index": at, "delta": {"message": {"citations": cited}}})
            yield named({"type": "citation-end", "index": at})
        for at, made in enumerate(tool_calls(said)):
            arguments = made["function"]["arguments"]
            made["function"] = {"name": made["function"]["name"], "arguments": ""}
            yield named({"type": "tool-call-start", "index": at, "delta": {"message": {"tool_calls": made}}})
            for fragment in scene.fragments(arguments):
                yield named({"type": "tool-call-delta", "index": at,
                             "delta": {"message": {"tool_calls": {"function": {"arguments": fragment}}}}})
            yield named({"type": "tool-call-end", "index": at})
        yield named({"type": "message-end",
                     "delta": {"finish_reason": self.reason(said), "usage": self.usage(call, said)}})

    def more(self, call):
        return named({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "and on "}}}})

    def failure(self):
        return named({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "upstream failed"}})

    def error(self, status, refused=None):
        message = str(refused) if refused else {429: "You are past the per minute request limit."}.get(
            status, "internal server error")
        return {"id": "b2d1-suite", "message": message}, ()


def named(value):
    """An event under its own name."""
    return event(value, value["type"])
