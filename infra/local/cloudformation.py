"""CloudFormation's stacks as one call: create or update, wait, and say why where it fails."""

import time
from itertools import takewhile
from typing import Any

from botocore.exceptions import ClientError

POLL_SECONDS = 0.02
TIMEOUT_SECONDS = 120.0


class DeploymentError(Exception):
    """CloudFormation could not create or update a stack; the message has the reasons that it gave."""


class Stacks:
    """The stacks behind a boto3 CloudFormation client."""

    def __init__(self, cloudformation: Any) -> None:
        self._cloudformation = cloudformation

    def apply(self, name: str, template_url: str, parameters: dict[str, str]) -> bool:
        """Bring the stack to its template and parameters. False where it was like that already."""
        request = {
            "StackName": name,
            "TemplateURL": template_url,
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        status = self._settled(name)
        if status == "ROLLBACK_COMPLETE":
            self._remove_remains(name)
        if status in {None, "ROLLBACK_COMPLETE"}:
            self._cloudformation.create_stack(**request)
        elif not self._update(request):
            return False
        self._require_success(name)
        return True

    def outputs(self, name: str) -> dict[str, str]:
        """What the stack publishes for people and programs; exports are for other stacks."""
        outputs = (self._describe(name) or {}).get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in outputs if "ExportName" not in output}

    def _update(self, request: dict[str, Any]) -> bool:
        try:
            self._cloudformation.update_stack(**request)
        except ClientError as exc:
            if "No updates are to be performed" in str(exc):
                return False
            raise
        return True

    def _remove_remains(self, name: str) -> None:
        """A stack whose creation failed can only be deleted."""
        self._cloudformation.delete_stack(StackName=name)
        self._settled(name)

    def _require_success(self, name: str) -> None:
        status = self._settled(name)
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise DeploymentError(f"Stack {name} ended as {status}:\n{self._reasons(name)}")

    def _settled(self, name: str) -> str | None:
        """The stack's status once nothing is in progress; None without such a stack."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            stack = self._describe(name)
            if stack is None:
                return None
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return stack["StackStatus"]
            time.sleep(POLL_SECONDS)
        raise DeploymentError(f"Stack {name} was still in progress after {TIMEOUT_SECONDS:g} s.")

    def _describe(self, name: str) -> dict[str, Any] | None:
        try:
            return self._cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as exc:
            if "does not exist" in str(exc):
                return None
            raise

    def _reasons(self, name: str) -> str:
        """The failures since the stack's latest operation began; events come newest first."""
        events = self._cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        latest = takewhile(lambda event: not _begins_operation(event, name), events)
        failures = [event for event in latest if event["ResourceStatus"].endswith("_FAILED")]
        return "\n".join(
            f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason')}"
            for event in reversed(failures)
        )


def _begins_operation(event: dict[str, Any], stack_name: str) -> bool:
    starts = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}
    return event["LogicalResourceId"] == stack_name and event["ResourceStatus"] in starts
