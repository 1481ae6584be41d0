"""State machines, their versions and aliases, as AWS was recorded to create, change and describe them."""

import json
import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from tests.conformance.facts import Fact, code, refusal, told
from tests.integration.patches.conftest import Cloud
from tests.integration.patches.stepfunctions_probe import ROLE, machine
from tests.waiting import until

PASS = json.dumps(machine(("A", {"Type": "Pass"})))
OTHER = json.dumps(machine(("B", {"Type": "Pass"})))
NOT_HERE = "Invalid Arn: 'Resource type not valid in this context: express'"
NAME_PATTERN = r"Member must satisfy regular expression pattern: ^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$"


@dataclass
class Machine:
    """A new state machine; calls are Step Functions', with its ARN filled in."""

    cloud: Cloud
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        self.aws = self.cloud.client("stepfunctions")
        self.name = f"m-{uuid.uuid4().hex}"
        self.created = self.create()
        self.arn: str = self.created["stateMachineArn"]

    def create(self, **options: Any) -> dict[str, Any]:
        given = {"name": self.name, "definition": PASS, "roleArn": ROLE, **self.options, **options}
        return self.aws.create_state_machine(**given)

    def update(self, **members: Any) -> dict[str, Any]:
        return self.aws.update_state_machine(stateMachineArn=self.arn, **members)

    def describe(self, version: str = "") -> dict[str, Any]:
        return self.aws.describe_state_machine(stateMachineArn=self.arn + version)

    def publish(self, **members: Any) -> str:
        version = self.aws.publish_state_machine_version(stateMachineArn=self.arn, **members)["stateMachineVersionArn"]
        return self.short(version)

    def alias(self, name: str = "live", *routes: tuple[str, int], **members: Any) -> dict[str, Any]:
        routing = [{"stateMachineVersionArn": self.arn + end, "weight": n} for end, n in routes or ((":1", 100),)]
        return self.aws.create_state_machine_alias(name=name, routingConfiguration=routing, **members)

    def start(self, end: str = "") -> str:
        return self.aws.start_execution(stateMachineArn=self.arn + end)["executionArn"]

    def short(self, text: str) -> str:
        """Without what differs from run to run."""
        return text.replace(self.arn, "")

    def refused(self, call: Any, **members: Any) -> tuple[str, str]:
        found, message = refusal(call, **members)
        return found, self.short(message)


def published(cloud: Cloud, **options: Any) -> Machine:
    return Machine(cloud, {"publish": True, **options})


def express(cloud: Cloud) -> Machine:
    return Machine(cloud, {"type": "EXPRESS"})


def members_of_a_new_machine(cloud: Cloud) -> Any:
    return sorted(Machine(cloud).describe().keys() - {"ResponseMetadata", "encryptionConfiguration"})


def revisions(cloud: Cloud) -> Any:
    one = Machine(cloud)
    first, unchanged = one.update(definition=PASS), one.update(roleArn=ROLE)
    changed, again = one.update(definition=OTHER), one.update(definition=OTHER)
    described = one.describe()
    return (
        ["revisionId" in answer for answer in (first, unchanged, changed)],
        changed["revisionId"] == again["revisionId"] == described["revisionId"],
        one.update(definition=PASS)["revisionId"] != changed["revisionId"],
    )


def publishing_updates(cloud: Cloud) -> Any:
    one = Machine(cloud)
    definitions = (PASS, PASS, OTHER, OTHER, PASS)
    answers = [one.update(definition=text, publish=True) for text in definitions]
    return [(one.short(each["stateMachineVersionArn"]), "revisionId" in each) for each in answers]


def publish_of_an_old_revision(cloud: Cloud) -> Any:
    one = Machine(cloud)
    old = one.update(definition=OTHER)["revisionId"]
    new = one.update(definition=PASS)["revisionId"]
    found, message = one.refused(one.publish, revisionId=old)
    return found, message.replace(old, "OLD").replace(new, "NEW")


def numbers_after_a_deletion(cloud: Cloud) -> Any:
    one = published(cloud)
    one.update(definition=OTHER)
    two = one.publish()
    one.aws.delete_state_machine_version(stateMachineVersionArn=one.arn + two)
    return two, one.publish()


def execution_of_a_revision(cloud: Cloud) -> Any:
    one = Machine(cloud)
    changed = one.update(definition=OTHER, publish=True)["revisionId"]
    arn = one.start(":1")
    one.update(definition=PASS)
    return one.aws.describe_state_machine_for_execution(executionArn=arn).get("revisionId") == changed


def another_of_the_same_name(cloud: Cloud) -> Any:
    one = Machine(cloud)
    return one.create()["stateMachineArn"] == one.arn, one.refused(one.create, definition=OTHER)


