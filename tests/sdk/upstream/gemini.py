"""Google's Gemini API: generateContent, its stream, countTokens.

Source: https://ai.google.dev/api/generate-content, /api/tokens, /api/caching (content, parts, tools, schema), and the guides on
function calling, thinking, thought signatures and structured output.
"""

import base64
import json
import re
import urllib.parse

import scene
from vendor import MIDWAY, Refused, Vendor, event, is_base64, number

PATH = re.compile(r"/v1beta/models/([^/:]+):(generateContent|streamGenerateContent|countTokens)(\?.*)?\Z")
KNOWN = set("contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent serviceTier store "
            "model".split())
CONFIG = set(
    "stopSequences responseMimeType responseSchema responseJsonSchema responseModalities candidateCount maxOutputTokens "
    "temperature topP topK seed presencePenalty frequencyPenalty responseLogprobs logprobs speechConfig thinkingConfig "
    "imageConfig mediaResolution enableEnhancedCivicAnswers".split()
)
PART = set("text thought thoughtSignature inlineData fileData functionCall functionResponse executableCode "
           "codeExecutionResult videoMetadata mediaResolution partMetadata toolCall toolResponse".split())
DATA = {"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
        "toolCall", "toolResponse"}
TOOL = set("functionDeclarations googleSearch googleSearchRetrieval codeExecution urlContext computerUse fileSearch "
           "googleMaps mcpServers".split())
DECLARATION = set("name description parameters parametersJsonSchema response responseJsonSchema behavior".split())
# Its own schema, a subset of OpenAPI 3.0's; what is not here is refused.
SCHEMA = set(
    "type format title description nullable enum maxItems minItems properties required minProperties maxProperties "
    "minLength maxLength pattern example anyOf propertyOrdering default items minimum maximum".split()
)
#: Fields whose inside has the caller's own names.
FREE = {"args", "response", "parametersJsonSchema", "responseJsonSchema", "labels", "default", "example", "enum"}
TYPES = {"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"}
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}\Z")
STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
          429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


