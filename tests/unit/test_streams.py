"""What a command prints is for programs: no log line and no metric of the work that it does itself comes between."""

import os
import subprocess
import sys

import pytest

WORK = """
from tasks.shared.observe import count, logger
for _ in range(250):
    count("ExecutionsFailed")
logger.error("execution failed")
"""


@pytest.mark.parametrize("on_lambda", [False, True])
def test_log_goes_where_it_is_read(on_lambda):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "POWERTOOLS_"))}
    environment |= {"AWS_LAMBDA_FUNCTION_NAME": "record_failure"} if on_lambda else {}
    done = subprocess.run([sys.executable, "-c", WORK], env=environment, capture_output=True, text=True, check=True)
    assert ("execution failed" in done.stdout, "execution failed" in done.stderr) == (on_lambda, not on_lambda)
    assert "ExecutionsFailed" not in done.stdout + done.stderr
