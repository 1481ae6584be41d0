"""The emulator's own modules, for the patches: they replace private, untyped names in them, hence `Any`."""

import os
from importlib import import_module
from typing import Any

# Patched, S3 must not look for its objects in files as it is imported by any service: `durable.objects` has them.
_S3_PERSIST = os.environ.get("S3_PERSIST", "0")
if os.environ.get("SLUICE_STOCK_AWS") != "1":
    os.environ["S3_PERSIST"] = "0"

app: Any = import_module("ministack.app")
cloudformation: Any = import_module("ministack.services.cloudformation")
cloudwatch: Any = import_module("ministack.services.cloudwatch")
cloudwatch_logs: Any = import_module("ministack.services.cloudwatch_logs")
dynamodb: Any = import_module("ministack.services.dynamodb")
eventbridge: Any = import_module("ministack.services.eventbridge")
iam_actions: Any = import_module("ministack.core.iam_actions")
iam_evaluator: Any = import_module("ministack.core.iam_evaluator")
lambda_runtime: Any = import_module("ministack.core.lambda_runtime")
lambda_svc: Any = import_module("ministack.services.lambda_svc")
persistence: Any = import_module("ministack.core.persistence")
provisioners: Any = import_module("ministack.services.cloudformation.provisioners")
responses: Any = import_module("ministack.core.responses")
router: Any = import_module("ministack.core.router")
s3: Any = import_module("ministack.services.s3")
secretsmanager: Any = import_module("ministack.services.secretsmanager")
sigv4: Any = import_module("ministack.core.sigv4")
sns: Any = import_module("ministack.services.sns")
sqs: Any = import_module("ministack.services.sqs")
stacks: Any = import_module("ministack.services.cloudformation.stacks")
stepfunctions: Any = import_module("ministack.services.stepfunctions")
sts: Any = import_module("ministack.services.sts")

os.environ["S3_PERSIST"] = _S3_PERSIST
s3.S3_PERSIST = _S3_PERSIST == "1"
