"""Settings of the ways in beside the ingest bucket."""

import re
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from infra.stages.topic import Problem, Topic

ACCOUNT = re.compile(r"[0-9]{12}")


class HttpApi(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The HTTP API: who may call it, and how often."""

    jwt_issuer: Annotated[
        str, Meta(description="The https address of the issuer of callers' tokens; empty: callers authenticate by IAM.")
    ] = ""
    jwt_audiences: Annotated[tuple[str, ...], Meta(description="Accept tokens for one of these audiences.")] = ()
    requests_per_second: Annotated[
        int, Meta(ge=1, description="How many requests per second it accepts on average.")
    ] = 50
    burst: Annotated[int, Meta(ge=1, description="How many requests it accepts at once.")] = 100

    def problems(self) -> Iterator[str]:
        """What is wrong with it."""
        if bool(self.jwt_issuer) != bool(self.jwt_audiences):
            yield "needs both jwt_issuer and jwt_audiences, or neither: then callers are known by IAM"
        if self.jwt_issuer and not self.jwt_issuer.startswith("https://"):
            yield f"needs an https address as jwt_issuer, not {self.jwt_issuer!r}"
        if self.burst < self.requests_per_second:
            yield f"needs a burst of {self.requests_per_second} or more, as many as in a second, not {self.burst}"


class WaysInSettings(Topic, frozen=True):
    """Event sources besides the ingest bucket: docs/api.md."""

    http_api: Annotated[
        HttpApi | None, Meta(description="The HTTP API; a table without settings has its defaults.", examples=[{}])
    ] = None
    request_queue_concurrency: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="How many batches of the request queue are processed at once: 2 or more, 0 for no queue.",
        ),
    ] = 0
    notification_topic: Annotated[
        bool, Meta(description="A topic that accepts S3's notifications; they go through the request queue.")
    ] = False
    notification_partners: Annotated[
        tuple[str, ...], Meta(description="Accounts, of 12 digits, that may publish to that topic as well.")
    ] = ()
    telemetry_stream: Annotated[
        bool,
        Meta(
            description="A data stream whose JSON objects become NDJSON files; it is billed by the hour. "
            "See docs/api.md#the-telemetry-stream."
        ),
    ] = False

    def problems(self) -> Iterator[Problem]:
        for problem in self.http_api.problems() if self.http_api else ():
            yield "http_api", problem
        if self.request_queue_concurrency == 1:
            yield "request_queue_concurrency", "must be 0 for no queue, or 2 or more: Lambda takes no less"
        if self.notification_topic and not self.request_queue_concurrency:
            yield "notification_topic", "needs a request_queue_concurrency: its messages go through that queue"
        if self.notification_partners and not self.notification_topic:
            yield "notification_partners", "need a notification_topic"
        if unknown := [partner for partner in self.notification_partners if not ACCOUNT.fullmatch(partner)]:
            yield "notification_partners", f"must be accounts of 12 digits, not {', '.join(unknown)}"
