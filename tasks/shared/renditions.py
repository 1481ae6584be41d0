"""From what a kind's module made to what the state carries: published files and facts, or those of the same content."""

import json
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from tasks.shared.naming import renditions_folder, technical_key
from tasks.shared.objects import Objects
from tasks.shared.publish import publish
from tasks.shared.published import prove_nothing_private
from tasks.shared.published.secrets import Secrets, secrets_of
from tasks.shared.records.adapter import Records
from tasks.shared.records.model import Record
from tasks.shared.work import Rendered
from workflow.shapes import Asset, Pointer, Previews, Transformed

_TELL_CONTENT = frozenset({"table", "archive"})
"""Kinds whose record tells what is in the file, columns and names, and not about the file."""


@dataclass(frozen=True)
class Renditions:
    """The output bucket, as the tasks that transform use it."""

    bucket: str
    objects: Objects
    publish_private: bool

    def published(self, asset: Asset, sha256: str, recipe: str, rendered: Rendered, original: BinaryIO) -> Transformed:
        """Where everything is that a kind's module made of an asset; raises ResultNotProven before anything is."""
        if not self.publish_private:
            is_content = asset.kind in _TELL_CONTENT
            prove_nothing_private(rendered, Secrets() if is_content else secrets_of(original, asset.size))
        technical = Pointer(bucket=self.bucket, key=technical_key(asset.id))
        text = json.dumps(rendered.technical).encode()
        self.objects.put(technical.bucket, technical.key, text, "application/json")
        return Transformed(
            sha256=sha256,
            recipe=recipe,
            renditions=publish(rendered.files, self.bucket, renditions_folder(asset.id, recipe), self.objects),
            facts=rendered.facts,
            technical=technical,
        )

    def of_same_content(self, asset: Asset, sha256: str, recipe: str, records: Records) -> Transformed | None:
        """What an earlier asset with the same bytes already has, if all of it is still there."""
        others = (record for record in records.assets.with_content(sha256, recipe) if record.asset_id != asset.id)
        taken_over = (_taken_over(other, sha256, recipe) for other in others)
        return next((found for found in taken_over if found and self._all_there(found)), None)

    def _all_there(self, found: Transformed) -> bool:
        files = (*found.renditions, *(found.previews.files if found.previews else ()), found.technical)
        return all(self.objects.head(Pointer(bucket=file.bucket, key=file.key)) for file in files)


def with_facts(made: Transformed, **facts: Any) -> Transformed:
    """What was made, with more facts about it."""
    return replace(made, facts=made.facts | facts)


def _taken_over(other: Record, sha256: str, recipe: str) -> Transformed | None:
    """None of one that has not all that is taken over."""
    if other.degraded or other.technical is None or other.thumbhash is None or other.dominant_color is None:
        return None
    return Transformed(
        sha256=sha256,
        recipe=recipe,
        renditions=other.renditions,
        facts=other.facts,
        technical=other.technical,
        reused_from=other.asset_id,
        previews=Previews(files=other.thumbnails, thumbhash=other.thumbhash, dominant_color=other.dominant_color),
    )
