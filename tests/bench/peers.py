"""Other tools that do the same work, in a folder of their own: nothing of them is installed with the project."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import uv

from tests.bench.race import Contestant

SCRIPTS = Path(__file__).parent / "scripts"
LIBRARIES = ("polars", "pandas", "pyarrow")


class Peers:
    """Installs what can be installed; `missing` says what cannot, and why. Their rows go without them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.missing: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    def sharp(self, effort: int) -> list[Contestant]:
        node, npm = (shutil.which(name) for name in ("node", "npm"))
        modules = self.folder / "node_modules"
        if not (node and npm):
            return self._lack("sharp", "there is no node, or no npm, on PATH")
        command = [npm, "install", "--prefix", str(self.folder), "--no-audit", "--no-fund", "sharp"]
        if not (modules / "sharp").exists() and not self._done("sharp", command):
            return []
        return [Contestant(f"sharp, effort {effort}", (node, str(SCRIPTS / "sharp.js"), str(modules), str(effort)))]

    def duckdb(self) -> list[Contestant]:
        """The project's own, by its plain COPY."""
        return [Contestant("DuckDB", (sys.executable, str(SCRIPTS / "tables.py"), "duckdb"), whole=True)]

    def table_libraries(self) -> list[Contestant]:
        python = self.folder / "python"
        interpreter = python / "bin" / "python"
        install = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", str(interpreter), *LIBRARIES]
        if not interpreter.exists():
            created = self._done("polars, pandas", [uv.find_uv_bin(), "venv", "--quiet", str(python)])
            if not (created and self._done("polars, pandas", install)):
                shutil.rmtree(python, ignore_errors=True)
                return []
        names = {"polars": "Polars", "pandas": "pandas"}
        script = str(SCRIPTS / "tables.py")
        return [Contestant(said, (str(interpreter), script, tool), whole=True) for tool, said in names.items()]

    def program(self, name: str, *options: str) -> list[Contestant]:
        """Of the machine, for a file whose path comes last, or where an option is "{}"."""
        path = shutil.which(name)
        if path is None:
            return self._lack(name, "it is not on PATH")
        return [Contestant(name, (path, *options), whole=True, takes_path=True)]

    def _lack(self, name: str, why: str) -> list[Contestant]:
        self.missing.append(f"{name}: {why}")
        return []

    def _done(self, name: str, command: Sequence[str]) -> bool:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            self._lack(name, f"it could not be installed ({done.stderr.strip().splitlines()[-1:]})")
        return not done.returncode
