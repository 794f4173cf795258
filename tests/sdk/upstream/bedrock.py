"""Amazon Bedrock's Converse and ConverseStream, with a model of Anthropic behind them.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, API_runtime_ConverseStream.html and
the types they name; the guides on tool use, reasoning and structured output.
"""

import json
import re
import urllib.parse

import eventstream
import scene
import sigv4
from vendor import MIDWAY, Refused, Vendor, is_base64, number

PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream)\Z")
#: The account, whose secret is the key of every vendor here.
ACCESS_KEY_ID, REGION = "AKIDSUITE", "eu-central-1"
KNOWN = set(
    "messages system inferenceConfig toolConfig guardrailConfig additionalModelRequestFields promptVariables "
    "additionalModelResponseFieldPaths requestMetadata performanceConfig outputConfig serviceTier".split()
)
BLOCKS = {
    "text", "image", "document", "video", "audio", "toolUse", "toolResult", "guardContent", "cachePoint",
    "reasoningContent", "citationsContent", "searchResult",
}
OF_USER = BLOCKS - {"toolUse", "reasoningContent", "citationsContent"}
OF_MODEL = {"text", "toolUse", "reasoningContent", "citationsContent", "cachePoint", "image"}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
FORMATS = {"image": {"png", "jpeg", "gif", "webp"},
           "document": {"pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"}}


def known(value, names, where):
    """Converse refuses members that its model does not have."""
    if not isinstance(value, dict):
        raise Refused(f"{where}: expected a structure")
    for name in value:
        if name not in names:
            raise Refused(f"1 validation error detected: {where} holds the unknown member {name}")


def check(request):
    """Refuses what the vendor would refuse."""
    known(request, KNOWN, "request")
    messages = request.get("messages")
    if not messages:
        raise Refused("The messages field is required. Add a message to the messages field and try again.")
    for block in request.get("system") or ():
        known(block, {"text", "guardContent", "cachePoint"}, "system")
        if block.get("text") == "":
            raise Refused("The text field in the ContentBlock object at system.0 is blank.")
    inference = request.get("inferenceConfig") or {}
    known(inference, {"maxTokens", "temperature", "topP", "stopSequences"}, "inferenceConfig")
    for name in ("temperature", "topP"):
        number(inference.get(name), 0, 1, Refused(
            f"Value at 'inferenceConfig.{name}' failed to satisfy constraint: Member must have value less than or equal to 1"))
    if "temperature" in inference and "topP" in inference:
        raise Refused("The model returned the following errors: `temperature` and `top_p` cannot both be specified for this "
                      "model. Please use only one.")
    names = check_tools(request.get("toolConfig"))
    check_messages(messages, thinks(request), names)
    more = request.get("additionalModelRequestFields") or {}
    known(more, {"thinking", "top_k", "anthropic_beta", "tool_choice", "output_config"}, "additionalModelRequestFields")
    if thinks(request):
        budget = more["thinking"].get("budget_tokens", 1024)
        if budget < 1024 or budget >= inference.get("maxTokens", 64000):
            raise Refused("The model returned the following errors: `max_tokens` must be greater than "
                          "`thinking.budget_tokens`.")
        if inference.get("temperature") not in (None, 1):
            raise Refused("The model returned the following errors: `temperature` may only be set to 1 when thinking is "
                          "enabled.")
    wanted = (request.get("outputConfig") or {}).get("textFormat")
    if wanted is not None:
        known(wanted, {"type", "structure"}, "outputConfig.textFormat")
        if wanted.get("type") != "json_schema":
            raise Refused("Value at 'outputConfig.textFormat.type' failed to satisfy constraint: json_schema")
        structure = wanted["structure"]["jsonSchema"]
        known(structure, {"schema", "name", "description"}, "outputConfig.textFormat.structure.jsonSchema")
        if not isinstance(structure.get("schema"), str):
            raise Refused("outputConfig.textFormat.structure.jsonSchema.schema: expected a string")


def check_tools(config):
    """The tools and the choice among them; gives the names."""
    if config is None:
        return set()
    known(config, {"tools", "toolChoice"}, "toolConfig")
    if not config.get("tools"):
        raise Refused("The value at toolConfig.tools must have at least 1 member")
    names = set()
    for tool in config["tools"]:
        known(tool, {"toolSpec", "cachePoint", "systemTool"}, "toolConfig.tools")
        if "toolSpec" not in tool:
            continue
        spec = tool["toolSpec"]
        known(spec, {"name", "description", "inputSchema", "strict"}, "toolConfig.tools.toolSpec")
        if not NAME.match(spec.get("name", "")):
            raise Refused("Value at 'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: Member must "
                          "satisfy regular expression pattern: [a-zA-Z0-9_-]+")
        if spec.get("description") == "":
            raise Refused("toolConfig.tools.toolSpec.description: Member must have length greater than or equal to 1")
        if spec["inputSchema"]["json"].get("type") != "object":
            raise Refused("The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: "
                          "object.")
        names.add(spec["name"])
    choice = config.get("toolChoice")
    if choice is not None and set(choice) not in ({"auto"}, {"any"}, {"tool"}):
        raise Refused("toolConfig.toolChoice: one member of auto, any, tool")
    if choice and "tool" in choice and choice["tool"].get("name") not in names:
        raise Refused("toolConfig.toolChoice.tool.name: not among the tools")
    return names


