"""OpenAI's Responses.

Source: https://platform.openai.com/docs/api-reference/responses, .../responses-streaming, and the guides on reasoning, function
calling and structured outputs.
"""

import uuid

import scene
from openai_chat import ERRORS, check_schema
from vendor import MIDWAY, Refused, Vendor, bearer, event, number

KNOWN = set(
    "background conversation context_management include input instructions max_output_tokens max_tool_calls metadata model "
    "parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_retention reasoning safety_identifier "
    "service_tier store stream stream_options temperature text tool_choice tools top_logprobs top_p truncation user".split()
)
ITEMS = {
    "message": {"type", "role", "content", "id", "status", "phase"},
    "function_call": {"type", "id", "call_id", "name", "arguments", "status", "namespace", "caller", "async"},
    "function_call_output": {"type", "id", "call_id", "output", "status"},
    "reasoning": {"type", "id", "summary", "content", "encrypted_content", "status"},
    "item_reference": {"type", "id"},
}
PARTS = {
    "input_text": {"type", "text"}, "input_image": {"type", "image_url", "file_id", "detail"},
    "input_file": {"type", "file_id", "file_data", "filename", "file_url", "detail"},
    "output_text": {"type", "text", "annotations", "logprobs"}, "refusal": {"type", "refusal"},
}
OF_USER, OF_MODEL = {"input_text", "input_image", "input_file"}, {"output_text", "refusal"}
TOOL = {"type", "name", "description", "parameters", "strict", "defer_loading"}


def known(value, names, where):
    """Refuses an object with a field that the reference does not name."""
    for name in value:
        if name not in names:
            where_ = f"{where}.{name}".strip(".")
            raise Refused(f"Unknown parameter: '{where_}'.", where_, "unknown_parameter")


