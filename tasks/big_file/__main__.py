"""What the container runs, `python -m tasks.big_file`: Transform's own work, with a container's memory, disk and time.

The state machine names the asset and the execution in the environment, and asks Transform for the outcome afterwards.
"""

import os
import signal

import msgspec

from tasks.shared.observe import logger, working_for
from tasks.shared.outcomes import Outcome
from tasks.transform.handler import outcomes, transformed
from workflow.errors import RejectedError, ResultNotProven
from workflow.limits import BIG_FILE
from workflow.shapes import Asset, Run, parse


def main() -> None:
    """Ends with 0 once there is an outcome, good or bad; with anything else Step Functions tries again."""
    signal.alarm(BIG_FILE.timeout_seconds)
    asset = parse(msgspec.json.decode(os.environ["ASSET"]), Asset)
    run = Run(arn=os.environ["EXECUTION_ARN"], name=os.environ["EXECUTION"], started=os.environ["STARTED"])
    working_for(run, asset.id)
    outcomes.write(asset.id, run.name, outcome_of(asset))


def outcome_of(asset: Asset) -> Outcome:
    try:
        made = transformed(asset)
    except (RejectedError, ResultNotProven) as exc:
        logger.warning("stopped", extra={"error": type(exc).__name__, "reason": str(exc)})
        return Outcome(code=type(exc).__name__, message=str(exc))
    logger.info("done", extra={"task": "transform"})
    return Outcome(made=made)


if __name__ == "__main__":
    main()
