"""The ways in which text may be read as values, in the order in which they are tried.

Each must keep every value: no leading zero, no digit beyond a double's, no order of day and month is guessed.
"""

from dataclasses import dataclass, replace
from functools import cache

from tasks.transform.table.raw import Family

_WHOLE = "(0|[1-9][0-9]*)"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = "[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,%d})?)?"
_ZONE = "(Z| ?UTC| ?[-+][0-9]{2}(:?[0-9]{2})?)"
_TIME_OF_DAY = "([T ,]+[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,6})?)?( ?[AaPp][Mm])?)?"


@dataclass(frozen=True)
class Shape:
    """What texts look like that a group of readings may be for."""

    family: Family
    pattern: str


@dataclass(frozen=True)
class Reading:
    """A type, what makes a value of `$v`, the trimmed text, and SQL that holds for every text that is one.

    `shape` is cheap to test and comes first. `evidence` holds for at least one text: without it, it would be a guess.
    `together` is SQL over all texts. `point` is the decimal point of a reading that minds separators.
    """

    type: str
    shape: Shape
    test: str
    value: str
    evidence: str = "true"
    note: str = ""
    together: str = "true"
    point: str = ""


TRUTH = Shape("boolean", "[A-Za-z]{4,5}")
NUMBER = Shape("number", "[-+.,0-9eE]+|[-+]?[Ii]nf(inity)?")
ISO_TIME = Shape("time", f"{_DAY}.*")
YEAR_FIRST, DOTTED = Shape("time", "[0-9]{4}/.*"), Shape("time", "[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{4}.*")
SLASHED, DASHED = Shape("time", "[0-9]{1,2}/[0-9]{1,2}/.*"), Shape("time", "[0-9]{1,2}-[0-9]{1,2}-.*")
DAY_NAMED_MONTH = Shape("time", "[0-9]{1,2}[- ][A-Za-z]{3,9}[- ][0-9]{4}.*")
NAMED_MONTH = Shape("time", "[A-Za-z]{3,9} [0-9]{1,2}, .*")
LOG_TIME = Shape("time", "([0-9]{2}/[A-Za-z]{3}/[0-9]{4}:|[A-Za-z]{3}, [0-9]{2} [A-Za-z]{3} [0-9]{4} ).*")
SHAPES = (TRUTH, NUMBER, ISO_TIME, YEAR_FIRST, DOTTED, SLASHED, DASHED, DAY_NAMED_MONTH, NAMED_MONTH, LOG_TIME)


def _matches(pattern: str) -> str:
    return f"regexp_full_match($v, '{pattern}')"


def _is_exact(number: str) -> str:
    """Up to 15 digits, or the shortest text of a double: what is written comes back."""
    digits = f"length(regexp_replace(regexp_replace({number}, '[eE].*', ''), '^[-0.]*|\\.', '', 'g'))"
    comes_back = f"try_cast({number} AS DOUBLE)::VARCHAR = {number}"
    return f"CASE WHEN strlen({number}) <= 15 THEN true WHEN {digits} <= 15 THEN true ELSE {comes_back} END"


def separated(group: str, point: str) -> tuple[Reading, ...]:
    """Numbers with separators: it takes two groups, or both signs, to tell a group from a fraction."""
    grouped = f"[1-9][0-9]{{0,2}}(\\{group}[0-9]{{3}})"
    return _separated(group, point, f"-?({grouped}{{2,}}|{grouped}+\\{point}[0-9]+)")


def _decimal_commas() -> tuple[Reading, ...]:
    """One comma, where semicolons divide cells: a fraction, if it could be told from the number how it was written."""
    digits = "length(regexp_extract($v, ',([0-9]+)$', 1))"
    same_length = f"min(nullif({digits}, 0)) = max({digits})"
    together = f"({same_length} OR NOT bool_or(regexp_matches($v, ',[0-9]*0$')))"
    return tuple(
        replace(reading, together=together) for reading in _separated(".", ",", f"-?({_WHOLE},[0-9]{{1,2}}|0,[0-9]+)")
    )


