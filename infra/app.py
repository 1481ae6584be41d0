"""The CDK app: `cdk deploy -c stage=<stage>`. Without a stage it is `dev`."""

from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from infra.functions import packaging
from infra.pipeline.stack import Pipeline
from infra.release.versions import source_revision
from infra.security import nag_rules
from infra.stages.read import SettingsError
from infra.stages.settings import Settings
from infra.stages.stages import settings_of
from infra.storage.stack import Storage

FEATURE_FLAGS = {
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/core:defaultCrossStackReferences": "strong",
    "@aws-cdk/core:enablePartitionLiterals": True,
}

UNTAGGED = ["AWS::CloudWatch::Dashboard"]
"""The CDK takes tags here that not every region's schema, and not cfn-lint's, has."""


def make_app(output: str | None = None) -> cdk.App:
    """An app that puts nothing about itself into the templates; `output` is for the CDK's CLI to choose."""
    app = cdk.App(context=FEATURE_FLAGS, analytics_reporting=False, outdir=output)
    nag_rules.check(app)
    return app


def add_stage(
    app: cdk.App, settings: Settings, packages: Mapping[str, Path] | None, revision: str | None = None
) -> None:
    """Both stacks of a stage; for `packages` and `revision` see Pipeline."""
    storage = Storage(app, settings)
    pipeline = Pipeline(app, settings, storage, packages, revision)
    if settings.security.permissions_boundary:
        _bound_roles(pipeline, settings.security.permissions_boundary)
    for name, value in {"project": "sluice", "stage": settings.stage}.items():
        cdk.Tags.of(app).add(name, value, exclude_resource_types=UNTAGGED)


def _bound_roles(stack: cdk.Stack, policy: str) -> None:
    boundary = iam.ManagedPolicy.from_managed_policy_name(stack, "PermissionsBoundary", policy)
    iam.PermissionsBoundary.of(stack).apply(boundary)


def main() -> None:
    app = make_app()
    try:
        settings = settings_of(app.node.try_get_context("stage") or "dev")
    except SettingsError as exc:
        raise SystemExit(str(exc)) from exc
    if settings.from_source:
        add_stage(app, settings, None)
    else:
        add_stage(app, settings, packaging.build_all(), source_revision())
    app.synth()


if __name__ == "__main__":
    main()
