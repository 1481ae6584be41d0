"""CPU time and memory of documents and archives at their limits. On demand: pytest -m bench -n0 -s."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pikepdf import Array, Dictionary, Name, ObjectStreamMode

from tasks.thumbnail import document as thumbnail
from tasks.transform.document.limits import CONFINES, MAX_OBJECTS, MAX_PAGES
from tests.unit.papers import document, entry
from workflow.units import MIB

pytestmark = pytest.mark.bench

CHILD = """
import json, resource, sys
from importlib import import_module
from pathlib import Path
from tasks.shared.work import Original, Recipe
from workflow.errors import SluiceError

task, path, scratch = sys.argv[1:]
try:
    if task.startswith("tasks.thumbnail"):
        import_module(task).preview(Path(path))
    else:
        import_module(task).transform(Original(Path(path), "a", "application/octet-stream", Path(scratch)), Recipe())
    outcome = "done"
except SluiceError as exc:
    outcome = f"{type(exc).__name__}: {exc}"
own, inner = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
status = Path("/proc/self/status").read_text()
own_mb = int(status.partition("VmHWM:")[2].split()[0]) / 1024
cost = {"cpu_s": own.ru_utime + inner.ru_utime, "own_mb": own_mb, "inner_mb": inner.ru_maxrss / 1024}
print(json.dumps({"outcome": outcome, **cost}))
"""


def measure(task: str, path: Path, scratch: Path) -> dict:
    command = [sys.executable, "-c", CHILD, task, str(path), str(scratch)]
    cost = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    told = f"{cost['cpu_s']:.1f} s CPU, {cost['own_mb']:.0f} MB and {cost['inner_mb']:.0f} MB in the child"
    print(f"{task}, {path.name} of {path.stat().st_size / MIB:.1f} MiB: {told}; {cost['outcome']}")
    return cost


def both(path: Path, folder: Path) -> tuple[dict, dict]:
    return measure("tasks.transform.document", path, folder), measure("tasks.thumbnail.document", path, folder)


def test_document_of_the_most_pages(tmp_path):
    path = tmp_path / "pages.pdf"
    lines = ") Tj 0 -14 Td (".join(["words and words and more of the same, line after line"] * 40)
    document(*[lines] * MAX_PAGES).save(path)
    transform, preview = both(path, tmp_path)
    assert transform["outcome"] == preview["outcome"] == "done"
    assert transform["inner_mb"] < CONFINES.memory_mb


def test_document_of_the_most_objects(tmp_path):
    path, pdf = tmp_path / "objects.pdf", document("Hello")
    tags = (
        pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.P, K=at)) for at in range(MAX_OBJECTS * 98 // 100)
    )
    pdf.Root.StructTreeRoot = pdf.make_indirect(Dictionary(K=Array(list(tags))))
    pdf.save(path, object_stream_mode=ObjectStreamMode.generate)
    transform, preview = both(path, tmp_path)
    assert transform["outcome"] == preview["outcome"] == "done"
    assert transform["inner_mb"] < CONFINES.memory_mb


@pytest.mark.parametrize("side_px", [5_000, 10_000, 16_000])
def test_scan_of_a_large_sheet(tmp_path, side_px):
    """Of 16,000 pixels a side the decoded picture alone has 768 MB."""
    path, pdf = tmp_path / f"scan-{side_px}.pdf", document("")
    image = pdf.make_stream(
        bytes(3 * side_px) * side_px,
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=side_px,
        Height=side_px,
        BitsPerComponent=8,
        ColorSpace=Name.DeviceRGB,
    )
    page = pdf.pages[0].obj
    page.Resources.XObject, page.Contents = Dictionary(Im0=image), pdf.make_stream(b"q 595 0 0 842 0 0 cm /Im0 Do Q")
    pdf.save(path)
    transform, preview = both(path, tmp_path)
    assert transform["outcome"] == "done"
    assert preview["inner_mb"] < thumbnail.CONFINES.memory_mb * 1.1


def test_archive_of_many_gigabytes(tmp_path):
    path, block = tmp_path / "large.zip", os.urandom(MIB) * 64
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as packed:
        for at in range(16):
            packed.writestr(entry(f"{at}.bin", zipfile.ZIP_STORED), block)
    cost = measure("tasks.transform.archive", path, tmp_path)
    assert cost["outcome"] == "done"
    assert cost["own_mb"] < 200