def _separated(group: str, point: str, tells: str) -> tuple[Reading, ...]:
    grouped = f"[1-9][0-9]{{0,2}}(\\{group}[0-9]{{3}})"
    plain = f"replace(replace($v, '{group}', ''), '{point}', '.')"
    number = _matches(f"-?({_WHOLE}|{grouped}+)(\\{point}[0-9]+)?")
    note = f'"{point}" is read as the decimal point and "{group}" as the separator of thousands'
    whole = _matches(f"-?({_WHOLE}|{grouped}+)")
    return (
        Reading(
            *("BIGINT", NUMBER, f"{whole} AND length($v) < 20", f"({plain})::BIGINT"),
            evidence=_matches(tells),
            note=note,
            point=point,
        ),
        Reading(
            *("DOUBLE", NUMBER, f"{number} AND {_is_exact(plain)}", f"({plain})::DOUBLE"),
            evidence=_matches(tells),
            note=note,
            point=point,
        ),
    )


def _ordered_dates() -> tuple[Reading, ...]:
    """Slashes and dashes: days and months are told apart by one that is above 12."""
    orders = {"d": ("%d{0}%m{0}%Y", "1[3-9]|2[0-9]|3[01]", ""), "m": ("%m{0}%d{0}%Y", "", "1[3-9]|2[0-9]|3[01]")}
    return tuple(
        reading
        for sign, shape in (("/", SLASHED), ("-", DASHED))
        for form, first, second in orders.values()
        for reading in _dates(
            shape,
            form.format(sign),
            f"[0-9]{{1,2}}{sign}[0-9]{{1,2}}{sign}[0-9]{{4}}",
            _matches(f"({first or '[0-9]+'}){sign}({second or '[0-9]+'}){sign}.*"),
        )
    )


def _dates(shape: Shape, form: str, pattern: str, evidence: str = "true") -> tuple[Reading, ...]:
    """A date, and the same with a time of day in any usual form."""
    clocks = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p")
    forms = ", ".join(
        f"'{form}{clock}'" for clock in ("", *(f"{gap}{clock}" for gap in (" ", "T", ", ") for clock in clocks))
    )
    date = f"try_strptime($v, '{form}')"
    moment = f"try_strptime($v, [{forms}])"
    return (
        Reading("DATE", shape, f"{_matches(pattern)} AND {date} IS NOT NULL", f"{date}::DATE", evidence),
        Reading("TIMESTAMP", shape, f"{_matches(pattern + _TIME_OF_DAY)} AND {moment} IS NOT NULL", moment, evidence),
    )


def _cast(kind: str, pattern: str, note: str = "") -> Reading:
    cast = f"try_cast($v AS {kind})"
    return Reading(kind, ISO_TIME, f"{_matches(pattern)} AND {cast} IS NOT NULL", cast, note=note)


_NUMBER = f"-?({_WHOLE}(\\.[0-9]+)?|\\.[0-9]+|[0-9](\\.[0-9]+)?[eE][-+][0-9]{{1,3}}|[0-9]+\\.[0-9]+[eE][0-9]{{1,3}})"

