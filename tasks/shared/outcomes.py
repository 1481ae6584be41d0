"""How a container, whose exit code is all that Step Functions sees, tells a function what became of its work."""

from dataclasses import dataclass

import msgspec

from tasks.shared.naming import outcome_key
from tasks.shared.objects import Objects
from workflow import errors
from workflow.errors import ResultNotProven, SluiceError, rejections
from workflow.shapes import Pointer, Transformed, dump


class Outcome(msgspec.Struct, frozen=True):
    """What was made; or the name of the error, a reject code or ResultNotProven, and the sentence for people."""

    made: Transformed | None = None
    code: str = ""
    message: str = ""

    def result(self) -> Transformed:
        """What was made; raises the error that the container met."""
        if self.made is None:
            raise self._error()
        return self.made

    def _error(self) -> SluiceError:
        if self.code not in {*rejections(), ResultNotProven.__name__}:
            raise ValueError(f"The container's outcome has neither a result nor an error's name: {self.code!r}.")
        error: SluiceError = getattr(errors, self.code)(self.message)
        return error


@dataclass(frozen=True)
class Outcomes:
    """Those in the output bucket; one for each execution, so that none takes another's."""

    bucket: str
    objects: Objects

    def write(self, asset: str, execution: str, outcome: Outcome) -> None:
        self.objects.put(
            self.bucket, outcome_key(asset, execution), msgspec.json.encode(dump(outcome)), "application/json"
        )

    def read(self, asset: str, execution: str) -> Transformed:
        """What was made; raises the error that the container met."""
        told = self.objects.read(Pointer(bucket=self.bucket, key=outcome_key(asset, execution)))
        return msgspec.json.decode(told, type=Outcome).result()
