"""What several suites send: tools, schemas, files."""

from typing import Optional

from pydantic import BaseModel

#: A tool with an argument, and one with none. `parameters` is a JSON Schema.
WEATHER = {
    "name": "weather", "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CLOCK = {"name": "clock", "description": "The time.", "parameters": {"type": "object", "properties": {}}}

#: The least picture, as base64 of a PNG.
PIXEL = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


class Step(BaseModel):
    """A part of a solution."""

    explanation: str
    output: str


class Solution(BaseModel):
    """A nested schema with a field that may be null."""

    steps: list[Step]
    answer: int
    note: Optional[str]


def in_chat(tool):
    """A tool as Chat Completions has it."""
    return {"type": "function", "function": tool}


def in_responses(tool):
    """A tool as Responses has it. Without `strict`, the API would close the schema."""
    return {"type": "function", "strict": False, **tool}


def in_messages(tool):
    """A tool as Anthropic has it."""
    return {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]}