def check_messages(messages, has_thoughts, names):
    """Roles take turns, and each call is answered at once."""
    calls = []
    begins = max((at for at, message in enumerate(messages) if is_question(message)), default=0)
    for at, message in enumerate(messages):
        known(message, {"role", "content"}, "messages")
        if message.get("role") not in ("user", "assistant"):
            raise Refused("Value at 'messages.1.member.role' failed to satisfy constraint: Member must satisfy enum value "
                          "set: [user, assistant]")
        if at == 0 and message["role"] != "user":
            raise Refused("A conversation must start with a user message. Try again with a conversation that starts with a "
                          "user message.")
        if at and message["role"] == messages[at - 1]["role"]:
            raise Refused("A conversation must alternate between user and assistant roles. Make sure the conversation "
                          "alternates between user and assistant roles and try again.")
        if not message.get("content"):
            raise Refused(f"The content field in the Message object at messages.{at} is empty.")
        for number, block in enumerate(message["content"]):
            check_block(block, message["role"], f"messages.{at}.content.{number}", names)
        answered = [block["toolResult"]["toolUseId"] for block in message["content"] if "toolResult" in block]
        if sorted(answered) != sorted(calls):
            raise Refused(f"The number of toolResult blocks at messages.{at}.content exceeds the number of toolUse blocks of "
                          "previous turn, or a toolUse has no toolResult.")
        calls = [block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block]
        if calls and has_thoughts and at > begins and "reasoningContent" not in message["content"][0]:
            raise Refused("The model returned the following errors: Expected `thinking` or `redacted_thinking`, but found "
                          "`tool_use`.")
    if calls or messages[-1]["role"] != "user":
        raise Refused("Your API request included an `assistant` message in the final position.")


def is_question(message):
    """Whether a user's turn begins a new loop of tools."""
    return message.get("role") == "user" and not any("toolResult" in block for block in message.get("content") or ())


