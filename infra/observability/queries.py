"""The Logs Insights queries that a stage has saved, in the folder `sluice/<stage>`."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import json
from collections.abc import Mapping
from types import MappingProxyType

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.functions.task_function import TaskFunction
from infra.stages.settings import Settings
from workflow import prices
from workflow.errors import rejections

QUERIES: Mapping[str, str] = MappingProxyType(
    {
        "slowest assets": """
            filter message = "done" and ispresent(asset_id)
            | stats sum(ms) as total_ms, max(ms) as slowest_step_ms, count(*) as steps by asset_id
            | sort total_ms desc
            | limit 50""",
        "rejects by code": f"""
            filter message = "stopped" and error in {json.dumps(rejections())}
            | stats count_distinct(execution) as executions, latest(reason) as latest_reason by error
            | sort executions desc""",
        "one asset's story": """
            fields @timestamp, task, message, ms, error, reason, execution
            | filter asset_id = "ASSET_ID"
            | sort @timestamp asc
            | limit 1000""",
        "cold starts": """
            filter @type = "REPORT" and ispresent(@initDuration)
            | stats count(*) as cold_starts, avg(@initDuration) as average_ms, pct(@initDuration, 95) as p95_ms by @log
            | sort p95_ms desc""",
        "cost by kind": f"""
            filter @type = "REPORT"
            | parse @log /sluice-[a-z]+-(?:transform|thumbnail)-(?<kind>[a-z]+)/
            | fields @billedDuration / 1000 * @memorySize / 1024000000 as gb_seconds
            | stats sum(gb_seconds) as all_gb_seconds, sum(gb_seconds * {prices.LAMBDA_GB_SECOND:.10f}) as dollars,
                count(*) as calls by kind
            | sort dollars desc""",
    }
)


def save_queries(scope: Construct, settings: Settings, functions: Mapping[str, TaskFunction]) -> None:
    for name, text in QUERIES.items():
        logs.CfnQueryDefinition(
            scope,
            name.title().replace(" ", "").replace("'", ""),
            name=f"sluice/{settings.stage}/{name}",
            log_group_names=[each.log_group.log_group_name for each in functions.values()],
            query_string="\n".join(line.strip() for line in text.strip().splitlines()),
        )
