"""Reserved concurrency limits a function as a whole, whichever of its versions is invoked.

Stock looks for the limit in the record of what is invoked; a version's has none, so that versions know no limit.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from typing import Any

from infra.local.ministack import lambda_svc

Record = dict[str, Any]

_stock_reserved_concurrency = lambda_svc._reserved_concurrency


def install() -> None:
    lambda_svc._reserved_concurrency = reserved_concurrency


def reserved_concurrency(invoked: Record, config: Record) -> int | None:
    function = lambda_svc._functions.get(config["FunctionName"])
    return _stock_reserved_concurrency(function or invoked, config)