def check_block(block, role, where, names):
    """One block: exactly one kind."""
    known(block, OF_USER if role == "user" else OF_MODEL, where)
    if len(block) != 1:
        raise Refused(f"{where}: exactly one member of ContentBlock must be set")
    ((kind, value),) = block.items()
    if kind == "text" and not value.strip():
        raise Refused(f"The text field in the ContentBlock object at {where} is blank. Add text to the text field, and try "
                      "again.")
    if kind == "toolUse":
        known(value, {"toolUseId", "name", "input", "type"}, where)
        if not NAME.match(value["toolUseId"]) or not isinstance(value["input"], dict):
            raise Refused(f"{where}.toolUse: toolUseId must satisfy [a-zA-Z0-9_-]+ and input must be an object")
        if not names:
            raise Refused("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    if kind == "toolResult":
        known(value, {"toolUseId", "content", "status", "type"}, where)
        for inner in value["content"]:
            known(inner, {"json", "text", "image", "document", "video", "searchResult"}, where)
            if not isinstance(inner.get("json", {}), dict):
                raise Refused(f"The format of the value at {where}.toolResult.content.0.json is invalid. Provide a json "
                              "object for the field and try again.")
    if kind == "reasoningContent" and "reasoningText" in value:
        given = value["reasoningText"]
        if given.get("signature") != scene.seal("bedrock", given.get("text", "")):
            raise Refused("The model returned the following errors: Invalid `signature` in `thinking` block")
    if kind in FORMATS:
        if value.get("format") not in FORMATS[kind]:
            raise Refused(f"Value at '{where}.{kind}.format' failed to satisfy constraint: {sorted(FORMATS[kind])}")
        if "bytes" in value["source"] and not is_base64(value["source"]["bytes"]):
            raise Refused(f"{where}.{kind}.source.bytes: invalid base64")


def thinks(request):
    """Whether thoughts are asked for."""
    thinking = (request.get("additionalModelRequestFields") or {}).get("thinking") or {}
    return thinking.get("type") in ("enabled", "adaptive")


def result_text(result):
    """What a tool said."""
    return "".join(block.get("text") or json.dumps(block.get("json"), ensure_ascii=False) for block in result["content"]
                   if "text" in block or "json" in block)


def asked(request):
    """What the answer depends on."""
    last = request["messages"][-1]["content"]
    everything = [block for message in request["messages"] for block in message["content"]]
    config = request.get("toolConfig") or {}
    choice = config.get("toolChoice") or {"auto": {}}
    wanted = (request.get("outputConfig") or {}).get("textFormat")
    return scene.Asked(
        text="".join(block.get("text", "") for block in last),
        results=[result_text(block["toolResult"]) for block in everything if "toolResult" in block],
        has_results=any("toolResult" in block for block in last),
        tools=[(tool["toolSpec"]["name"], tool["toolSpec"]["inputSchema"]["json"]) for tool in config.get("tools") or ()
               if "toolSpec" in tool],
        choice="=" + choice["tool"]["name"] if "tool" in choice else "any" if "any" in choice else "auto",
        schema=json.loads(wanted["structure"]["jsonSchema"]["schema"]) if wanted else None,
        limit=(request.get("inferenceConfig") or {}).get("maxTokens"), thinks=thinks(request),
    )


class Bedrock(Vendor):
    """Converse."""

    models = ("anthropic.claude-sonnet-4-5-20250929-v1:0",)
    stream_type = "application/vnd.amazon.eventstream"

    def claims(self, path):
        return PATH.match(path) is not None

    def admit(self, call):
        sigv4.check("POST", call, ACCESS_KEY_ID, call.key, REGION, "bedrock")
        model, method = PATH.match(call.path).groups()
        call.model, call.streams = urllib.parse.unquote(model), method == "converse-stream"
        call.read()

    def check(self, call):
        check(call.request)

    def usage(self, call, said):
        """Input without what the cache has and takes."""
        told = len(json.dumps([call.request.get("system"), call.request["messages"]]).split())
        output = said.words() + said.thought_words()
        call.seen["usage"] = {"input": told + 6, "cached": 2, "written": 4, "output": output, "reasoning": 0}
        return {"inputTokens": told, "outputTokens": output, "totalTokens": told + output + 6,
                "cacheReadInputTokens": 2, "cacheWriteInputTokens": 4}

    @staticmethod
    def reason(said):
        """Why it ended."""
        return {"tools": "tool_use", "length": "max_tokens", "refusal": "content_filtered"}.get(said.end, "end_turn")

    @staticmethod
    def blocks(said):
        """The content of an answer; arguments as text."""
        if said.thought is not None:
            yield {"reasoningContent": {"reasoningText": {
                "text": said.thought, "signature": scene.seal("bedrock", said.thought)}}}
        text = said.text if said.refusal is None else said.refusal
        if text is not None:
            yield {"text": text}
        for at, (name, arguments) in enumerate(said.calls):
            yield {"toolUse": {"toolUseId": f"tooluse_{said.turn}{at}{name}", "name": name, "input": arguments}}

    def whole(self, call):
        said = scene.answer(asked(call.request))
        content = list(self.blocks(said))
        for block in content:
            if "toolUse" in block:
                block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
        return {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": self.reason(said),
                "usage": self.usage(call, said), "metrics": {"latencyMs": 5}}

    @staticmethod
    def deltas(block):
        """A block in pieces."""
        if "text" in block:
            for piece in scene.pieces(block["text"]):
                yield {"text": piece}
        elif "toolUse" in block:
            for fragment in scene.fragments(block["toolUse"]["input"]):
                yield {"toolUse": {"input": fragment}}
        else:
            told = block["reasoningContent"]["reasoningText"]
            for piece in scene.pieces(told["text"]):
                yield {"reasoningContent": {"text": piece}}
            yield {"reasoningContent": {"signature": told["signature"]}}

    def stream(self, call):
        said = scene.answer(asked(call.request))
        yield event("messageStart", {"role": "assistant"})
        is_early = True
        for at, block in enumerate(self.blocks(said)):
            if "toolUse" in block:
                start = {name: block["toolUse"][name] for name in ("toolUseId", "name")}
                # Only tools have a start; text and thoughts begin with their first piece.
                yield event("contentBlockStart", {"start": {"toolUse": start}, "contentBlockIndex": at})
            for count, delta in enumerate(self.deltas(block)):
                yield event("contentBlockDelta", {"delta": delta, "contentBlockIndex": at})
                if count == 1 and is_early:
                    is_early = False
                    yield MIDWAY
            yield event("contentBlockStop", {"contentBlockIndex": at})
        yield event("messageStop", {"stopReason": self.reason(said)})
        # What was used comes after the end.
        yield event("metadata", {"usage": self.usage(call, said), "metrics": {"latencyMs": 5}})

    def more(self, call):
        return event("contentBlockDelta", {"delta": {"text": "and on "}, "contentBlockIndex": 0})

    def failure(self):
        return eventstream.exception("modelStreamErrorException", json.dumps(
            {"message": "The model stream failed", "originalStatusCode": 424}).encode())

    def error(self, status, refused=None):
        names = {400: "ValidationException", 403: "AccessDeniedException", 404: "ResourceNotFoundException",
                 429: "ThrottlingException", 503: "ServiceUnavailableException"}
        message = str(refused) if refused else {429: "Too many requests, please wait before trying again."}.get(
            status, "The system encountered an unexpected error during processing. Try your request again.")
        return {"message": message}, [("x-amzn-errortype", names.get(status, "InternalServerException"))]


def event(name, value):
    """An event, with the padding that AWS adds against guesses by length."""
    return eventstream.event(name, json.dumps({**value, "p": "abcdefg"}, ensure_ascii=False).encode())
