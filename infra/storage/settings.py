"""Settings of what keeps data: how long, in which storage class, and behind which lock."""

import itertools
import re
from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from infra.stages.topic import Problem, Topic

Colder = Literal["STANDARD_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]
IA_MIN_AGE_DAYS = 30
"""S3 moves nothing to Standard-IA, nor on from it, before it was there for 30 days."""
LEAST_STAY_DAYS = {"STANDARD_IA": 30, "GLACIER_IR": 90, "GLACIER": 90}
"""S3 charges for as much, also where an object goes on earlier."""
LEAST_QUARANTINE_DAYS = 30
"""Somebody must have had the time to look."""
GLUE_DATABASE = re.compile(r"[a-z0-9_]{1,255}")
"""Glue takes more, Athena does not."""


class Tier(Struct, frozen=True, forbid_unknown_fields=True):
    """A storage class that an archived original moves to."""

    after_days: Annotated[int, Meta(ge=IA_MIN_AGE_DAYS, description="Days from its upload to the archive.")]
    storage_class: Annotated[Colder, Meta(description="S3's name of the class.")]


class StorageSettings(Topic, frozen=True):
    """What the stage keeps, and for how long."""

    retain_data: Annotated[
        bool,
        Meta(description="Keep buckets and table when the stack is deleted, and protect both stack and table from it."),
    ] = False
    output_ia_days: Annotated[
        int, Meta(ge=0, description="Days until files for the web move to Standard-IA: 30 or more, 0 for never.")
    ] = 30
    quarantine_days: Annotated[
        int, Meta(ge=0, description="Days until rejected originals expire: 30 or more, 0 for never.")
    ] = 180
    access_logs_days: Annotated[int, Meta(ge=1, description="Days until the buckets' access logs expire.")] = 90
    old_indexes: Annotated[
        Literal["none", "read", "kept"],
        Meta(
            description="Of a table that an older Sluice made, on its way to today's indexes: read, while records are "
            "filed anew; kept, while executions of older versions may go on; none. "
            "See docs/scaling.md#tables-of-the-first-layout."
        ),
    ] = "none"
    glue_database: Annotated[
        str,
        Meta(
            description="A database that is made in Glue, in which each uploaded table can be queried; empty for none. "
            "See docs/deploying.md#tables-in-glue."
        ),
    ] = ""

    def problems(self) -> Iterator[Problem]:
        if 0 < self.output_ia_days < IA_MIN_AGE_DAYS:
            yield "output_ia_days", f"must be 0 for never, or {IA_MIN_AGE_DAYS} or more, not {self.output_ia_days}"
        if 0 < self.quarantine_days < LEAST_QUARANTINE_DAYS:
            yield (
                "quarantine_days",
                f"must be 0 for never, or {LEAST_QUARANTINE_DAYS} or more, not {self.quarantine_days}",
            )
        if self.glue_database and not GLUE_DATABASE.fullmatch(self.glue_database):
            yield (
                "glue_database",
                f"must have lower-case letters, digits and underscores only, not {self.glue_database!r}",
            )


class ArchiveSettings(Topic, frozen=True):
    """How originals are archived. Reprocessing reads them there."""

    storage_class: Annotated[
        Literal["STANDARD", "STANDARD_IA", "GLACIER_IR"],
        Meta(
            description="The class in which an original arrives: one that is readable at once, for reprocessing. What "
            "is below 128 KiB arrives in STANDARD, where it costs less."
        ),
    ] = "GLACIER_IR"
    tiers: Annotated[
        tuple[Tier, ...],
        Meta(
            description="When an original moves to which class, ever colder, and never before what S3 charges for is "
            "over."
        ),
    ] = ()
    superseded_copies_days: Annotated[
        int, Meta(ge=1, description="Days until a copy in the archive expires that was overwritten.")
    ] = 90
    lock_days: Annotated[
        int, Meta(ge=0, description="Days that S3 locks each archived original for; 0 for no lock.")
    ] = 0
    lock_mode: Annotated[
        Literal["governance", "compliance"],
        Meta(
            description="governance: who has the permission can end a lock early; compliance: nobody can, AWS included."
        ),
    ] = "governance"

    def problems(self) -> Iterator[Problem]:
        coldness = get_args(Colder)
        classes = [tier.storage_class for tier in self.tiers]
        if classes != sorted(set(classes), key=coldness.index):
            yield "tiers", f"must grow colder, in the order of {', '.join(coldness)}"
        warm = coldness.index(self.storage_class) + 1 if self.storage_class in coldness else 0
        if not_colder := set(classes) & set(coldness[:warm]):
            yield "tiers", f"must be colder than {self.storage_class}, in which originals arrive, not {min(not_colder)}"
        days = [tier.after_days for tier in self.tiers]
        if any(later - earlier < IA_MIN_AGE_DAYS for earlier, later in itertools.pairwise([0, *days])):
            yield "tiers", f"must be {IA_MIN_AGE_DAYS} days or more apart, and from the upload"
        stays = [(0, self.storage_class), *((tier.after_days, tier.storage_class) for tier in self.tiers)]
        for (begins, name), (ends, _) in itertools.pairwise(stays):
            least = LEAST_STAY_DAYS.get(name, 0)
            if ends - begins < least:
                yield "tiers", f"must stay {least} days in {name}, which are paid for"
