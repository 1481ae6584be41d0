"""What each function's role may do, and must not be able to do; and that it is told where."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.infra.conftest import Stage, Template, functions_in, statements
from workflow.limits import FUNCTIONS, functions_of

TRACING = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
S3_WRITES = re.compile(r"s3:(Put|Delete|Abort|Create|Replicate|Restore|\*)")
TOLD_BY = {
    "Ingest": "INGEST_BUCKET",
    "Expanded": "EXPANDED_BUCKET",
    "Output": "OUTPUT_BUCKET",
    "Archive": "ARCHIVE_BUCKET",
    "Quarantine": "QUARANTINE_BUCKET",
    "Operations": "OPERATIONS_BUCKET",
    "Audit": "AUDIT_BUCKET",
    "Table": "TABLE_NAME",
    "Topic": "TOPIC_ARN",
}


@dataclass(frozen=True)
class Grant:
    """One action on one resource, written out, as in `<Ingest>/*`."""

    task: str
    action: str
    resource: str


def grants(pipeline: Template) -> Iterator[Grant]:
    for task in functions_in(pipeline):
        for statement in statements(role_policy(pipeline, task)):
            assert statement["Effect"] == "Allow"
            for action in statement["Action"]:
                for resource in statement["Resource"]:
                    yield Grant(task, action, written_out(resource))


def role_policy(pipeline: Template, task: str) -> dict[str, Any]:
    name = "".join(word.capitalize() for word in task.split("_"))
    return pipeline.only("IAM::Policy", f"{name}RoleDefaultPolicy")["PolicyDocument"]


def written_out(resource: Any) -> str:
    match resource:
        case str():
            return resource
        case {"Fn::Join": ["", [*parts]]}:
            return "".join(written_out(part) for part in parts)
        case {"Fn::ImportValue": str(export)}:
            owner = re.search(r"ExportsOutput(?:FnGetAtt|Ref)([A-Z][a-z]+)", export)
            assert owner, export
            return f"<{owner[1]}>"
        case {"Fn::GetAtt": [str(name), _]} | {"Ref": str(name)}:
            return f"<{name}>"
    raise AssertionError(resource)


def test_each_function_has_a_role_of_its_own_with_no_managed_policy(pipeline: Template) -> None:
    functions = [f["Properties"] for f in pipeline.of_type("Lambda::Function").values()]
    roles = [f["Role"]["Fn::GetAtt"][0] for f in functions]
    assert len(set(roles)) == len(functions_in(pipeline))
    assert all("ManagedPolicyArns" not in pipeline.body["Resources"][role]["Properties"] for role in roles)


def test_no_action_is_a_wildcard(pipeline: Template) -> None:
    assert not [grant for grant in grants(pipeline) if "*" in grant.action]


def test_only_tracing_is_allowed_on_every_resource(pipeline: Template) -> None:
    assert {grant.action for grant in grants(pipeline) if grant.resource == "*"} == TRACING


def test_other_wildcards_are_names_within_one_bucket_or_state_machine(stage: Stage) -> None:
    open_ended = {
        grant.resource
        for grant in grants(stage.pipeline)
        if "*" in grant.resource[:-1] or (grant.resource.endswith("*") and grant.resource != "*")
    }
    allowed = re.compile(
        r"<(Ingest|Expanded|Archive|Quarantine)>/\*|<Output>/(renditions|thumbnails|metadata|work)/\*"
        r"|<Operations>/(reprocess|sweeps)/\*"
        r"|<Ingest>/(uploads|telemetry)/\*|<Audit>/changes/\*|<Table>/stream/\*"
        rf"|arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:sluice-{stage.name}-ingest:\*"
    )
    assert open_ended
    assert [resource for resource in open_ended if not allowed.fullmatch(resource)] == []


def test_only_the_api_and_telemetry_can_write_to_ingest_each_under_its_own_prefix(pipeline: Template) -> None:
    writes = {(g.task, g.action, g.resource) for g in grants(pipeline) if "<Ingest>" in g.resource}
    assert {each for each in writes if S3_WRITES.match(each[1])} == {
        ("archive", "s3:DeleteObjectVersion", "<Ingest>/*"),
        ("quarantine", "s3:DeleteObjectVersion", "<Ingest>/*"),
        ("sweep", "s3:DeleteObjectVersion", "<Ingest>/*"),
        ("api", "s3:PutObject", "<Ingest>/uploads/*"),
        *([("telemetry", "s3:PutObject", "<Ingest>/telemetry/*")] if "telemetry" in functions_in(pipeline) else []),
    }


def test_only_audit_can_write_the_trail_and_nobody_can_read_or_remove_it(pipeline: Template) -> None:
    on_trail = {(g.task, g.action, g.resource) for g in grants(pipeline) if "<Audit>" in g.resource}
    assert on_trail == {("audit", "s3:PutObject", "<Audit>/changes/*")}


def test_what_faces_callers_and_senders_reads_no_object(pipeline: Template) -> None:
    assert {g.action for g in grants(pipeline) if g.task in {"api", "intake"} and g.action[:3] == "s3:"} == {
        "s3:PutObject"
    }


def test_only_what_unpacks_archives_can_write_to_the_other_way_in(pipeline: Template) -> None:
    writes = {(g.task, g.action) for g in grants(pipeline) if "<Expanded>" in g.resource and S3_WRITES.match(g.action)}
    assert writes == {
        ("transform_archive", "s3:PutObject"),
        ("archive", "s3:DeleteObjectVersion"),
        ("quarantine", "s3:DeleteObjectVersion"),
        ("sweep", "s3:DeleteObjectVersion"),
    }


def test_only_what_finishes_a_move_can_remove_an_original_and_only_by_its_version(pipeline: Template) -> None:
    removals = {
        (g.task, g.action, g.resource) for g in grants(pipeline) if "Delete" in g.action and g.action[:3] == "s3:"
    }
    assert removals == {
        ("archive", "s3:DeleteObjectVersion", "<Ingest>/*"),
        ("archive", "s3:DeleteObjectVersion", "<Expanded>/*"),
        ("archive", "s3:DeleteObjectVersion", "<Quarantine>/*"),
        ("quarantine", "s3:DeleteObjectVersion", "<Ingest>/*"),
        ("quarantine", "s3:DeleteObjectVersion", "<Expanded>/*"),
        ("sweep", "s3:DeleteObjectVersion", "<Ingest>/*"),
        ("sweep", "s3:DeleteObjectVersion", "<Expanded>/*"),
    }


def test_nothing_can_remove_from_the_archive(pipeline: Template) -> None:
    assert not [g for g in grants(pipeline) if "<Archive>" in g.resource and "Delete" in g.action]


@pytest.mark.parametrize(
    ("task", "prefixes"),
    [
        *((function, {"renditions", "metadata"}) for function in functions_of("transform")),
        ("convert_part", {"work"}),
        ("join_video", {"renditions", "metadata"}),
        *((function, {"thumbnails"}) for function in functions_of("thumbnail")),
        ("store_metadata", {"metadata"}),
    ],
)
def test_function_writes_to_its_own_prefixes_of_the_output(pipeline: Template, task: str, prefixes: set[str]) -> None:
    written = {g.resource for g in grants(pipeline) if g.task == task and g.action == "s3:PutObject"}
    written -= {"<Expanded>/*"} if task == "transform_archive" else set()
    assert written == {f"<Output>/{prefix}/*" for prefix in prefixes}


def test_reports_about_many_assets_are_written_each_kind_by_its_own_function(pipeline: Template) -> None:
    written = {
        (g.task, g.resource) for g in grants(pipeline) if "<Operations>" in g.resource and S3_WRITES.match(g.action)
    }
    assert written == {("report_batch", "<Operations>/reprocess/*"), ("sweep", "<Operations>/sweeps/*")}


@pytest.mark.parametrize("task", FUNCTIONS)
def test_function_logs_only_to_its_own_group(pipeline: Template, task: str) -> None:
    if task not in functions_in(pipeline):
        pytest.skip("not in this stage")
    name = "".join(word.capitalize() for word in task.split("_"))
    groups = {g.resource for g in grants(pipeline) if g.task == task and g.action.startswith("logs:")}
    assert [group.startswith(f"<{name}Logs") for group in groups] == [True]


@pytest.mark.parametrize("task", FUNCTIONS)
def test_function_is_told_of_nothing_that_it_may_not_touch(pipeline: Template, task: str) -> None:
    if task not in functions_in(pipeline):
        pytest.skip("not in this stage")
    (environment,) = (
        f["Properties"]["Environment"]["Variables"]
        for f in pipeline.of_type("Lambda::Function").values()
        if f["Properties"]["FunctionName"].split("-", 2)[2] == task.replace("_", "-")
    )
    reachable = " ".join(g.resource for g in grants(pipeline) if g.task == task)
    told = {owner for owner, variable in TOLD_BY.items() if variable in environment}
    # Quarantine compares with the archive's name: what is archived already stays there. The api knows foreign buckets.
    out_of_reach = {"quarantine": {"Archive"}, "api": {"Expanded", "Archive", "Quarantine"}}
    assert {owner for owner in told if f"<{owner}>" not in reachable} == out_of_reach.get(task, set())


@pytest.mark.parametrize("task", FUNCTIONS)
def test_function_gets_the_stage_s_settings_as_text(stage: Stage, task: str) -> None:
    if task not in functions_in(stage.pipeline):
        pytest.skip("not in this stage")
    variables = next(
        f["Properties"]["Environment"]["Variables"]
        for f in stage.pipeline.of_type("Lambda::Function").values()
        if f["Properties"]["FunctionName"].split("-", 2)[2] == task.replace("_", "-")
    )
    given = {
        "RENDITION_FORMATS": ",".join(stage.settings.files.rendition_formats),
        "EXPAND_ARCHIVES": "true" if stage.settings.files.expand_archives else "false",
        "LONG_VIDEO_CPU_SECONDS": str(stage.settings.files.long_video_cpu_seconds),
        "PARTITION_BY": stage.settings.files.partition_by,
        "PUBLISH_PRIVATE_METADATA": "true" if stage.settings.files.publish_private_metadata else "false",
        "ARCHIVE_STORAGE_CLASS": stage.settings.archive.storage_class,
        "POWERTOOLS_SERVICE_NAME": f"sluice-{stage.name}",
    }
    assert {name: variables[name] for name in given if name in variables}.items() <= given.items()
    assert {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"} <= set(variables)
