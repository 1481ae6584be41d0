"""What an AWS account and its region have of what a stage needs, asked before a deployment. Nothing is changed.

Each check needs one or two permissions; where the caller lacks them, it says which, and the others go on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.stages.regions import REGIONS, lacking
from infra.stages.settings import Settings
from workflow.names import resource_name
from workflow.operator.cli.findings import Finding

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
LEAST_BOOTSTRAP = 6
"""What the templates' own rule asks for: `CheckBootstrapVersion`."""
LEFT_TO_OTHERS = 100
"""Of the concurrency: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"""
BUCKETS, ROLES = 8, 40
"""The most that a stage makes."""
FARGATE_VCPUS = 4
BUCKET_QUOTA, VPC_QUOTA, FARGATE_QUOTA = ("s3", "L-DC2B2D3D"), ("vpc", "L-F678F1CE"), ("fargate", "L-3032A538")
"""Of general purpose buckets, of VPCs, of vCPUs of Fargate on demand: service and code in Service Quotas."""
REFUSED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
ABSENT = frozenset({"ResourceNotFoundException", "NoSuchEntity", "EntityNotFoundException", "ParameterNotFound"})
USABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
RAISE = "Ask for more: Service Quotas in the AWS console."


@dataclass(frozen=True)
class Account:
    """An account in a region, as one that a stage is deployed to."""

    settings: Settings
    client: Callable[[str], Any]
    caller_arn: str
    region: str

    @property
    def partition(self) -> str:
        return self.caller_arn.split(":")[1]

    @property
    def number(self) -> str:
        return self.caller_arn.split(":")[4]

    def quota(self, service: str, code: str) -> float:
        found = self.client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)
        return found["Quota"]["Value"]

    def stack_status(self, name: str) -> str | None:
        """None where there is no such stack."""
        cloudformation = self.client("cloudformation")
        try:
            found = cloudformation.describe_stacks(StackName=resource_name(self.settings.stage, name))
        except ClientError as exc:
            if _code(exc) == "ValidationError":
                return None
            raise
        return found["Stacks"][0]["StackStatus"]


def examine(account: Account) -> list[Finding]:
    """In the order in which they would stop a deployment."""
    made = account.settings
    checks = [
        ("bootstrap", "ssm:GetParameter", _bootstrap),
        ("stacks", "cloudformation:DescribeStacks", _stacks),
        ("Lambda concurrency", "lambda:GetAccountSettings, lambda:GetFunctionConcurrency", _concurrency),
        ("buckets", "s3:ListAllMyBuckets, servicequotas:GetServiceQuota", _buckets),
        ("roles", "iam:GetAccountSummary", _roles),
        ("GitHub's identities", "iam:ListOpenIDConnectProviders", _github),
    ]
    if made.files.big_files:
        checks.append(("network", "ec2:DescribeVpcs, servicequotas:GetServiceQuota", _network))
        checks.append(("Fargate", "servicequotas:GetServiceQuota", _fargate))
    if made.security.permissions_boundary:
        checks.append(("permissions boundary", "iam:GetPolicy", _boundary))
    if made.ways_out.outcome_bus not in {"", "default"}:
        checks.append(("outcome bus", "cloudformation:DescribeStacks, events:DescribeEventBus", _bus))
    if made.storage.glue_database:
        checks.append(("Glue database", "cloudformation:DescribeStacks, glue:GetDatabase", _database))
    return [*_region(account), *(_asked(account, *check) for check in checks)]


def _asked(account: Account, check: str, permissions: str, look: Callable[[Account], Finding]) -> Finding:
    try:
        return look(account)
    except ClientError as exc:
        if _code(exc) in REFUSED:
            return Finding(check, None, "not allowed to look", f"To have it checked, allow {permissions}.")
        return Finding(check, None, str(exc), f"It needs {permissions}.")
    except BotoCoreError as exc:
        return Finding(check, None, str(exc), f"It needs {permissions}.")


def _code(exc: ClientError) -> str:
    return exc.response.get("Error", {}).get("Code", "")


def _region(account: Account) -> Iterator[Finding]:
    missing = list(lacking(account.settings, account.region))
    if missing:
        yield Finding("region", False, account.region, " ".join(missing))
    elif not any(account.region in regions for regions in REGIONS.values()):
        yield Finding("region", None, account.region, "Nothing is known of it: see docs/regions.md.")
    else:
        yield Finding("region", True, f"{account.region} has all that the stage asks for")


def _bootstrap(account: Account) -> Finding:
    advice = f"Run `sluice cdk bootstrap --stage {account.settings.stage}`."
    look = account.client("ssm").get_parameter
    found = _answer(lambda: look(Name=BOOTSTRAP_PARAMETER))
    if found is None:
        return Finding("bootstrap", False, f"nothing in {account.region}", advice)
    version = found["Parameter"]["Value"]
    return Finding("bootstrap", int(version) >= LEAST_BOOTSTRAP, f"version {version}", advice)