def alias_again(cloud: Cloud) -> Any:
    one = published(cloud)
    one.update(definition=OTHER, publish=True)
    arns = {one.alias(description="d")["stateMachineAliasArn"] for _ in range(2)}
    return len(arns), one.refused(one.alias, description="e"), one.refused(partial(one.alias, "live", (":2", 100)))


def alias_names(cloud: Cloud) -> Any:
    one = published(cloud)
    return [one.refused(partial(one.alias, name)) for name in ("123", "IN VALID", "ALIAS@", "A" * 81)], code(
        one.alias, name="a.b-c_1"
    )


def alias_routes(cloud: Cloud) -> Any:
    one = published(cloud)
    one.update(definition=OTHER, publish=True)
    wrong = [[("", 100)], [(":1", 50), (":1", 50)], [(":1", 70), (":2", 29)], [(":1", 70), (":2", 31)]]
    return [one.refused(partial(one.alias, "live", *routes)) for routes in wrong]


def pages_of_aliases(cloud: Cloud) -> Any:
    one = published(cloud)
    for name in ("b", "a", "c"):
        one.alias(name)
    ask = partial(one.aws.list_state_machine_aliases, stateMachineArn=one.arn)
    first = ask(maxResults=1)
    rest = ask(nextToken=first["nextToken"])
    found = [
        [one.short(each["stateMachineAliasArn"]) for each in page["stateMachineAliases"]] for page in (first, rest)
    ]
    return found, "nextToken" in rest, refusal(ask, nextToken="InvalidToken"), refusal(ask, maxResults=1001)


def version_in_use(cloud: Cloud) -> Any:
    one = published(cloud)
    one.alias()
    return refusal(one.aws.delete_state_machine_version, stateMachineVersionArn=f"{one.arn}:1")


def express_execution(cloud: Cloud) -> Any:
    one = express(cloud)
    arn = one.start()
    asked = ("describe_execution", "stop_execution", "get_execution_history")
    listing = refusal(one.aws.list_executions, stateMachineArn=one.arn)
    return arn.split(":")[5], {refusal(getattr(one.aws, call), executionArn=arn) for call in asked}, listing


def synchronous_execution(cloud: Cloud) -> Any:
    one = express(cloud)
    answer = one.aws.start_sync_execution(stateMachineArn=one.arn, input="{}")
    return sorted(answer.keys() - {"ResponseMetadata"}), answer["billingDetails"]["billedDurationInMilliseconds"] % 100


def invalid_arns(cloud: Cloud) -> Any:
    aws = cloud.client("stepfunctions")
    by_machine = ("describe_state_machine", "list_executions", "publish_state_machine_version", "delete_state_machine")
    by_execution = ("describe_execution", "get_execution_history")
    return {
        *(refusal(getattr(aws, call), stateMachineArn="arn:no") for call in by_machine),
        *(refusal(getattr(aws, call), executionArn="arn:no") for call in by_execution),
    }


def nothing_there(cloud: Cloud) -> Any:
    one = Machine(cloud)
    one.aws.delete_state_machine(stateMachineArn=one.arn)
    one.aws.delete_state_machine(stateMachineArn=one.arn)
    until(lambda: code(one.describe) and True)
    calls = ("describe_state_machine", "list_executions", "publish_state_machine_version", "start_execution")
    return {one.refused(getattr(one.aws, call), stateMachineArn=one.arn) for call in calls}


def inputs(cloud: Cloud) -> Any:
    one = Machine(cloud)
    start = partial(one.aws.start_execution, stateMachineArn=one.arn)
    return refusal(start, input=""), [code(start, input=text) for text in ("{no", "1", '"text"', "null")]


AT_MOST_1000 = "Member must have value less than or equal to 1000"
REFERENCES = "Current list of aliases referencing this version"
CONFLICT = (
    "ConflictException",
    "Failed to create alias because an alias with the same name and a different routing configuration already exists.",
)
DESCRIBED = ["creationDate", "definition", "loggingConfiguration", "name", "roleArn", "stateMachineArn", "status"]
SYNCHRONOUS = [
    *("billingDetails", "executionArn", "input", "inputDetails", "name", "output", "outputDetails"),
    *("startDate", "stateMachineArn", "status", "stopDate"),
]

