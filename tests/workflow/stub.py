"""The function behind every task in these tests: answers as the mock configuration says, attempt by attempt.

Deployed as it is, so it imports nothing of the project. An execution's name begins with its case's name.
"""

import json
import os
from pathlib import Path
from typing import Any


def handle(event: dict[str, Any], context: Any) -> Any:
    """Runs as a function that is named after its state."""
    config = json.loads(Path(os.environ["MOCK_CONFIG"]).read_text())
    response = respond(config, context.function_name, event["run"]["name"], Path(os.environ["ATTEMPTS"]))
    if "Throw" in response:
        raise type(response["Throw"]["Error"], (Exception,), {})(json.loads(response["Throw"]["Cause"])["errorMessage"])
    return response["Return"]["Payload"]


def respond(config: dict[str, Any], state: str, execution: str, attempts: Path) -> dict[str, Any]:
    """The response to the next attempt of `state` in `execution`; attempts are counted in files below `attempts`."""
    (machine,) = config["StateMachines"].values()
    name = machine["TestCases"][execution.partition("-")[0]][state]
    with (attempts / f"{execution}.{state}").open("ab") as counter:
        attempt = counter.tell()
        counter.write(b".")
    return next(response for key, response in config["MockedResponses"][name].items() if attempt in attempts_of(key))


def attempts_of(key: str) -> range:
    """The attempts that "3" or "0-2" stands for."""
    first, _, last = key.partition("-")
    return range(int(first), int(last or first) + 1)
