"""The JSON schema of stages.toml, by which editors complete names, show what they mean, and mark mistakes.

What no schema can say is checked when the file is read.
"""

import inspect
import json
from typing import Any

import msgspec

from infra.stages.read import STAGE_NAME
from infra.stages.settings import Settings

NAME = "stages.schema.json"


def schema() -> dict[str, Any]:
    """Of a file whose tables are stages."""
    (stage,), definitions = msgspec.json.schema_components([Settings])
    for each in definitions.values():
        each["description"] = inspect.cleandoc(each["description"])  # which Python does itself from 3.13 on
    properties = definitions["Settings"]["properties"]
    del properties["stage"]
    definitions["Settings"] |= {
        "properties": {topic: {"$ref": found["$ref"]} for topic, found in properties.items()},
        "required": [],
        "additionalProperties": False,
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "The stages of Sluice",
        "type": "object",
        "patternProperties": {f"^{STAGE_NAME.pattern}$": stage},
        "additionalProperties": False,
        "$defs": definitions,
    }


def text() -> str:
    """As it is written."""
    return json.dumps(schema(), indent=2) + "\n"