def camel(name):
    """A field's name as the reference has it."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def normal(value, is_map=False):
    """A request under the names of the reference: the API's parser takes `snake_case` as well, and SDKs send it. What is
    free in form stays, but for the schemas behind `properties`."""
    if isinstance(value, list):
        return [normal(item) for item in value]
    if not isinstance(value, dict):
        return value
    if is_map:
        return {name: normal(inner) for name, inner in value.items()}
    named = {camel(name): inner for name, inner in value.items()}
    return {name: inner if name in FREE else normal(inner, name == "properties") for name, inner in named.items()}


def unknown(name, where):
    """A field that the API's parser does not know."""
    return Refused(f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field.")


def known(value, names, where):
    """Refuses an object with a field that nobody knows."""
    if not isinstance(value, dict):
        raise Refused(f"Invalid value at '{where}'")
    for name in value:
        if name not in names:
            raise unknown(name, where)


def check(request, needs_signatures):
    """Refuses what the vendor would refuse."""
    known(request, KNOWN, "")
    contents = request.get("contents")
    if not isinstance(contents, list) or not contents:
        raise Refused("* GenerateContentRequest.contents: contents is not specified")
    if "systemInstruction" in request:
        known(request["systemInstruction"], {"parts", "role"}, "system_instruction")
        if not all(part.get("text") for part in request["systemInstruction"].get("parts") or [{}]):
            raise Refused("* GenerateContentRequest.system_instruction.parts: must hold text")
    check_contents(contents, needs_signatures)
    check_tools(request)
    config = request.get("generationConfig") or {}
    known(config, CONFIG, "generation_config")
    number(config.get("temperature"), 0, 2, Refused(
        "* GenerateContentRequest.generation_config.temperature: must be in the range [0.0, 2.0]"))
    if len(config.get("stopSequences") or ()) > 5:
        raise Refused("* GenerateContentRequest.generation_config.stop_sequences: at most 5")
    if config.get("logprobs") is not None and not config.get("responseLogprobs"):
        raise Refused("logprobs can only be set when response_logprobs is true")
    known(config.get("thinkingConfig") or {}, {"includeThoughts", "thinkingBudget", "thinkingLevel"}, "thinking_config")
    thinking = config.get("thinkingConfig") or {}
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        raise Refused("You can only set only one of thinking budget and thinking level.")
    given = [name for name in ("responseSchema", "responseJsonSchema") if config.get(name) is not None]
    if given and config.get("responseMimeType") not in ("application/json", "text/x.enum"):
        raise Refused("* GenerateContentRequest.generation_config.response_mime_type: response schemas need "
                      "application/json")
    if len(given) == 2:
        raise Refused("Only one of response_schema and response_json_schema may be set.")
    if "responseSchema" in given:
        check_schema(config["responseSchema"], "generation_config.response_schema")
    if "responseJsonSchema" in given:
        check_json_schema(config["responseJsonSchema"], "generation_config.response_json_schema")


def check_contents(contents, needs_signatures):
    """Roles, parts, calls with their results, and the signatures of the turn."""
    question = max((at for at, content in enumerate(contents) if is_question(content)), default=-1)
    calls = []
    for at, content in enumerate(contents):
        where = f"contents[{at}]"
        known(content, {"role", "parts"}, where)
        if content.get("role", "user") not in ("user", "model"):
            raise Refused("Please use a valid role: user, model.")
        parts = content.get("parts") or []
        if not parts:
            raise Refused(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.")
        for part_at, part in enumerate(parts):
            check_part(part, f"{where}.parts[{part_at}]")
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        made = [part for part in parts if "functionCall" in part]
        if made and content.get("role") != "model":
            raise Refused("Please ensure that function call turn comes from the model.")
        if made and at == 0:
            raise Refused("Please ensure that function call turn comes immediately after a user turn or after a function "
                          "response turn.")
        if (calls or results) and len(calls) != len(results):
            raise Refused("Please ensure that the number of function response parts is equal to the number of function "
                          "call parts of the function call turn.")
        if not fits(calls, results):
            raise Refused("Please ensure that function response turn comes immediately after a function call turn, and "
                          "that its names are those of the calls.")
        calls = [part["functionCall"] for part in made]
        # Only the first of several calls of one answer is signed.
        if needs_signatures and made and at > question and not made[0].get("thoughtSignature"):
            raise Refused(f"Function call is missing a thought_signature in functionCall parts. Additional data, function "
                          f"call `{made[0]['functionCall']['name']}`, position {at}.")
        for part in parts:
            signature = part.get("thoughtSignature")
            if signature and "functionCall" in part and signature != sign(part["functionCall"]["name"]):
                raise Refused("Corrupted thought signature.")
    if calls:
        raise Refused("Please ensure that single turn requests end with a user role or the role field is empty.")


def fits(calls, results):
    """Whether results are those of the calls: by name, and by id where a result has one."""
    ids = {call.get("id") for call in calls}
    names = [sorted(one["name"] for one in several) for several in (calls, results)]
    return names[0] == names[1] and all(one.get("id") in ids for one in results if one.get("id"))


def is_question(content):
    """Whether the user's turn begins a new loop of tools."""
    return content.get("role", "user") == "user" and not any("functionResponse" in p for p in content.get("parts") or ())


def check_part(part, where):
    """One part: exactly one kind of data."""
    known(part, PART, where)
    data = DATA & set(part)
    if len(data) != 1:
        raise Refused(f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one initialized field")
    if "functionCall" in part:
        known(part["functionCall"], {"id", "name", "args"}, f"{where}.function_call")
        if not isinstance(part["functionCall"].get("args", {}), dict):
            raise Refused(f"Invalid value at '{where}.function_call.args'")
    if "functionResponse" in part:
        known(part["functionResponse"], {"id", "name", "response", "parts", "willContinue", "scheduling"},
              f"{where}.function_response")
        if not isinstance(part["functionResponse"].get("response"), dict):
            raise Refused(f"Invalid value at '{where}.function_response.response'")
    if "inlineData" in part:
        known(part["inlineData"], {"mimeType", "data"}, f"{where}.inline_data")
        # Both alphabets of base64 are read.
        if not is_base64(part["inlineData"]["data"].replace("-", "+").replace("_", "/")):
            raise Refused(f"Invalid value at '{where}.inline_data.data' (TYPE_BYTES), Base64 decoding failed")


def check_tools(request):
    """Declarations and the choice among them."""
    names = set()
    for at, tool in enumerate(request.get("tools") or ()):
        known(tool, TOOL, f"tools[{at}]")
        for number, declared in enumerate(tool.get("functionDeclarations") or ()):
            where = f"tools[{at}].function_declarations[{number}]"
            known(declared, DECLARATION, where)
            if not NAME.match(declared.get("name", "")):
                raise Refused(f"* GenerateContentRequest.{where}.name: Invalid function name.")
            if declared["name"] in names:
                raise Refused(f"Duplicate function declaration found: {declared['name']}")
            names.add(declared["name"])
            if "parameters" in declared and "parametersJsonSchema" in declared:
                raise Refused(f"* GenerateContentRequest.{where}: only one of parameters and parameters_json_schema")
            if "parameters" in declared:
                check_schema(declared["parameters"], f"{where}.parameters")
                if declared["parameters"].get("type") == "OBJECT" and not declared["parameters"].get("properties"):
                    raise Refused(f"* GenerateContentRequest.{where}.parameters.properties: should be non-empty for OBJECT "
                                  "type")
            if "parametersJsonSchema" in declared:
                check_json_schema(declared["parametersJsonSchema"], f"{where}.parameters_json_schema")
    config = request.get("toolConfig")
    if config is None:
        return
    known(config, {"functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"}, "tool_config")
    calling = config.get("functionCallingConfig") or {}
    known(calling, {"mode", "allowedFunctionNames"}, "tool_config.function_calling_config")
    if calling.get("mode", "AUTO") not in ("AUTO", "ANY", "NONE", "VALIDATED"):
        raise Refused("Invalid value at 'tool_config.function_calling_config.mode'")
    allowed = calling.get("allowedFunctionNames")
    if allowed and calling.get("mode") not in ("ANY", "VALIDATED"):
        raise Refused("Please set allowed_function_names only when function calling mode is ANY.")
    if set(allowed or ()) - names:
        raise Refused("allowed_function_names should be a subset of the declared functions.")


def check_schema(schema, where):
    """The API's own schema."""
    known(schema, SCHEMA, where)
    if "type" not in schema and "anyOf" not in schema:
        raise Refused(f"* GenerateContentRequest.{where}.type: must be specified")
    if "type" in schema and str(schema["type"]).upper() not in TYPES:
        raise Refused(f"Invalid value at '{where}.type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), "
                      f"{json.dumps(schema['type'])}")
    kind = str(schema.get("type", "")).upper()
    if "enum" in schema and (kind != "STRING" or not all(isinstance(value, str) for value in schema["enum"])):
        raise Refused(f"* GenerateContentRequest.{where}.enum: only allowed for STRING type")
    if kind == "ARRAY" and "items" not in schema:
        raise Refused(f"* GenerateContentRequest.{where}.items: missing field.")
    if kind == "STRING" and schema.get("format") not in (None, "enum", "date-time"):
        raise Refused(f"* GenerateContentRequest.{where}.format: only 'enum' and 'date-time' are supported for STRING type")
    for name in schema.get("required") or ():
        if name not in schema.get("properties", {}):
            raise Refused(f"* GenerateContentRequest.{where}.required: property is not defined: {name}")
    for name, inner in (schema.get("properties") or {}).items():
        check_schema(inner, f"{where}.properties.{name}")
    for inner in [*([schema["items"]] if "items" in schema else []), *schema.get("anyOf", [])]:
        check_schema(inner, where)


def check_json_schema(schema, where):
    """JSON Schema. Keywords that the API does not know are ignored, but a reference stands alone."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema and set(schema) - {"$ref"} and any(not name.startswith("$") for name in schema):
        raise Refused(f"{where}: a sub-schema with $ref may hold nothing but names that begin with $")
    for inner in [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(),
                  *([schema["items"]] if "items" in schema else []), *schema.get("anyOf", []), *schema.get("oneOf", [])]:
        check_json_schema(inner, where)


def sign(name):
    """The signature of a call."""
    return base64.b64encode(scene.seal("gemini", name).encode()).decode()


def result_text(response):
    """What a tool said."""
    said = response.get("output", response.get("result", response.get("error", response)))
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)


def asked(request):
    """What the answer depends on."""
    parts = [part for content in request["contents"] for part in content["parts"]]
    last = request["contents"][-1]["parts"]
    config = request.get("generationConfig") or {}
    calling = (request.get("toolConfig") or {}).get("functionCallingConfig") or {}
    allowed = calling.get("allowedFunctionNames") or ()
    declared = [declared for tool in request.get("tools") or () for declared in tool.get("functionDeclarations") or ()]
    schema = config.get("responseSchema") or config.get("responseJsonSchema")
    return scene.Asked(
        text="".join(part.get("text", "") for part in last),
        results=[result_text(part["functionResponse"]["response"]) for part in parts if "functionResponse" in part],
        has_results=any("functionResponse" in part for part in last),
        tools=[(one["name"], one.get("parametersJsonSchema") or one.get("parameters") or {"type": "object"})
               for one in declared if not allowed or one["name"] in allowed],
        choice={"ANY": "any", "NONE": "none"}.get(calling.get("mode"), "auto"),
        schema=schema, json=not schema and config.get("responseMimeType") == "application/json",
        limit=config.get("maxOutputTokens"),
        thinks=bool((config.get("thinkingConfig") or {}).get("includeThoughts")),
    )


class Gemini(Vendor):
    """generateContent and its family."""

    models = ("gemini-2.5-flash", "gemini-3-pro-preview")

    def claims(self, path):
        return PATH.match(path) is not None

    def admit(self, call):
        if call.headers.get("x-goog-api-key") != call.key:
            raise Refused("API key not valid. Please pass a valid API key.")
        model, method, query = PATH.match(call.path).groups()
        call.model = urllib.parse.unquote(model)
        call.streams = method == "streamGenerateContent"
        if call.streams and "alt=sse" not in (query or ""):
            raise Refused("This stand-in streams events only: alt=sse")
        call.read()
        # What tests see is what came.
        call.request = normal(call.request)

    def check(self, call):
        # Models before the third generation sign their calls as well, and do not insist.
        needs_signatures = call.model != "gemini-2.5-flash"
        if "countTokens" not in call.path:
            return check(call.request, needs_signatures)
        known(call.request, {"contents", "generateContentRequest"}, "")
        inner = call.request.get("generateContentRequest")
        if inner is None:
            return check({"contents": call.request.get("contents")}, needs_signatures)
        if "contents" in call.request:
            raise Refused("generate_content_request and contents are mutually exclusive")
        if inner.get("model") != f"models/{call.model}":
            raise Refused("* CountTokensRequest.generate_content_request.model: must be the model that is asked")
        return check(inner, needs_signatures)

    def usage(self, call, said):
        """Thoughts are counted beside the candidates, not in them."""
        prompt = len(words(call.request))
        call.seen["usage"] = {"input": prompt, "cached": 2, "written": 0,
                              "output": said.words() + said.thought_words(), "reasoning": said.thought_words()}
        value = {"promptTokenCount": prompt, "candidatesTokenCount": said.words(),
                 "totalTokenCount": prompt + said.words() + said.thought_words(), "cachedContentTokenCount": 2,
                 "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}]}
        return {**value, "thoughtsTokenCount": said.thought_words()} if said.thought else value

    def frame(self, call, parts, end=None, usage=None):
        """One answer, or one piece of a stream."""
        candidate = {"content": {"parts": parts, "role": "model"} if parts else {"role": "model"}, "index": 0}
        if end:
            candidate["finishReason"] = {"length": "MAX_TOKENS", "refusal": "SAFETY"}.get(end, "STOP")
        value = {"candidates": [candidate], "modelVersion": call.model, "responseId": "suite-response"}
        return {**value, "usageMetadata": usage} if usage else value

    @staticmethod
    def parts(call, said):
        """The parts of an answer. Only the first call is signed; newer models name calls. What is refused has no text."""
        if said.thought is not None:
            yield {"text": said.thought, "thought": True}
        if said.text is not None:
            yield {"text": said.text}
        for at, (name, arguments) in enumerate(said.calls):
            made = {"name": name, "args": json.loads(arguments)}
            part = {"functionCall": made if call.model == "gemini-2.5-flash" else {"id": f"fc{said.turn}{at}suite", **made}}
            yield {**part, "thoughtSignature": sign(name)} if at == 0 else part

    def whole(self, call):
        if "countTokens" in call.path:
            inner = call.request.get("generateContentRequest") or call.request
            count = len(words(inner))
            return {"totalTokens": count, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": count}]}
        said = scene.answer(asked(call.request))
        return self.frame(call, list(self.parts(call, said)), said.end, self.usage(call, said))

    def stream(self, call):
        said = scene.answer(asked(call.request))
        usage = self.usage(call, said)
        early = {name: usage[name] for name in ("promptTokenCount", "totalTokenCount")}
        is_early = True
        for part in self.parts(call, said):
            for count, piece in enumerate(scene.pieces(part["text"]) if "text" in part else [None]):
                shown = part if piece is None else {**part, "text": piece}
                yield event(self.frame(call, [shown], usage=early))
                if count == 1 and is_early:
                    is_early = False
                    yield MIDWAY
        # The end comes alone, with an empty text, and with all that was used.
        yield event(self.frame(call, [{"text": ""}] if said.text else [], said.end, usage))

    def more(self, call):
        return event(self.frame(call, [{"text": "and on "}]))

    def failure(self):
        return event(self.error(503)[0])

    def error(self, status, refused=None):
        message = str(refused) if refused else {429: "Resource has been exhausted (e.g. check quota).",
                                                503: "The model is overloaded."}.get(status, "Internal error encountered.")
        return {"error": {"code": status, "message": message, "status": STATUS.get(status, "INTERNAL")}}, ()


def words(request):
    """Every word of a conversation, each a token."""
    return json.dumps([request.get("systemInstruction"), request.get("contents")], ensure_ascii=False).split()