FACTS = {
    # test_sfn_api::test_create_delete_valid_sm and ..._base_definition, 22-06-2023 and 08-08-2023
    "a new machine has no revision": Fact(members_of_a_new_machine, [*DESCRIBED, "tracingConfiguration", "type"]),
    "a change makes a revision": Fact(revisions, ([False, False, True], True, True)),
    # test_sfn_api_versioning::test_update_state_machine, test_empty_revision_with_publish_*, 11-08-2023
    "what did not change is published once": Fact(
        publishing_updates, [(":1", False), (":1", False), (":2", True), (":2", True), (":3", True)]
    ),
    # test_sfn_api_versioning::test_publish_state_machine_version, 11-08-2023
    "an old revision is not published": Fact(
        publish_of_an_old_revision,
        (
            "ConflictException",
            "Failed to publish the State Machine version for revision OLD. The current State Machine revision is NEW.",
        ),
    ),
    # test_version_ids_between_deletions, 11-08-2023
    "a version's number is not given again": Fact(numbers_after_a_deletion, (":2", ":3"), stock=True),
    # test_create_with_version_description_no_publish, 11-08-2023
    "only versions are described": Fact(
        lambda cloud: refusal(partial(Machine, cloud, {"versionDescription": "x"})),
        ("ValidationException", "Version description can only be set when publish is true"),
    ),
    # test_describe_state_machine_for_execution_of_version_with_revision, 21-08-2023
    "an execution tells its revision": Fact(execution_of_a_revision, True),
    # test_create_exact_duplicate_sm and test_create_duplicate_sm_name, 22-06-2023
    "a name is taken once": Fact(
        another_of_the_same_name, (True, ("StateMachineAlreadyExists", "State Machine Already Exists: ''"))
    ),
    # test_sfn_api_aliasing, 09-04-2025: test_idempotent_create_alias, test_error_create_alias_not_idempotent
    "an alias is created once": Fact(alias_again, (1, CONFLICT, CONFLICT)),
    # test_error_create_alias_invalid_name
    "aliases have names": Fact(
        alias_names,
        (
            [
                *(
                    (
                        "ValidationException",
                        f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: {broken}",
                    )
                    for name, broken in (
                        *((name, NAME_PATTERN) for name in ("123", "IN VALID", "ALIAS@")),
                        ("A" * 81, "Member must have length less than or equal to 80"),
                    )
                ),
            ],
            None,
        ),
    ),
    # test_error_create_alias_with_state_machine_arn, test_error_create_alias_invalid_router_configs
    "routes lead to versions": Fact(
        alias_routes,
        [
            ("ValidationException", message)
            for message in (
                "Routing configuration must contain state machine version ARNs. Received: []",
                "Routing configuration must contain distinct state machine version ARNs. Received: [:1, :1]",
                "Sum of routing configuration weights must equal 100. Received: [70, 29]",
                "Sum of routing configuration weights must equal 100. Received: [70, 31]",
            )
        ],
    ),
    # test_list_state_machine_aliases_pagination_*
    "aliases come in pages": Fact(
        pages_of_aliases,
        (
            [[":b"], [":a", ":c"]],
            False,
            ("InvalidToken", "Invalid Token: 'Invalid token'"),
            (
                "ValidationException",
                "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: "
                + AT_MOST_1000,
            ),
        ),
    ),
    # test_delete_version_with_alias
    "a version in use stays": Fact(
        version_in_use,
        (
            "ConflictException",
            f"Version to be deleted must not be referenced by an alias. {REFERENCES}: [live]",
        ),
    ),
    # test_update_no_such_alias_arn
    "what is no alias is not updated": Fact(
        lambda cloud: refusal(
            cloud.client("stepfunctions").update_state_machine_alias,
            stateMachineAliasArn=f"{Machine(cloud).arn}:no",
            description="d",
        ),
        ("ResourceNotFound", "Request references a resource that does not exist."),
    ),
    # test_sfn_api_express::test_start_async_describe_history_execution, 03-07-2024
    "an Express execution is not asked for": Fact(
        express_execution,
        (
            "express",
            {("InvalidArn", NOT_HERE)},
            ("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"),
        ),
    ),
    # test_sfn_api_express::test_start_sync_execution, 26-06-2024
    "a synchronous execution is billed": Fact(synchronous_execution, (SYNCHRONOUS, 0)),
    # test_sfn_api, 08-03-2024: test_describe_invalid_arn_sm, test_list_execution_invalid_arn and others
    "what is no ARN": Fact(invalid_arns, {("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: arn:no'")}),
    # test_sfn_api, 22-06-2023 and 08-03-2024: test_delete_nonexistent_sm, test_list_execution_no_such_state_machine
    "what is not there": Fact(nothing_there, {("StateMachineDoesNotExist", "State Machine Does Not Exist: ''")}),
    # test_sfn_api::test_invalid_start_execution_input, 22-06-2023
    "an input is JSON": Fact(
        inputs,
        (
            ("InvalidExecutionInput", "Invalid State Machine Execution Input: 'Invalid execution input.'"),
            ["InvalidExecutionInput", None, None, None],
        ),
    ),
}


@pytest.mark.parametrize("name", FACTS)
def test_a_machine_is_as_on_aws(cloud: Cloud, name: str) -> None:
    assert FACTS[name].ask(cloud) == FACTS[name].answer


@pytest.mark.parametrize("name", FACTS)
def test_stock_needs_its_patch(stock: Cloud, name: str) -> None:
    assert told(FACTS[name], stock) is FACTS[name].stock
