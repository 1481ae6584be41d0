"""Makes tables of every format, and reads what became of them."""

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import duckdb

from tasks.shared.published import prove_files
from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform.table import prove, transform

CSV, NDJSON, JSON = "text/csv", "application/x-ndjson", "application/json"
PARQUET = "application/vnd.apache.parquet"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_DATE_STYLE = 1
STYLES = (
    "<styleSheet><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders><cellStyleXfs><xf/>"
    '</cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>'
)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@dataclass(frozen=True)
class Table:
    """What became of a file: its rendition, and how engines read it."""

    rendered: Rendered

    @property
    def facts(self) -> dict[str, Any]:
        return self.rendered.facts

    def paths(self, slug: str = "") -> list[str]:
        wanted = f"tables/{slug}"
        return [str(file.path) for file in self.rendered.files if file.name.startswith(wanted)]

    def types(self, slug: str = "") -> dict[str, str]:
        return dict(row[:2] for row in duckdb.sql(f"DESCRIBE FROM read_parquet({self.paths(slug)})").fetchall())

    def rows(self, slug: str = "") -> list[tuple]:
        """Every value as DuckDB writes it, so that a changed one shows."""
        texts = "SELECT COLUMNS(*)::VARCHAR FROM "
        return duckdb.sql(f"SET TimeZone = 'UTC'; {texts} read_parquet({self.paths(slug)})").fetchall()

    def column(self, name: str) -> list[str | None]:
        at = list(self.types()).index(name)
        return [row[at] for row in self.rows()]

    @property
    def profile(self) -> dict[str, Any]:
        return json.loads(self._path("profile").read_text())

    @property
    def rejects(self) -> list[dict[str, Any]]:
        path = self._path("rejects/")
        return [json.loads(line) for line in path.read_text().splitlines()]

    def _path(self, name: str) -> Path:
        return next(file.path for file in self.rendered.files if file.name.startswith(name))


def converted(folder: Path, content: bytes | str, media_type: str = CSV, name: str = "table", **recipe) -> Table:
    """The table of a file with this content, proven; `folder` is empty."""
    path, scratch = folder / "original", folder / "scratch"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    scratch.mkdir()
    original = Original(path, name, media_type, scratch)
    rendered = transform(original, Recipe(**recipe))
    prove(original, rendered, Recipe(**recipe))
    prove_files(rendered.files)
    return Table(rendered)


def parquet(folder: Path, query: str, options: str = "") -> bytes:
    path = folder / "made.parquet"
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet{options})")
    return path.read_bytes()


def cell(reference: str, value: object) -> str:
    """A cell: text, numbers, truths; a `("date", days)`, an `("error", text)`, a `("formula", text, value)`."""
    match value:
        case bool():
            return f'<c r="{reference}" t="b"><v>{int(value)}</v></c>'
        case str():
            return f'<c r="{reference}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        case ("date", days):
            return f'<c r="{reference}" s="{_DATE_STYLE}"><v>{days}</v></c>'
        case ("error", found):
            return f'<c r="{reference}" t="e"><v>{found}</v></c>'
        case ("formula", text, found):
            return f'<c r="{reference}"><f>{escape(text)}</f><v>{found}</v></c>'
        case _:
            return f'<c r="{reference}"><v>{value}</v></c>'


def sheet(rows: Iterable[Iterable[object]]) -> str:
    lines = []
    for number, row in enumerate(rows, 1):
        cells = (cell(f"{chr(65 + at)}{number}", value) for at, value in enumerate(row) if value is not None)
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def workbook(*, styles: str = STYLES, properties: str = "", **sheets: str | Iterable[Iterable[object]]) -> bytes:
    """An XLSX file; a sheet is its rows, or its XML."""
    buffer = io.BytesIO()
    names = list(sheets)
    listed = "".join(f'<sheet name="{name}" sheetId="{at}" r:id="r{at}"/>' for at, name in enumerate(names, 1))
    related = "".join(
        f'<Relationship Id="r{at}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at, _ in enumerate(names, 1)
    )
    styled = f'<Relationship Id="styles" Type="{_RELATIONS}/styles" Target="styles.xml"/>'
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{_RELATIONS}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets>{properties}</workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}">{related}{styled}</Relationships>'
        )
        archive.writestr("xl/styles.xml", styles.replace("<styleSheet>", f'<styleSheet xmlns="{_MAIN}">'))
        for at, rows in enumerate(sheets.values(), 1):
            archive.writestr(f"xl/worksheets/sheet{at}.xml", rows if isinstance(rows, str) else sheet(rows))
    return buffer.getvalue()
