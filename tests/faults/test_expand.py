"""The function that unpacks archives may die at any of its calls: each file still comes in once."""

import io
import zipfile

from tasks.shared.naming import child_key
from tests.faults.wire import Wire, crash_after, crash_before
from tests.faults.world import KEY
from tests.unit.cloud import EXPANDED

FILES = {"a.csv": b"x,y\n1,2\n3,4\n", "b/c.csv": b"x,y\n5,6\n7,8\n"}


def packed() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 23, 10, 0, 0)), content)
    return buffer.getvalue()


ARCHIVE = packed()


def test_each_file_of_an_archive_comes_in_once_wherever_the_function_dies(world_of, undisturbed, subtests):
    calls, _ = undisturbed(ARCHIVE)
    unpacking = [number for number, call in enumerate(calls) if call.startswith("transform_archive ")]
    assert unpacking
    for number in unpacking:
        for fault in (crash_before, crash_after):
            with (
                subtests.test(fault=fault.__name__, call=calls[number]),
                world_of(ARCHIVE, Wire(number, fault)) as world,
            ):
                assert world.deliver().status == "SUCCEEDED"
                versions = world.cloud.versions(EXPANDED)
                expected = {child_key(KEY, world.asset, name): content for name, content in FILES.items()}
                assert sorted(key for key, _ in versions) == sorted(expected)
                assert world.cloud.contents(EXPANDED) == expected
