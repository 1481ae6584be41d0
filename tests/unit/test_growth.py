"""What a file costs does not creep up: a fifth more calls to AWS, or more bytes, than was recorded fails.

After a change that is worth it, `python -m tests.bench.measure_cost` records anew.
"""

import json

import pytest

from infra.local.samples import FOLDER
from tests.bench.measure_cost import SAMPLES, record_size, state_bytes
from tests.unit.cloud import OUTPUT, Cloud
from tests.unit.meter import Meter
from tests.unit.state_machine import Machine
from workflow.operator.cost.measured import measured

MOST_TIMES = 1.2


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_takes_no_more_calls_and_bytes_than_were_recorded(cloud: Cloud, machine: Machine, kind: str) -> None:
    meter, recorded = Meter(cloud), measured().kinds[kind]
    machine.around = meter.around
    at = cloud.upload(SAMPLES[kind], (FOLDER / SAMPLES[kind]).read_bytes())
    with meter.installed():
        execution = machine.run({"bucket": at.bucket, "key": at.key, "version_id": at.version_id, "trigger": "upload"})
    assert execution.status == "SUCCEEDED"
    made = sum(len(cloud.read(OUTPUT, key)) for key in cloud.keys(OUTPUT))
    found = {
        "calls": sum(each.calls for each in meter.used.values()),
        "bytes": made,
        "state_bytes": state_bytes(execution),
        "record_bytes": sum(record_size(cloud, execution).values()),
    }
    expected = {
        "calls": sum(measured().functions[function].calls for function in meter.used),
        "bytes": recorded.rendition_bytes + sum(recorded.other_bytes),
        "state_bytes": recorded.state_bytes,
        "record_bytes": recorded.record_bytes,
    }
    above = {name: (found[name], most) for name, most in expected.items() if found[name] > most * MOST_TIMES}
    assert not above, json.dumps(above)
