"""AWS::Lambda::Function: ReservedConcurrentExecutions and DeadLetterConfig, which the emulator leaves out."""

from infra.local.ministack import lambda_svc
from infra.local.patches.cloudformation.provisioning import Properties, after_provisioning, require


def install() -> None:
    after_provisioning("AWS::Lambda::Function", apply)


def apply(name: str, properties: Properties) -> None:
    reserved = properties.get("ReservedConcurrentExecutions")
    if reserved is None:
        require(lambda_svc._delete_function_concurrency(name))
    else:
        require(lambda_svc._put_function_concurrency(name, {"ReservedConcurrentExecutions": int(reserved)}))
    lambda_svc._functions[name]["config"]["DeadLetterConfig"] = properties.get("DeadLetterConfig") or {}
