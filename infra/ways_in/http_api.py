"""The HTTP API: one function behind the routes that `tasks.api.endpoints` lists, and no caller without a name."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import json
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.functions.permissions import TABLE_AND_PLACES, Needs, Resources, allow
from infra.functions.task_function import TaskFunction
from infra.stages.settings import Settings
from infra.ways_in.settings import HttpApi
from tasks.api.endpoints import ENDPOINTS
from tasks.api.uploads import PREFIX as UPLOADS
from workflow.names import stage_name

ACCESS_LOG = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    "ip": "$context.identity.sourceIp",
    "by_iam": "$context.identity.userArn",
    "by_jwt": "$context.authorizer.claims.sub",
    "route": "$context.routeKey",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "ms": "$context.responseLatency",
    "refused_because": "$context.authorizer.error",
    "integration_error": "$context.integrationErrorMessage",
}


class CallersApi(Construct):
    """The API `sluice-<stage>`, throttled and logged. CORS stays off: pages call it through a server of their own."""

    def __init__(self, scope: Construct, settings: Settings, wanted: HttpApi, function: TaskFunction) -> None:
        super().__init__(scope, "HttpApi")
        integration = integrations.HttpLambdaIntegration("Function", function.function)
        api = apigatewayv2.HttpApi(
            self,
            "Http",
            api_name=stage_name(settings.stage),
            description="Upload files, have them processed, and see what became of them",
            create_default_stage=False,
            default_authorizer=_authorizer(wanted),
            default_integration=integration,
        )
        for endpoint in ENDPOINTS.values():
            method = apigatewayv2.HttpMethod(endpoint.method)
            api.add_routes(path=endpoint.address, methods=[method], integration=integration)
        self._make_stage(api, settings, wanted)
        self.url = api.api_endpoint

    def _make_stage(self, api: apigatewayv2.HttpApi, settings: Settings, wanted: HttpApi) -> None:
        stage = apigatewayv2.HttpStage(
            self,
            "Stage",
            http_api=api,
            auto_deploy=True,
            throttle=apigatewayv2.ThrottleSettings(rate_limit=wanted.requests_per_second, burst_limit=wanted.burst),
        )
        resource = cast("apigatewayv2.CfnStage", stage.node.default_child)
        resource.access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=self._make_access_log(settings).log_group_arn, format=json.dumps(ACCESS_LOG)
        )

    def _make_access_log(self, settings: Settings) -> logs.LogGroup:
        """The name's prefix keeps the account's log resource policy from growing with every API."""
        return logs.LogGroup(
            self,
            "AccessLogs",
            log_group_name=f"/aws/vendedlogs/apis/{stage_name(settings.stage)}",
            retention=logs.RetentionDays(settings.observability.log_retention),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )


def _authorizer(wanted: HttpApi) -> apigatewayv2.IHttpRouteAuthorizer:
    if not wanted.jwt_issuer:
        return authorizers.HttpIamAuthorizer()
    return authorizers.HttpJwtAuthorizer("Tokens", wanted.jwt_issuer, jwt_audience=list(wanted.jwt_audiences))


def needs(resources: Resources) -> dict[str, Needs]:
    """What the API's function is given. What it may write is what callers can get a form for."""
    if not resources.settings.ways_in.http_api:
        return {}
    return {
        "api": Needs(
            resources.environment(*TABLE_AND_PLACES, "EXPAND_ARCHIVES"),
            [
                allow(["s3:PutObject"], f"{resources.ingest}/{UPLOADS}*"),
                allow(["dynamodb:GetItem", "dynamodb:BatchGetItem"], resources.table),
                allow(["dynamodb:Query"], *resources.index("by_status", "by_kind", "by_key")),
                allow(["states:DescribeExecution", "states:GetExecutionHistory"], resources.executions),
            ],
        )
    }
