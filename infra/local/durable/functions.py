"""Lambda functions, each a row; their code is in files that are named by its digest, as the emulator has them."""

from typing import Any

from infra.local.durable.journal import Entries, Journal
from infra.local.ministack import lambda_svc

Function = dict[str, Any]


class Functions(Entries):
    def __init__(self, journal: Journal) -> None:
        self._digests: dict[int, tuple[bytes, str]] = {}
        """By the code's identity: it is large, and never changed in place."""
        super().__init__("lambda/functions", lambda_svc._functions, journal, self._without_codes)

    def _without_codes(self, function: Function) -> Function:
        versions: dict[str, Function] = function.get("versions", {})
        stored = {number: self._without_code(version) for number, version in versions.items()}
        return self._without_code(function) | {"versions": stored}

    def _without_code(self, function: Function) -> Function:
        code = function.get("code_zip")
        if not isinstance(code, bytes):
            return dict(function)
        if id(code) not in self._digests:
            self._digests[id(code)] = (code, lambda_svc._write_code_blob(code))
        return function | {"code_zip": {lambda_svc._BLOB_REF_KEY: self._digests[id(code)][1]}}

    def restore(self) -> None:
        """Drops the code that no function has any more."""
        functions = [self._data.peek(key) for key in self._data]
        versions = [version for function in functions for version in function.get("versions", {}).values()]
        self._digests.clear()
        codes = {each["code_zip"] for each in (*functions, *versions) if isinstance(each.get("code_zip"), bytes)}
        lambda_svc._prune_orphan_code_blobs({lambda_svc._write_code_blob(code) for code in codes})