def items_of(request):
    """The input as items, whatever its form."""
    given = request.get("input")
    return [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else given


def parts_of(content):
    """Content as parts, whatever its form."""
    return [{"type": "input_text", "text": content}] if isinstance(content, str) else content or []


def text_of(content):
    """The text of content."""
    return "".join(part.get("text", "") for part in parts_of(content))


def check(request):
    """Refuses what the vendor would refuse."""
    known(request, KNOWN, "")
    items = items_of(request)
    if not isinstance(items, list) or not items:
        raise Refused("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    calls, answered = set(), set()
    for at, item in enumerate(items):
        where = f"input[{at}]"
        kind = item.get("type", "message")
        if kind not in ITEMS:
            raise Refused(f"Invalid value: '{kind}'.", where, "invalid_value")
        known(item, ITEMS[kind], where)
        if kind == "message":
            check_message(item, where)
        elif kind == "function_call":
            if not str(item.get("id", "fc_")).startswith("fc_"):
                raise Refused(f"Invalid '{where}.id': '{item['id']}'. Expected an ID that begins with 'fc'.", f"{where}.id",
                              "invalid_value")
            calls.add(item["call_id"])
        elif kind == "function_call_output":
            if item["call_id"] not in calls:
                raise Refused(f"No tool call found for function call output with call_id {item['call_id']}.", "input")
            answered.add(item["call_id"])
            for part in item["output"] if isinstance(item["output"], list) else ():
                if part.get("type") not in OF_USER:
                    raise Refused(f"Invalid value: '{part.get('type')}'.", f"{where}.output", "invalid_value")
        elif kind == "reasoning":
            check_reasoning(request, item, where)
    for id_ in calls - answered:
        raise Refused(f"No tool output found for function call {id_}.", "input")
    for at, tool in enumerate(request.get("tools") or ()):
        if tool["type"] != "function":
            continue
        known(tool, TOOL, f"tools[{at}]")
        if not tool.get("name"):
            raise Refused(f"Missing required parameter: 'tools[{at}].name'.", f"tools[{at}].name",
                          "missing_required_parameter")
        if tool.get("strict"):
            check_schema({"schema": tool["parameters"], "strict": True, "name": tool["name"]})
    number(request.get("temperature"), 0, 2, Refused(
        "Invalid 'temperature': must be a number between 0 and 2.", "temperature", "decimal_above_max_value"))
    if request.get("max_output_tokens") is not None and request["max_output_tokens"] < 16:
        raise Refused("Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.",
                      "max_output_tokens", "integer_below_min_value")
    known(request.get("reasoning") or {}, {"effort", "summary", "generate_summary", "context", "mode"}, "reasoning")
    text = request.get("text") or {}
    known(text, {"format", "verbosity"}, "text")
    wanted = text.get("format") or {"type": "text"}
    if wanted["type"] == "json_schema":
        known(wanted, {"type", "name", "schema", "strict", "description"}, "text.format")
        check_schema(wanted)
    if wanted["type"] == "json_object" and "json" not in str(items).lower():
        raise Refused("Response input messages must contain the word 'json' in some form to use 'text.format' of type "
                      "'json_object'.", "input")


def check_message(item, where):
    """The role and the parts that it may have."""
    role = item.get("role")
    if role not in ("user", "assistant", "system", "developer"):
        raise Refused(f"Invalid value: '{role}'.", f"{where}.role", "invalid_value")
    if not isinstance(item.get("content"), list):
        return
    for at, part in enumerate(item["content"]):
        kind = part.get("type")
        if kind not in (OF_MODEL if role == "assistant" else OF_USER):
            raise Refused(f"Invalid value: '{kind}'.", f"{where}.content[{at}]", "invalid_value")
        known(part, PARTS[kind], f"{where}.content[{at}]")


def check_reasoning(request, item, where):
    """Thoughts that come back are those that were given."""
    if "summary" not in item:
        raise Refused(f"Missing required parameter: '{where}.summary'.", f"{where}.summary", "missing_required_parameter")
    sealed = item.get("encrypted_content")
    if sealed is None and request.get("store") is not False:
        return
    if sealed is None:
        raise Refused(f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to false.",
                      "input")
    # It holds everything: the summary beside it is not looked at.
    if sealed != scene.seal("responses", scene.THOUGHT):
        raise Refused("The encrypted content could not be verified.", "input", "invalid_encrypted_content")


def asked(request):
    """What the answer depends on."""
    items = items_of(request)
    outputs = [item for item in items if item.get("type") == "function_call_output"]
    choice = request.get("tool_choice") or "auto"
    wanted = (request.get("text") or {}).get("format") or {}
    reasoning = request.get("reasoning") or {}
    return scene.Asked(
        text=text_of(items[-1].get("content")), results=[text_of(item["output"]) for item in outputs],
        has_results=items[-1].get("type") == "function_call_output",
        tools=[(tool["name"], tool.get("parameters") or {"type": "object"}) for tool in request.get("tools") or ()
               if tool["type"] == "function"],
        choice="=" + choice["name"] if isinstance(choice, dict) else {"required": "any"}.get(choice, choice),
        parallel=request.get("parallel_tool_calls") is not False,
        schema=wanted["schema"] if wanted.get("type") == "json_schema" else None,
        json=wanted.get("type") == "json_object", limit=request.get("max_output_tokens"),
        thinks=reasoning.get("effort") not in (None, "none") or reasoning.get("summary") is not None,
    )


def items(said, has_secrets):
    """The items of an answer, complete."""
    if said.thought is not None:
        sealed = {"encrypted_content": scene.seal("responses", said.thought)} if has_secrets else {}
        yield {"id": "rs_suite", "type": "reasoning", "summary": [{"type": "summary_text", "text": said.thought}], **sealed}
    if said.text is not None or said.refusal is not None:
        part = {"type": "output_text", "annotations": [], "logprobs": [], "text": said.text}
        if said.refusal is not None:
            part = {"type": "refusal", "refusal": said.refusal}
        yield {"id": "msg_suite", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    for at, (name, arguments) in enumerate(said.calls):
        yield {"id": f"fc_{said.turn}{at}suite", "type": "function_call", "status": "completed", "arguments": arguments,
               "call_id": f"call_{said.turn}{at}{name}", "name": name}


def told(at, item):
    """The events of one item, without their numbers."""
    here = {"item_id": item["id"], "output_index": at}
    if item["type"] == "reasoning":
        text = item["summary"][0]["text"]
        here["summary_index"] = 0
        yield {"type": "response.output_item.added", "output_index": at, "item": {**item, "summary": []}}
        yield {"type": "response.reasoning_summary_part.added", **here, "part": {"type": "summary_text", "text": ""}}
        for piece in scene.pieces(text):
            yield {"type": "response.reasoning_summary_text.delta", **here, "delta": piece, "obfuscation": "x"}
        yield {"type": "response.reasoning_summary_text.done", **here, "text": text}
        yield {"type": "response.reasoning_summary_part.done", **here, "part": item["summary"][0]}
    elif item["type"] == "function_call":
        yield {"type": "response.output_item.added", "output_index": at,
               "item": {**item, "status": "in_progress", "arguments": ""}}
        for fragment in scene.fragments(item["arguments"]):
            yield {"type": "response.function_call_arguments.delta", **here, "delta": fragment, "obfuscation": "x"}
        yield {"type": "response.function_call_arguments.done", **here, "arguments": item["arguments"], "name": item["name"]}
    else:
        (part,) = item["content"]
        kind, field = ("output_text", "text") if part["type"] == "output_text" else ("refusal", "refusal")
        here["content_index"] = 0
        more = {"logprobs": []} if kind == "output_text" else {}
        yield {"type": "response.output_item.added", "output_index": at,
               "item": {**item, "status": "in_progress", "content": []}}
        yield {"type": "response.content_part.added", **here, "part": {**part, field: ""}}
        for piece in scene.pieces(part[field]):
            yield {"type": f"response.{kind}.delta", **here, "delta": piece, **more, "obfuscation": "x"}
        yield {"type": f"response.{kind}.done", **here, field: part[field], **more}
        yield {"type": "response.content_part.done", **here, "part": part}
    yield {"type": "response.output_item.done", "output_index": at, "item": item}


class OpenAiResponses(Vendor):
    """Responses."""

    models = ("gpt-5-mini", "gpt-4o-mini")

    def claims(self, path):
        return path == "/v1/responses"

    def admit(self, call):
        bearer(call)
        call.read()
        call.model, call.streams = call.request.get("model"), bool(call.request.get("stream"))
        # Frameworks take two answers of one id for the same message.
        call.response_id = f"resp_{uuid.uuid4().hex}"

    def check(self, call):
        check(call.request)

    def usage(self, call, said):
        """Output with the thoughts."""
        seen = len(str([call.request.get("instructions"), call.request["input"]]).split())
        output = said.words() + said.thought_words()
        call.seen["usage"] = {"input": seen, "cached": 2, "written": 0, "output": output,
                              "reasoning": said.thought_words()}
        return {"input_tokens": seen, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
                "output_tokens": output, "output_tokens_details": {"reasoning_tokens": said.thought_words()},
                "total_tokens": seen + output}

    def response(self, call, status, output=(), usage=None, incomplete=None, error=None):
        """The object, in whatever state."""
        request = call.request
        return {
            "id": call.response_id, "object": "response", "created_at": 1750000000, "status": status, "background": False,
            "error": error, "incomplete_details": incomplete, "instructions": request.get("instructions"),
            "max_output_tokens": request.get("max_output_tokens"), "max_tool_calls": None, "model": call.model,
            "output": list(output), "parallel_tool_calls": request.get("parallel_tool_calls") is not False,
            "previous_response_id": None, "reasoning": {"effort": None, "summary": None, **(request.get("reasoning") or {})},
            "service_tier": "default", "store": request.get("store") is not False,
            "temperature": request.get("temperature") or 1.0, "text": {"format": {"type": "text"}, "verbosity": "medium"},
            "tool_choice": request.get("tool_choice") or "auto", "tools": request.get("tools") or [], "top_logprobs": 0,
            "top_p": request.get("top_p") or 1.0, "truncation": "disabled", "usage": usage, "user": request.get("user"),
            "metadata": request.get("metadata") or {},
        }

    def over(self, call, said):
        """How it ends."""
        secrets = "reasoning.encrypted_content" in (call.request.get("include") or ())
        cut = {"reason": "max_output_tokens"} if said.end == "length" else None
        return self.response(call, "incomplete" if cut else "completed", items(said, secrets), self.usage(call, said), cut)

    def whole(self, call):
        return self.over(call, scene.answer(asked(call.request)))

    def stream(self, call):
        said = scene.answer(asked(call.request))
        over = self.over(call, said)
        number = 0
        events = [{"type": f"response.{state}", "response": self.response(call, "in_progress")}
                  for state in ("created", "in_progress")]
        for at, item in enumerate(over["output"]):
            events += told(at, item)
        events.append({"type": f"response.{over['status']}", "response": over})
        deltas = [at for at, one in enumerate(events) if one["type"].endswith(".delta")]
        for number, one in enumerate(events):
            yield event({"type": one["type"], "sequence_number": number, **one}, one["type"])
            if len(deltas) > 1 and number == deltas[1]:
                yield MIDWAY

    def more(self, call):
        return event({"type": "response.output_text.delta", "sequence_number": 999, "item_id": "msg_suite",
                      "output_index": 0, "content_index": 0, "delta": "and on ", "logprobs": []},
                     "response.output_text.delta")

    def failure(self):
        return event({"type": "error", "sequence_number": 9, "code": "server_error",
                      "message": "The server had an error while processing your request.", "param": None}, "error")

    def error(self, status, refused=None):
        type_, code, param, message = ERRORS.get(status, ERRORS[400])
        if refused is not None:
            type_, code, param, message = "invalid_request_error", refused.code, refused.param, str(refused)
        return {"error": {"message": message, "type": type_, "param": param, "code": code}}, ()
