"""docs/deploying.md names what there is."""

import re

import pytest

from infra.functions.sources import PROJECT_ROOT
from tests.infra.conftest import Stage
from tests.infra.variants import STAGES

DEPLOYING = (PROJECT_ROOT / "docs" / "deploying.md").read_text()


def test_every_output_is_explained_and_no_other(stages: dict[str, Stage]) -> None:
    outputs = stages["dev"].storage.body["Outputs"] | stages["dev"].pipeline.body["Outputs"]
    published = {name for name, output in outputs.items() if "Export" not in output}
    assert set(re.findall(r"^\| `([A-Z]\w+)` \|", DEPLOYING, re.MULTILINE)) == published


@pytest.mark.parametrize("stage", list(STAGES))
def test_every_stage_is_mentioned(stage: str) -> None:
    assert f"`{stage}`" in DEPLOYING


def test_prod_s_reserved_concurrency_is_told() -> None:
    assert f"reserves {sum(STAGES['prod'].functions.concurrency.values())} concurrent" in " ".join(DEPLOYING.split())


def test_the_age_at_which_originals_change_tier_is_told() -> None:
    text = " ".join(DEPLOYING.split())
    prod = STAGES["prod"]
    (to_deep_archive,) = (tier.after_days for tier in prod.archive.tiers)
    assert prod.archive.storage_class == "GLACIER_IR"
    assert f"In `prod` it moves to Glacier Deep Archive after {to_deep_archive} days" in text
    assert (
        f"Standard-IA after {STAGES['dev'].storage.output_ia_days} days, in `prod` after {prod.storage.output_ia_days}"
        in text
    )
    assert f"after {prod.storage.quarantine_days} days what is in quarantine expires" in text
