"""What lets GitHub Actions deploy: a stack for the account, with roles that only one repository's environments get.

    cdk deploy --app "python -m infra.github" -c repository=OWNER/NAME -c stages=dev,staging

An account that knows GitHub already has its provider named: -c provider=ARN.
GitHub's token for a job says in which environment it runs; no key of AWS's is ever stored.
"""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import re
from collections.abc import Iterable, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.app import make_app
from infra.functions.permissions import allow
from infra.security import nag_rules
from infra.security.encryption import DECRYPT, GENERATE
from infra.stages.read import SettingsError
from infra.stages.settings import Settings
from infra.stages.stages import settings_of
from workflow.names import resource_name

STACK = "sluice-github"
ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
LOOK = ("lookup",)
DEPLOY = ("deploy", "file-publishing", "image-publishing", "lookup")
"""Of the roles that `cdk bootstrap` makes: what the CDK's CLI assumes to compare, and what it assumes to deploy."""
ALIAS_ACTIONS = ("DescribeStateMachineAlias", "UpdateStateMachineAlias", "ListStateMachineVersions", "ListExecutions")
"""IAM looks at the state machine's own ARN for all of them."""
SMOKE_PREFIX = "smoke/"


class GitHub(cdk.Stack):
    """The stack `sluice-github`: once in an account, GitHub as a provider of identities, and three roles a stage."""

    def __init__(self, scope: Construct, repository: str, stages: Iterable[str], provider: str | None = None) -> None:
        if not REPOSITORY.fullmatch(repository):
            raise SettingsError(f"-c repository must be OWNER/NAME, not {repository!r}: a wildcard would let others in")
        super().__init__(scope, STACK, stack_name=STACK)
        self._repository = repository
        self._provider = provider or self._make_provider()
        for settings in map(settings_of, stages):
            stage = settings.stage
            self._role(stage, "diff", f"{stage}-diff", [self._assume(LOOK)])
            self._role(stage, "deploy", stage, [self._assume(DEPLOY)])
            self._role(stage, "try", stage, [*self._try(stage), *self._encrypt_uploads(settings)])

    def _make_provider(self) -> str:
        provider = iam.OidcProviderNative(self, "Provider", url=f"https://{ISSUER}", client_ids=[AUDIENCE])
        return provider.oidc_provider_arn

    def _role(self, stage: str, does: str, environment: str, statements: Sequence[iam.PolicyStatement]) -> None:
        """A role that a job gets which runs in the repository's `environment`, whatever its branch or workflow."""
        subject = f"repo:{self._repository}:environment:{environment}"
        name = resource_name(stage, does)
        role = iam.Role(
            self,
            f"{stage.capitalize()}{does.capitalize()}",
            role_name=name,
            max_session_duration=cdk.Duration.hours(2),
            assumed_by=iam.WebIdentityPrincipal(
                self._provider, {"StringEquals": {f"{ISSUER}:sub": subject, f"{ISSUER}:aud": AUDIENCE}}
            ),
        )
        for statement in statements:
            role.add_to_policy(statement)
            nag_rules.acknowledge_open_ends(role, statement.resources)

    def _assume(self, bootstrapped: Iterable[str]) -> iam.PolicyStatement:
        qualifier = cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
        names = (f"cdk-{qualifier}-{each}-role-{self.account}-{self.region}" for each in bootstrapped)
        return allow(["sts:AssumeRole"], *(self._arn("iam", "role", name, region="") for name in names))

    def _try(self, stage: str) -> list[iam.PolicyStatement]:
        """To upload a sample and see what becomes of it, and to give new executions back to the version before."""
        machine = self._arn("states", "stateMachine", resource_name(stage, "ingest"), separator=":")
        bucket = self._arn("s3", resource_name(stage, "storage-ingest*"), SMOKE_PREFIX + "*", region="", account="")
        return [
            allow(["cloudformation:DescribeStacks"], self._arn("cloudformation", "stack", resource_name(stage, "*"))),
            allow(["s3:PutObject"], bucket),
            allow(["dynamodb:BatchGetItem"], self._arn("dynamodb", "table", resource_name(stage, "storage-*"))),
            allow(
                ["states:DescribeExecution"],
                self._arn("states", "execution", resource_name(stage, "ingest:*"), separator=":"),
            ),
            allow([f"states:{action}" for action in ALIAS_ACTIONS], machine),
        ]

    def _encrypt_uploads(self, settings: Settings) -> list[iam.PolicyStatement]:
        """Through S3, for the stage's ingest bucket: S3 asks KMS in the name of who uploads."""
        if not settings.security.customer_key:
            return []
        bucket = self.format_arn(
            service="s3",
            resource=resource_name(settings.stage, "storage-ingest*"),
            region="",
            account="",
        )
        statement = allow([DECRYPT, GENERATE], self._arn("kms", "key", "*"))
        statement.add_condition("StringEquals", {"kms:ViaService": f"s3.{self.region}.amazonaws.com"})
        statement.add_condition("ArnLike", {"kms:EncryptionContext:aws:s3:arn": bucket})
        return [statement]

    def _arn(self, service: str, resource: str, name: str, *, separator: str = "/", **where: str) -> str:
        return self.format_arn(
            service=service,
            resource=resource,
            resource_name=name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME if separator == ":" else cdk.ArnFormat.SLASH_RESOURCE_NAME,
            **where,
        )


def main() -> None:
    app = make_app()
    stages, repository, provider = map(app.node.try_get_context, ("stages", "repository", "provider"))
    GitHub(app, repository or "", (stages or "dev").split(","), provider)
    app.synth()


if __name__ == "__main__":
    main()
