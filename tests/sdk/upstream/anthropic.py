"""Anthropic's Messages, with the count of tokens.

Source: https://docs.anthropic.com/en/api/messages, .../messages-count-tokens, .../messages-streaming, .../errors, and the
guides on tool use, extended thinking, citations and structured outputs.
"""

import json
import re

import scene
from vendor import MIDWAY, Refused, Vendor, event, is_base64, number, only

#: The second one is that of SDKs since autumn 2026.
VERSIONS = ("2023-06-01", "2026-10-21")
KNOWN = set(
    "cache_control container inference_geo max_tokens messages metadata model output_config service_tier "
    "stop_sequences stream system temperature thinking tool_choice tools top_k top_p".split()
)
COUNTED = {"messages", "model", "system", "thinking", "tool_choice", "tools", "output_config", "cache_control"}
BLOCKS = {
    "text": {"type", "text", "cache_control", "citations"},
    "image": {"type", "source", "cache_control"},
    "document": {"type", "source", "cache_control", "citations", "context", "title"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
    "tool_use": {"type", "id", "name", "input", "cache_control", "caller"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
}
OF_USER, OF_MODEL = {"text", "image", "document", "tool_result"}, {
    "text", "thinking", "redacted_thinking", "tool_use"}
TOOL = {"type", "name", "description", "input_schema", "cache_control", "strict", "input_examples",
        "eager_input_streaming", "defer_loading", "allowed_callers"}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")
# What a schema for structured outputs must not hold.
UNSUPPORTED = set("minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength maxItems".split())
TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
         413: "request_too_large", 429: "rate_limit_error", 500: "api_error", 503: "api_error",
         529: "overloaded_error"}


def blocks(content):
    """Content as blocks, whatever its form."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def text_of(content):
    """The text of content."""
    return "".join(block.get("text", "") for block in blocks(content or []) if block["type"] == "text")


def check(request, is_count):
    """Refuses what the vendor would refuse."""
    if "thread" in request:
        # A beta that an organization may lack. SDKs read the code and go on without a thread.
        refused = Refused("thread: this request cannot be threaded")
        refused.details = {"error_code": "thread_unsupported_request", "unsupported": ["organization"]}
        raise refused
    only(request, COUNTED if is_count else KNOWN, "", "Extra inputs are not permitted")
    if not isinstance(request.get("model"), str):
        raise Refused("model: Field required")
    limit = request.get("max_tokens")
    if not is_count and (not isinstance(limit, int) or limit < 1):
        raise Refused("max_tokens: Field required" if limit is None else "max_tokens: Input should be greater than 0")
    for name in ("temperature", "top_p"):
        number(request.get(name), 0, 1, Refused(f"{name}: range: 0..1"))
    if request.get("temperature") is not None and request.get("top_p") is not None:
        raise Refused("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    check_system(request.get("system"))
    check_tools(request)
    check_thinking(request, limit)
    check_messages(request)
    wanted = (request.get("output_config") or {}).get("format")
    if wanted:
        only(wanted, {"type", "schema"}, "output_config.format", "Extra inputs are not permitted")
        check_schema(wanted["schema"])


def check_system(system):
    """A text, or blocks of text that are not empty."""
    for at, block in enumerate(system if isinstance(system, list) else []):
        if block.get("type") != "text" or not block.get("text"):
            raise Refused(f"system.{at}: text content blocks must be non-empty")


def check_tools(request):
    """Names, schemas, and the choice among them."""
    names = set()
    for at, tool in enumerate(request.get("tools") or ()):
        only(tool, TOOL, f"tools.{at}.custom", "Extra inputs are not permitted")
        if not NAME.match(tool.get("name", "")):
            raise Refused(f"tools.{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if tool["name"] in names:
            raise Refused("tools: Tool names must be unique.")
        names.add(tool["name"])
        if not isinstance(tool.get("input_schema"), dict) or tool["input_schema"].get("type") != "object":
            raise Refused(f"tools.{at}.custom.input_schema.type: Field required")
        if any(name in tool["input_schema"] for name in ("oneOf", "allOf", "anyOf")):
            raise Refused(f"tools.{at}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the "
                          "top level")
        if tool.get("strict"):
            check_schema(tool["input_schema"])
    choice = request.get("tool_choice")
    if choice is None:
        return
    only(choice, {"type", "name", "disable_parallel_tool_use"}, "tool_choice", "Extra inputs are not permitted")
    if choice["type"] not in ("auto", "any", "tool", "none"):
        raise Refused("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
    if not names and choice["type"] != "none":
        raise Refused("tool_choice: tool_choice may only be specified while providing tools.")
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise Refused(f"tool_choice: Tool '{choice.get('name')}' not found in provided tools")


def check_thinking(request, limit):
    """A budget that fits, and nothing that thinking excludes."""
    thinking = request.get("thinking")
    if not thinking or thinking["type"] == "disabled":
        return
    if thinking["type"] == "enabled":
        budget = thinking.get("budget_tokens", 0)
        if budget < 1024:
            raise Refused("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if limit is not None and budget >= limit:
            raise Refused("`max_tokens` must be greater than `thinking.budget_tokens`.")
    elif thinking["type"] != "adaptive":
        raise Refused("thinking: Input tag does not match any of the expected tags: 'disabled', 'enabled', 'adaptive'")
    if request.get("temperature") not in (None, 1):
        raise Refused("`temperature` may only be set to 1 when thinking is enabled.")
    if request.get("top_k") is not None:
        raise Refused("`top_k` must be unset when thinking is enabled.")
    if (request.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise Refused("Thinking may not be enabled when tool_choice forces tool use.")


def check_messages(request):
    """Roles, blocks, and that each call is answered at once."""
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("messages: at least one message is required")
    thinks = (request.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    calls, known = [], set()
    begins = max((at for at, message in enumerate(messages) if is_question(message)), default=0)
    for at, message in enumerate(messages):
        where = f"messages.{at}"
        only(message, {"role", "content"}, where, "Extra inputs are not permitted")
        if message.get("role") not in ("user", "assistant"):
            raise Refused(f"{where}.role: Input should be 'user' or 'assistant'")
        if at == 0 and message["role"] != "user":
            raise Refused("messages: first message must use the \"user\" role")
        content = blocks(message.get("content"))
        if not content and at + 1 < len(messages):
            raise Refused(f"{where}: all messages must have non-empty content except for the optional final assistant "
                          "message")
        check_blocks(content, OF_USER if message["role"] == "user" else OF_MODEL, f"{where}.content")
        answered = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
        for id_ in answered:
            if id_ not in calls:
                raise Refused(f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {id_}. Each "
                              "`tool_result` block must have a corresponding `tool_use` block in the previous message.")
        missing = set(calls) - set(answered)
        if missing:
            raise Refused(f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                          f"{', '.join(sorted(missing))}.")
        if answered and [b["type"] == "tool_result" for b in content] != sorted(
                [b["type"] == "tool_result" for b in content], reverse=True):
            raise Refused(f"{where}: `tool_result` blocks must come first in the content")
        if message["role"] == "user":
            calls = []
            continue
        calls = [block["id"] for block in content if block["type"] == "tool_use"]
        for id_ in calls:
            if id_ in known or not NAME.match(id_):
                raise Refused(f"{where}: `tool_use` ids must be unique and match '^[a-zA-Z0-9_-]+$'")
            known.add(id_)
        if at + 1 == len(messages) and thinks:
            raise Refused("This model does not support assistant message prefill while thinking is enabled.")
        # Inside a loop of tools the thoughts of the turn must come back.
        if thinks and at > begins and calls and content[0]["type"] not in ("thinking", "redacted_thinking"):
            raise Refused(f"{where}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. "
                          "When `thinking` is enabled, a final `assistant` message must start with a thinking block.")
    if calls:
        raise Refused("messages: `tool_use` ids were found without `tool_result` blocks immediately after.")


def is_question(message):
    """Whether a user's turn begins a new loop of tools."""
    return message.get("role") == "user" and not any(
        block.get("type") == "tool_result" for block in blocks(message.get("content") or []))


def check_blocks(content, allowed, where):
    """The blocks of one message."""
    for at, block in enumerate(content):
        kind = block.get("type")
        if kind not in allowed:
            raise Refused(f"{where}.{at}.type: `{kind}` blocks are not permitted here")
        only(block, BLOCKS[kind], f"{where}.{at}.{kind}", "Extra inputs are not permitted")
        if kind == "text" and not block["text"].strip():
            raise Refused(f"{where}.{at}: text content blocks must contain non-whitespace text")
        if kind == "thinking" and block.get("signature") != scene.seal("anthropic", block.get("thinking", "")):
            raise Refused(f"{where}.{at}: Invalid `signature` in `thinking` block")
        if kind == "tool_use" and not isinstance(block.get("input"), dict):
            raise Refused(f"{where}.{at}.tool_use.input: Input should be a valid dictionary")
        if kind == "tool_result":
            check_blocks(blocks(block.get("content") or []), {"text", "image", "document"}, f"{where}.{at}.content")
        if kind in ("image", "document"):
            check_source(block, f"{where}.{at}.{kind}.source")


def check_source(block, where):
    """Where a file comes from."""
    source = block.get("source") or {}
    kinds = {"base64": {"type", "media_type", "data"}, "url": {"type", "url"}, "file": {"type", "file_id"}}
    if block["type"] == "document":
        kinds.update({"text": {"type", "media_type", "data"}, "content": {"type", "content"}})
    if source.get("type") not in kinds or set(source) != kinds[source["type"]]:
        raise Refused(f"{where}: Input does not match any of the expected tags")
    if source["type"] == "base64" and not is_base64(source["data"]):
        raise Refused(f"{where}.base64: invalid base64 data")
    if source["type"] == "base64":
        allowed = {"image/jpeg", "image/png", "image/gif", "image/webp"} if block["type"] == "image" else {
            "application/pdf"}
        if source["media_type"] not in allowed:
            raise Refused(f"{where}.base64.media_type: Input should be one of {sorted(allowed)}")


def check_schema(schema):
    """A schema for structured outputs: objects are closed, and some keywords are not taken."""
    stack = [schema]
    while stack:
        node = stack.pop()
        for name in UNSUPPORTED & set(node):
            raise Refused(f"output_config.format.schema: For '{node.get('type')}' type, property '{name}' is not "
                          "supported")
        if node.get("type") == "object":
            if node.get("additionalProperties") is not False:
                raise Refused("output_config.format.schema: For 'object' type, 'additionalProperties' must be "
                              "explicitly set to false")
            stack += node.get("properties", {}).values()
        stack += [node["items"]] if "items" in node else []
        stack += node.get("anyOf", []) + list(node.get("$defs", {}).values())


def asked(request):
    """What the answer depends on."""
    last = blocks(request["messages"][-1]["content"])
    everything = [block for message in request["messages"] for block in blocks(message["content"])]
    choice = request.get("tool_choice") or {"type": "auto"}
    wanted = (request.get("output_config") or {}).get("format")
    return scene.Asked(
        text=text_of(last), results=[text_of(block.get("content")) for block in everything
                                     if block["type"] == "tool_result"],
        has_results=any(block["type"] == "tool_result" for block in last),
        tools=[(tool["name"], tool["input_schema"]) for tool in request.get("tools") or ()],
        choice="=" + choice["name"] if choice["type"] == "tool" else choice["type"],
        parallel=not choice.get("disable_parallel_tool_use"),
        schema=wanted and wanted["schema"], limit=request.get("max_tokens"),
        thinks=(request.get("thinking") or {}).get("type") in ("enabled", "adaptive"),
        sources=[block["source"].get("data", "") for block in everything
                 if block["type"] == "document" and (block.get("citations") or {}).get("enabled")],
    )


def citation(at, source):
    """A place in a document of plain text."""
    return {"type": "char_location", "cited_text": source[:10], "document_index": at, "document_title": None,
            "start_char_index": 0, "end_char_index": min(10, len(source)), "file_id": None}


def content(said, sources):
    """The blocks of an answer."""
    if said.thought is not None:
        yield {"type": "thinking", "thinking": said.thought, "signature": scene.seal("anthropic", said.thought)}
    if said.refusal is not None:
        yield {"type": "text", "text": said.refusal, "citations": None}
    if said.text is not None:
        cites = [citation(at, sources[at]) for _, _, at in said.cites] or None
        yield {"type": "text", "text": said.text, "citations": cites}
    for at, (name, arguments) in enumerate(said.calls):
        yield {"type": "tool_use", "id": f"toolu_01{said.turn}{at}{name}", "name": name, "input": arguments}


def start_and_deltas(block):
    """How a block is streamed."""
    kind = block["type"]
    if kind == "thinking":
        yield {"type": "thinking", "thinking": "", "signature": ""}
        for piece in scene.pieces(block["thinking"]):
            yield {"type": "thinking_delta", "thinking": piece}
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif kind == "text":
        yield {"type": "text", "text": "", **({"citations": []} if block["citations"] else {})}
        for piece in scene.pieces(block["text"]):
            yield {"type": "text_delta", "text": piece}
        for cited in block["citations"] or ():
            yield {"type": "citations_delta", "citation": cited}
    else:
        yield {**block, "input": {}}
        # A call without arguments comes as one empty piece.
        for fragment in ["", *([] if block["input"] == "{}" else scene.fragments(block["input"]))]:
            yield {"type": "input_json_delta", "partial_json": fragment}


class Anthropic(Vendor):
    """Messages."""

    models = ("claude-sonnet-4-5", "claude-haiku-4-5")

    def claims(self, path):
        return path in ("/v1/messages", "/v1/messages/count_tokens")

    def admit(self, call):
        if call.headers.get("x-api-key") != call.key:
            raise Refused("invalid x-api-key", status=401)
        version = call.headers.get("anthropic-version")
        if version not in VERSIONS:
            raise Refused("anthropic-version: header is required" if not version else
                          f"anthropic-version: \"{version}\" is not a valid version")
        call.read()
        call.model, call.streams = call.request.get("model"), call.request.get("stream") is True

    def check(self, call):
        check(call.request, call.path.endswith("count_tokens"))

    def usage(self, call, said):
        """Input without what the cache has and takes; output with the thoughts."""
        words = len(scene_words(call.request))
        cached, written = 2, 4
        output = said.words() + said.thought_words()
        call.seen["usage"] = {"input": words + cached + written, "cached": cached, "written": written,
                              "output": output, "reasoning": said.thought_words()}
        return {"input_tokens": words, "cache_creation_input_tokens": written, "cache_read_input_tokens": cached,
                "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
                "output_tokens": output, "output_tokens_details": {"thinking_tokens": said.thought_words()},
                "service_tier": "standard"}

    def message(self, call, said, blocks_, usage, is_over=True):
        """A message, whole or at the start of a stream."""
        ends = {"stop": "end_turn", "tools": "tool_use", "length": "max_tokens", "refusal": "refusal"}
        return {"id": "msg_01suite", "type": "message", "role": "assistant", "model": call.model, "content": blocks_,
                "stop_reason": ends[said.end] if is_over else None, "stop_sequence": None, "usage": usage}

    def whole(self, call):
        if call.path.endswith("count_tokens"):
            return {"input_tokens": len(scene_words(call.request))}
        wanted = asked(call.request)
        said = scene.answer(wanted)
        told = [with_input(block) for block in content(said, wanted.sources)]
        return self.message(call, said, told, self.usage(call, said))

    def stream(self, call):
        wanted = asked(call.request)
        said = scene.answer(wanted)
        usage = self.usage(call, said)
        start = self.message(call, said, [], {**usage, "output_tokens": 1, "output_tokens_details": None}, False)
        yield named({"type": "message_start", "message": start})
        is_early = True
        for at, block in enumerate(content(said, wanted.sources)):
            for count, delta in enumerate(start_and_deltas(block)):
                if count == 0:
                    yield named({"type": "content_block_start", "index": at, "content_block": delta})
                    yield named({"type": "ping"})
                    continue
                yield named({"type": "content_block_delta", "index": at, "delta": delta})
                if count == 2 and is_early:
                    is_early = False
                    yield MIDWAY
            yield named({"type": "content_block_stop", "index": at})
        over = self.message(call, said, [], usage)
        yield named({"type": "message_delta", "delta": {"stop_reason": over["stop_reason"], "stop_sequence": None},
                     "usage": {name: usage[name] for name in (
                         "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens",
                         "output_tokens_details")}})
        yield named({"type": "message_stop"})

    def more(self, call):
        return named({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "and on "}})

    def failure(self):
        return named(self.error(529)[0])

    def error(self, status, refused=None):
        message = str(refused) if refused else {529: "Overloaded", 429: "This request would exceed your rate limit."}.get(
            status, "Internal server error")
        more = {"details": refused.details} if refused and refused.details else {}
        return {"type": "error", "error": {"type": TYPES.get(status, "api_error"), "message": message, **more},
                "request_id": "req_011suite"}, [("request-id", "req_011suite")]


def named(value):
    """An event under its own name."""
    return event(value, value["type"])


def with_input(block):
    """A block as it stands in a whole answer."""
    return {**block, "input": json.loads(block["input"])} if block["type"] == "tool_use" else block


def scene_words(request):
    """Every word of a conversation, each a token."""
    texts = [str(request.get("system") or ""), *(str(message["content"]) for message in request["messages"])]
    return " ".join(texts).split()
