"""A pretend model's wish to run a tool: which one, and arguments made from its schema."""

import json
import random
import re
from typing import Any

from sandbox.runtime import replies, skills, tokens
from sandbox.runtime.models.prompt import Prompt, Tool
from sandbox.runtime.replies import Said

STOP_REASON = "tool_use"


def wish(model_id: str, asked: Prompt) -> Said | None:
    """Return the tool call a model answers with; None when it would rather talk.

    It calls what it must (toolChoice any or a name), or the tool whose name the question holds. A
    model that is not up to the question forgets a needed argument.
    """
    tool = _chosen(asked)
    if tool is None:
        return None
    chance = replies.dice("tool", model_id, asked.text)
    arguments = _arguments(tool.schema, asked.question, chance)
    if arguments and skills.lapse(model_id, asked.question, chance) is not None:
        arguments.pop(sorted(arguments)[0])
    call_id = f"tooluse_{chance.getrandbits(88):022x}"
    used = {"toolUseId": call_id, "name": tool.name, "input": arguments}
    return Said("", max(1, tokens.count(json.dumps(used))), STOP_REASON, used)


def _chosen(asked: Prompt) -> Tool | None:
    named = [tool for tool in asked.tools if tool.name == asked.tool_choice]
    if named or asked.tool_choice == "any":
        return (named or list(asked.tools))[0]
    said = set(re.findall(r"[a-z]+", asked.question.lower()))
    for tool in asked.tools:
        if set(re.findall(r"[a-z]+", tool.name.lower())) <= said:
            return tool
    return None


def _arguments(schema: dict[str, Any], question: str, chance: random.Random) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    wanted = schema.get("required") or list(properties)
    return {name: _value(properties.get(name) or {}, question, chance) for name in wanted}


def _value(schema: dict[str, Any], question: str, chance: random.Random) -> Any:
    if choices := schema.get("enum"):
        said = [each for each in choices if str(each).lower() in question.lower()]
        return (said or choices)[0]
    numbers = re.findall(r"\d{1,9}", question)
    match schema.get("type"):
        case "integer" | "number":
            return int(numbers[0]) if numbers else 1
        case "boolean":
            return True
        case "array":
            return []
        case "object":
            return {}
        case _:
            words = re.findall(r"[A-Za-z0-9-]{4,20}", question)
            return chance.choice(words) if words else "unknown"