def _stacks(account: Account) -> Finding:
    found = {name: account.stack_status(name) for name in ("storage", "pipeline")}
    there = {name: status for name, status in found.items() if status}
    if not there:
        return Finding("stacks", True, f"none yet: `sluice deploy --stage {account.settings.stage}` makes them")
    stuck = [name for name, status in there.items() if status not in USABLE]
    told = ", ".join(f"{name} {status}" for name, status in there.items())
    advice = "CloudFormation updates no stack in this state: wait, or repair or delete it there."
    return Finding("stacks", not stuck, told, f"{', '.join(stuck)}: {advice}")


def _concurrency(account: Account) -> Finding:
    """What the stage has reserved already counts as its own."""
    limit = account.client("lambda").get_account_settings()["AccountLimit"]
    settings = account.settings.functions
    wanted = sum(settings.concurrency.values())
    own = sum(_reserved(account, function) for function in settings.concurrency)
    left = limit["UnreservedConcurrentExecutions"] + own - wanted
    warm: Mapping[str, int] = settings.provisioned_concurrency.functions if settings.provisioned_concurrency else {}
    unreserved = sum(count for function, count in warm.items() if function not in settings.concurrency)
    needed = max(LEFT_TO_OTHERS, unreserved) if wanted else unreserved
    told = f"{limit['ConcurrentExecutions']} in all; {wanted} to be reserved, which leaves {left} to all others"
    at_least = int(limit["ConcurrentExecutions"] + needed - left)
    advice = (
        f"Ask for at least {at_least} (Service Quotas, Lambda, Concurrent executions), or lower functions.concurrency."
    )
    return Finding("Lambda concurrency", left >= needed, told, advice)


def _reserved(account: Account, function: str) -> int:
    name = resource_name(account.settings.stage, function.replace("_", "-"))
    look = account.client("lambda").get_function_concurrency
    found = _answer(lambda: look(FunctionName=name))
    return found.get("ReservedConcurrentExecutions", 0) if found else 0


def _buckets(account: Account) -> Finding:
    used = len(account.client("s3").list_buckets()["Buckets"])
    return _room(account, "buckets", used, account.quota(*BUCKET_QUOTA), BUCKETS, "storage")


def _roles(account: Account) -> Finding:
    summary = account.client("iam").get_account_summary()["SummaryMap"]
    return _room(account, "roles", summary["Roles"], summary["RolesQuota"], ROLES, "pipeline")


def _network(account: Account) -> Finding:
    used = len(account.client("ec2").describe_vpcs()["Vpcs"])
    return _room(account, "network", used, account.quota(*VPC_QUOTA), 1, "pipeline")


def _room(account: Account, check: str, used: float, allowed: float, needed: int, stack: str) -> Finding:
    """A stage that is there has its own already."""
    to_make = 0 if account.stack_status(stack) else needed
    return Finding(check, used + to_make <= allowed, f"{used:g} of {allowed:g}; the stage adds {to_make}", RAISE)


def _fargate(account: Account) -> Finding:
    allowed = account.quota(*FARGATE_QUOTA)
    told = f"{allowed:g} vCPUs at once, which are {int(allowed // FARGATE_VCPUS)} big files"
    return Finding("Fargate", allowed >= FARGATE_VCPUS, told, RAISE)


def _boundary(account: Account) -> Finding:
    name = account.settings.security.permissions_boundary
    arn = f"arn:{account.partition}:iam::{account.number}:policy/{name}"
    advice = "Make this managed policy first, or leave security.permissions_boundary out."
    look = account.client("iam").get_policy
    return Finding("permissions boundary", _answer(lambda: look(PolicyArn=arn)) is not None, arn, advice)


def _bus(account: Account) -> Finding:
    name = account.settings.ways_out.outcome_bus
    look = account.client("events").describe_event_bus
    return _to_be_made(account, "outcome bus", name, lambda: look(Name=name))


def _database(account: Account) -> Finding:
    name = account.settings.storage.glue_database
    look = account.client("glue").get_database
    return _to_be_made(account, "Glue database", name, lambda: look(Name=name))


def _to_be_made(account: Account, check: str, name: str, look: Callable[[], Mapping[str, Any]]) -> Finding:
    """CloudFormation makes nothing that is there."""
    if account.stack_status("pipeline"):
        return Finding(check, True, f"{name} is the stage's own")
    taken = _answer(look) is not None
    advice = f"The stage makes it: choose another name than {name}, or remove that one."
    return Finding(check, not taken, f"{name} is {'taken' if taken else 'free'}", advice)


def _answer(look: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """None where there is nothing of that name."""
    try:
        return look()
    except ClientError as exc:
        if _code(exc) in ABSENT:
            return None
        raise


def _github(account: Account) -> Finding:
    found = account.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    arns = [each["Arn"] for each in found if "token.actions.githubusercontent.com" in each["Arn"]]
    told = (
        f"known: give infra.github -c provider={arns[0]}" if arns else "not known yet: infra.github makes the provider"
    )
    return Finding("GitHub's identities", True, told)
