"""The webhook: what it signs, whom it reaches, and what becomes of what is not taken."""

import base64
import json
from ipaddress import ip_address
from itertools import count
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tasks.webhook.keys import MAX_AGE_SECONDS, SigningKeys
from tasks.webhook.post import NotTakenError, may_go_to
from tests.unit.cloud import WEBHOOK_KEY, WEBHOOK_QUEUE, Cloud, client

FIRST_KEY, NEXT_KEY = ("Aa0" * 15)[:44], ("Zz9" * 15)[:44]
OUTCOME = {
    "specversion": "1.0",
    "id": "0123-succeeded-4567",
    "type": "sluice.asset.succeeded",
    "data": {"key": "größe"},
}
PLENTY = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)


def record(outcome: Any = OUTCOME, *, handle: str = "handle", receives: int = 1) -> dict[str, Any]:
    """A message as Lambda's guide shows it, with EventBridge's event."""
    event = {"version": "0", "detail-type": "sluice.asset.succeeded", "source": "sluice", "detail": outcome}
    return {
        "messageId": handle,
        "receiptHandle": handle,
        "body": json.dumps(event) if isinstance(outcome, dict) else outcome,
        "attributes": {"ApproximateReceiveCount": str(receives), "SenderId": "AIDAIENQZJOLO23YVJ4VO"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }


@pytest.fixture
def secrets(cloud: Cloud) -> Any:
    secrets = client("secretsmanager")
    secrets.create_secret(Name=WEBHOOK_KEY, SecretString=FIRST_KEY)
    return secrets


class Receiver:
    """Stands for the receiver, and for the way to it."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.down = False

    def post(self, _url: str, headers: dict[str, str], body: bytes) -> None:
        if self.down:
            raise NotTakenError("receiver.example answered 503")
        self.got.append((headers, body))


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch, functions: dict[str, ModuleType], secrets: Any) -> Receiver:
    receiver = Receiver()
    monkeypatch.setattr(functions["webhook"], "post", receiver.post)
    monkeypatch.setattr(functions["webhook"], "keys", SigningKeys(secrets, WEBHOOK_KEY, count().__next__))
    return receiver


@pytest.fixture
def webhook(functions: dict[str, ModuleType], receiver: Receiver) -> Any:
    return lambda *records, context=PLENTY: functions["webhook"].handle({"Records": list(records)}, context)


def test_receiver_verifies_with_its_library_who_sent_what(webhook, receiver):
    assert webhook(record()) == {"batchItemFailures": []}
    ((headers, body),) = receiver.got
    assert Webhook(FIRST_KEY).verify(body, headers) == OUTCOME
    assert headers["webhook-id"] == OUTCOME["id"]
    for forged in (body.replace(b"succeeded", b"rejected!"), body + b" "):
        with pytest.raises(WebhookVerificationError):
            Webhook(FIRST_KEY).verify(forged, headers)


def test_outcome_that_is_sent_again_has_the_same_id(webhook, receiver):
    webhook(record(), record(handle="again"))
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


def test_after_a_rotation_receivers_with_the_old_and_with_the_new_key_verify(webhook, receiver, secrets):
    webhook(record())
    secrets.put_secret_value(SecretId=WEBHOOK_KEY, SecretString=f"whsec_{NEXT_KEY}")
    for _ in range(MAX_AGE_SECONDS):
        webhook(record())
    headers, body = receiver.got[-1]
    for key in (FIRST_KEY, NEXT_KEY):
        assert Webhook(key).verify(body, headers) == OUTCOME
    assert len(receiver.got[0][0]["webhook-signature"].split()) == 1


def test_keys_are_read_once_a_minute(secrets):
    moment = 0.0
    keys = SigningKeys(secrets, WEBHOOK_KEY, lambda: moment)
    assert keys.now() == (base64.b64decode(FIRST_KEY),)
    secrets.put_secret_value(SecretId=WEBHOOK_KEY, SecretString=NEXT_KEY)
    moment = MAX_AGE_SECONDS - 1
    assert keys.now() == (base64.b64decode(FIRST_KEY),)
    moment = MAX_AGE_SECONDS
    assert keys.now() == (base64.b64decode(NEXT_KEY), base64.b64decode(FIRST_KEY))


@pytest.fixture
def postponed(monkeypatch: pytest.MonkeyPatch, functions: dict[str, ModuleType]) -> dict[str, int]:
    """Seconds by receipt handle."""
    told: dict[str, int] = {}

    def change_message_visibility(**asked: Any) -> None:
        assert asked["QueueUrl"] == WEBHOOK_QUEUE
        told[asked["ReceiptHandle"]] = asked["VisibilityTimeout"]

    sqs = SimpleNamespace(change_message_visibility=change_message_visibility)
    monkeypatch.setattr(functions["webhook"].clients, "sqs", lambda: sqs)
    return told


def test_what_is_not_taken_comes_again_later_and_later(webhook, receiver, postponed):
    receiver.down = True
    answer = webhook(*(record(handle=str(receives), receives=receives) for receives in (1, 2, 5, 100)))
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["1", "2", "5", "100"]
    assert all(longest / 2 <= postponed[handle] <= longest for handle, longest in ({"1": 5, "2": 10, "5": 80}).items())
    assert 450 <= postponed["100"] <= 900


def test_only_what_is_not_understood_comes_again(webhook, receiver, postponed):
    answer = webhook(record("what is this?", handle="odd"), record(handle="good"))
    assert (answer, len(receiver.got)) == ({"batchItemFailures": [{"itemIdentifier": "odd"}]}, 1)


def test_no_request_is_begun_that_there_is_no_time_for(webhook, receiver, postponed):
    hurry = SimpleNamespace(get_remaining_time_in_millis=lambda: 19_000)
    answer = webhook(record(), context=hurry)
    assert (answer, receiver.got) == ({"batchItemFailures": [{"itemIdentifier": "handle"}]}, [])


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "::1", "fd00::1"])
def test_no_name_leads_into_a_private_network(inside):
    assert not may_go_to(ip_address(inside), secure=True)
    assert may_go_to(ip_address("93.184.216.34"), secure=True)


def test_plain_http_leads_nowhere_but_to_this_machine():
    assert may_go_to(ip_address("127.0.0.1"), secure=False)
    assert not may_go_to(ip_address("93.184.216.34"), secure=False)