_INFINITE = "[-+]?[Ii]nf(inity)?"
_PLAIN_VALUES: tuple[Reading, ...] = (
    Reading("BOOLEAN", TRUTH, "lower($v) IN ('true', 'false')", "lower($v) = 'true'"),
    Reading("BIGINT", NUMBER, "try_cast($v AS BIGINT)::VARCHAR = $v", "$v::BIGINT"),
    Reading("DECIMAL(38,0)", NUMBER, _matches("-?(0|[1-9][0-9]{0,37})"), "$v::DECIMAL(38,0)"),
    Reading(
        "DOUBLE",
        NUMBER,
        f"{_matches(_NUMBER)} AND isfinite(try_cast($v AS DOUBLE)) AND {_is_exact('$v')}",
        "$v::DOUBLE",
    ),
    Reading("DECIMAL(38,18)", NUMBER, _matches("-?(0|[1-9][0-9]{0,19})(\\.[0-9]{1,18})?"), "$v::DECIMAL(38,18)"),
    Reading(
        "DOUBLE",
        NUMBER,
        f"({_matches(_NUMBER)} AND {_is_exact('$v')} OR {_matches(_INFINITE)})",
        "$v::DOUBLE",
        evidence=_matches(_NUMBER),
    ),
)
_TIMES: tuple[Reading, ...] = (
    _cast("DATE", _DAY),
    _cast("TIMESTAMP", f"{_DAY}([T ]{_CLOCK % 6})?"),
    _cast("TIMESTAMP_NS", f"{_DAY}([T ]{_CLOCK % 9})?"),
    _cast("TIMESTAMPTZ", f"{_DAY}[T ]{_CLOCK % 6}{_ZONE}", "times are in UTC"),
    *_dates(YEAR_FIRST, "%Y/%m/%d", "[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}"),
    *_dates(DOTTED, "%d.%m.%Y", "[0-9]{1,2}\\.[0-9]{1,2}\\.[0-9]{4}"),
    *_ordered_dates(),
    *_dates(DAY_NAMED_MONTH, "%d-%b-%Y", "[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}"),
    *_dates(DAY_NAMED_MONTH, "%d %b %Y", "[0-9]{1,2} [A-Za-z]{3} [0-9]{4}"),
    *_dates(DAY_NAMED_MONTH, "%d %B %Y", "[0-9]{1,2} [A-Za-z]{3,9} [0-9]{4}"),
    *_dates(NAMED_MONTH, "%b %d, %Y", "[A-Za-z]{3} [0-9]{1,2}, [0-9]{4}"),
    *_dates(NAMED_MONTH, "%B %d, %Y", "[A-Za-z]{3,9} [0-9]{1,2}, [0-9]{4}"),
    Reading(
        "TIMESTAMPTZ",
        LOG_TIME,
        "try_strptime($v, ['%d/%b/%Y:%H:%M:%S %z', '%a, %d %b %Y %H:%M:%S %z']) IS NOT NULL",
        "try_strptime($v, ['%d/%b/%Y:%H:%M:%S %z', '%a, %d %b %Y %H:%M:%S %z'])",
        note="times are in UTC",
    ),
)

_DAY_OR_MONTH = "stays text: it could be day/month or month/day"

AMBIGUITIES: tuple[Reading, ...] = (
    Reading("VARCHAR", SLASHED, _matches(f"[0-9]+/[0-9]+/[0-9]{{4}}{_TIME_OF_DAY}"), "$v", note=_DAY_OR_MONTH),
    Reading("VARCHAR", DASHED, _matches(f"[0-9]+-[0-9]+-[0-9]{{4}}{_TIME_OF_DAY}"), "$v", note=_DAY_OR_MONTH),
    Reading(
        "VARCHAR",
        NUMBER,
        _matches(f"-?({_WHOLE}|[1-9][0-9]{{0,2}}[.,][0-9]{{3}}|{_WHOLE},[0-9]+)"),
        "$v",
        evidence=_matches(".*[.,].*"),
        note="stays text: its comma could mark thousands, a decimal fraction or a list",
    ),
)
"""What would be a guess: text it stays, and people are told why."""

LIKE_THOUSANDS = Reading("DOUBLE", NUMBER, _matches("-?[1-9][0-9]{0,2}\\.[0-9]{3}"), "$v::DOUBLE")
POINT_NOTE = '"." is read as the decimal point, though other columns have decimal commas: it could mark thousands'


@cache
def readings(delimiter: str) -> tuple[Reading, ...]:
    """All, for text with this delimiter: where it is no semicolon, a comma in a cell may also be that of a list."""
    with_commas = _decimal_commas() if delimiter == ";" else ()
    return (*_PLAIN_VALUES, *separated(".", ","), *separated(",", "."), *with_commas, *_TIMES, *AMBIGUITIES)
