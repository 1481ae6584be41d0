"""What is provisioned of which version of a function can be listed.

Stock takes the request to list for one about the function itself, of which nothing can be provisioned.
https://docs.aws.amazon.com/lambda/latest/api/API_ListProvisionedConcurrencyConfigs.html
"""

from typing import Any

from infra.local.ministack import lambda_svc

_stock_get = lambda_svc._get_provisioned_concurrency


def install() -> None:
    lambda_svc._get_provisioned_concurrency = get_or_list


def get_or_list(function: str, qualifier: str | None) -> Any:
    return _stock_get(function, qualifier) if qualifier or function not in lambda_svc._functions else listed(function)


def listed(function: str) -> Any:
    arn = lambda_svc._func_arn(function)
    provisioned = lambda_svc._functions[function].get("provisioned_concurrency", {})
    configs = [{"FunctionArn": f"{arn}:{qualifier}", **config} for qualifier, config in provisioned.items()]
    return lambda_svc.json_response({"ProvisionedConcurrencyConfigs": configs})
