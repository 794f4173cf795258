"""What the stand-in model says, whatever the vendor.

It calls every tool that is offered until there are results, tells what the tools said, gives a value of the schema that is
asked for, and otherwise says the user's words again. `refuse` in these words makes it refuse.
"""

import hashlib
import json
from dataclasses import dataclass, field


@dataclass
class Asked:
    """A request, as far as the answer depends on it."""

    #: The last thing the user said.
    text: str = ""
    #: What the tools said so far, in order.
    results: list = field(default_factory=list)
    #: Whether the last turn is a tool's.
    has_results: bool = False
    #: Name and parameters of each tool.
    tools: list = field(default_factory=list)
    #: `auto`, `none`, `any`, or a tool's name behind `=`.
    choice: str = "auto"
    #: Whether several calls may come at once.
    parallel: bool = True
    #: The schema of the answer.
    schema: dict = None
    #: Whether the answer is any JSON.
    json: bool = False
    #: Tokens of the answer at most; a token is a word.
    limit: int = None
    #: Whether thoughts are asked for.
    thinks: bool = False
    #: Texts that can be cited.
    sources: list = field(default_factory=list)


@dataclass
class Said:
    """An answer."""

    text: str = None
    refusal: str = None
    thought: str = None
    #: Name and arguments, as JSON text, of each call.
    calls: list = field(default_factory=list)
    #: `stop`, `tools`, `length` or `refusal`.
    end: str = "stop"
    #: Start, end and source of what is cited, in characters of the text.
    cites: list = field(default_factory=list)
    #: A number that no earlier answer of the conversation had, for ids of calls.
    turn: int = 0

    def words(self):
        """Its length in words, thoughts aside."""
        told = " ".join([self.text or "", self.refusal or "", *(f"{name} {text}" for name, text in self.calls)])
        return max(1, len(told.split()))

    def thought_words(self):
        """The length of the thoughts."""
        return len((self.thought or "").split())


THOUGHT = "Let me think: a naïve question, a fine answer."


def answer(asked):
    """What the model says."""
    thought = THOUGHT if asked.thinks else None
    tools = asked.tools
    if asked.choice.startswith("="):
        tools = [(name, schema) for name, schema in tools if name == asked.choice[1:]]
    if tools and asked.choice != "none" and not asked.has_results:
        calls = [(name, json.dumps(sample(schema, schema), ensure_ascii=False)) for name, schema in tools]
        return Said(
            thought=thought, calls=calls if asked.parallel else calls[:1], end="tools", turn=len(asked.results))
    if "refuse" in asked.text and not asked.has_results:
        return Said(refusal="I cannot help with that.", end="refusal")
    said = Said(thought=thought)
    if asked.schema is not None:
        said.text = json.dumps(sample(asked.schema, asked.schema), ensure_ascii=False)
    elif asked.json:
        said.text = '{"ok": true}'
    elif asked.has_results:
        said.text = "The tools said: " + "; ".join(asked.results)
    else:
        said.text = "You said: " + asked.text
    words = said.text.split(" ")
    if asked.limit is not None and len(words) > asked.limit:
        said.text, said.end = " ".join(words[:asked.limit]), "length"
    elif asked.sources and asked.schema is None:
        said.cites = [(0, len(said.text), at) for at in range(len(asked.sources))]
    return said


def sample(schema, root):
    """A value that a schema allows. Types may be in capitals, as one vendor writes them."""
    if "$ref" in schema:
        return sample(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return sample(schema[several][0], root)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    kind = (kind[0] if isinstance(kind, list) else kind or "object").lower()
    if kind == "object":
        return {name: sample(inner, root) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(schema["items"], root)]
    return {"string": "Zürich", "integer": 7, "number": 0.5, "boolean": True}.get(kind)


def pieces(text):
    """A text cut after each space, as tokens come."""
    return [piece for piece in text.replace(" ", " \0").split("\0") if piece]


def fragments(arguments):
    """Arguments in pieces that respect nothing."""
    return [arguments[start:start + 3] for start in range(0, len(arguments), 3)]


def seal(*what):
    """A signature, which only this vendor can make, of what it said."""
    return hashlib.sha256("\0".join(("seal", *what)).encode()).hexdigest()
