"""Settings of what bounds and hides everything else."""

import re
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from infra.stages.topic import Problem, Topic

POLICY_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)


class SecuritySettings(Topic, frozen=True):
    """Beyond what every stage has: docs/security.md."""

    customer_key: Annotated[
        bool,
        Meta(
            description="Encrypt everything that the stage stores with its own KMS key instead of AWS's. "
            "See docs/security.md#data-at-rest-and-on-its-way."
        ),
    ] = False
    permissions_boundary: Annotated[
        str, Meta(description="A managed policy of the account that limits all roles; empty for none.")
    ] = ""

    def problems(self) -> Iterator[Problem]:
        if self.permissions_boundary and not POLICY_NAME.fullmatch(self.permissions_boundary):
            yield "permissions_boundary", f"must be a managed policy's name, not {self.permissions_boundary!r}"
