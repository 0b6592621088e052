"""Durations, sizes and moments as batch systems write them: read and written here and nowhere else.

Durations are whole seconds, sizes whole kB (of 1024 bytes). None stands for what has no limit or is not known.
What cannot be read raises OutputParsingError, which tells which field it is, what it holds and what would be right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from fractions import Fraction
from typing import Final, NoReturn

from scale.batch.errors import OutputParsingError

MINUTE, HOUR, DAY = 60, 3600, 86400

#: what Slurm and Grid Engine write in the place of a number
NOTHING: Final = frozenset(
    {"", "unlimited", "infinity", "infinite", "not_set", "partition_limit", "n/a", "none", "unknown", "invalid", "undefined", "-"}
)

# no number of theirs has more than 18 digits; seconds may have a fraction (TotalCPU of sacct)
_COLONS: Final = re.compile(r"(?:(?P<days>\d{1,18})-)?(?P<rest>\d{0,18}(?::\d{0,18})*)(?:\.\d+)?", re.ASCII)
_SIZE: Final = re.compile(r"(?P<number>\d{1,18}(?:\.\d{1,9})?)(?P<unit>[a-z]*)", re.ASCII | re.IGNORECASE)
_NUMBER: Final = re.compile(r"(?P<whole>-?\d{1,18})(?:\.\d+)?", re.ASCII)

_SLURM_UNITS: Final = {"": 1 << 20, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50, "e": 1 << 60}
_PBS_BYTES: Final = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
_PBS_UNITS: Final = {"": 1, **_PBS_BYTES, **{unit[:-1] + "w": 8 * size for unit, size in _PBS_BYTES.items()}}
#: small letters count by 1000
_SGE_UNITS: Final = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "K": 1 << 10,
    "M": 1 << 20,
    "G": 1 << 30,
    "T": 1 << 40,
}


def slurm_duration(text: str, where: str = "duration") -> int | None:
    """`D-HH:MM:SS`, `D-HH:MM`, `D-HH`, `HH:MM:SS`, `MM:SS`, or `MM`."""
    days, parts = _parts(text, where, right="[days-]hours:minutes:seconds, minutes:seconds or minutes", most=3)
    if parts is None:
        return None
    units = (HOUR, MINUTE, 1) if days is not None or len(parts) == 3 else (MINUTE, 1)
    return (days or 0) * DAY + sum(part * unit for part, unit in zip(parts, units, strict=False))


def slurm_duration_text(seconds: int) -> str:
    """`D-H:M:S`"""
    days, rest = divmod(seconds, DAY)
    return f"{days}-{clock_text(rest)}"


def pbs_duration(text: str, where: str = "duration") -> int | None:
    """`[[[D:]H:]M:]S`: fields count from the right."""
    days, parts = _parts(text, where, right="[[hours:]minutes:]seconds", most=4)
    if days is not None:
        _unreadable(text, where, "[[hours:]minutes:]seconds")
    return None if parts is None else _from_the_right(parts)


def sge_duration(text: str, where: str = "duration") -> int | None:
    """`[[H:]M:]S`, where a field may be empty; `INFINITY` has no limit."""
    return pbs_duration(text, where)


def ps_duration(text: str, where: str = "etime") -> int | None:
    """`[[D-]H:]M:S`"""
    days, parts = _parts(text, where, right="[[days-]hours:]minutes:seconds", most=3)
    return None if parts is None else (days or 0) * DAY + _from_the_right(parts)


def swf_number(text: str, where: str = "number") -> int | None:
    """A number of the Standard Workload Format, where -1 is what is not known. Fractions of a second are dropped."""
    match = _NUMBER.fullmatch(text.strip())
    if not match:
        _unreadable(text, where, "a number, or -1 for what is not known")
    return None if match["whole"] == "-1" else int(match["whole"])


def clock_text(seconds: int) -> str:
    """`H:M:S`, where hours may be more than 24: the limit of PBS and Grid Engine."""
    return f"{seconds // HOUR}:{seconds % HOUR // MINUTE}:{seconds % MINUTE}"


def slurm_memory(text: str, where: str = "memory") -> int | None:
    """kB of `4000M`, `1.50G`, `500Mn` (a node) or `500Mc` (a cpu); a bare number counts MB."""
    return _size(re.sub(r"(?<=[0-9KMGTP])[nc]$", "", text.strip()), where, _SLURM_UNITS, "4000M, 2G or 1.5T")


def pbs_memory(text: str, where: str = "memory") -> int | None:
    """kB of `4000mb` or `512mw` (words of eight bytes); a bare number counts bytes."""
    return _size(text, where, _PBS_UNITS, "4000mb or 2gb")


def sge_memory(text: str, where: str = "memory") -> int | None:
    """kB of `2G` (of 1024) or `2g` (of 1000); a bare number counts bytes."""
    return _size(text, where, _SGE_UNITS, "4000M or 2G")


def iso_moment(text: str, zone: tzinfo, where: str = "time") -> datetime | None:
    """`2026-01-31T12:00:00` on a clock in this zone: Slurm, and Grid Engine's XML."""
    if text.strip().lower() in NOTHING:
        return None
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        _unreadable(text, where, "a time like 2026-01-31T12:00:00")
    return when if when.tzinfo else when.replace(tzinfo=zone)


def ctime_moment(text: str, zone: tzinfo, where: str = "time") -> datetime | None:
    """`Sat Jan 31 12:00:00 2026` on a clock in this zone: PBS, and Grid Engine's accounting."""
    if text.strip().lower() in NOTHING or text.strip("-/ ") == "":
        return None
    match = _CTIME.fullmatch(text.strip())
    if not match or match["month"].title() not in _MONTHS:
        _unreadable(text, where, "a time like Sat Jan 31 12:00:00 2026")
    year, day, hours, minutes, seconds = (int(match[part]) for part in ("year", "day", "h", "m", "s"))
    try:
        return datetime(year, _MONTHS.index(match["month"].title()) + 1, day, hours, minutes, seconds, tzinfo=zone)
    except ValueError:
        _unreadable(text, where, "a time like Sat Jan 31 12:00:00 2026")


# not strptime, which reads names of months in the language of the machine
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CTIME: Final = re.compile(
    r"[a-z]{3} +(?P<month>[a-z]{3}) +(?P<day>\d{1,2}) +(?P<h>\d{1,2}):(?P<m>\d\d):(?P<s>\d\d) +(?P<year>\d{4})",
    re.ASCII | re.IGNORECASE,
)


def _parts(text: str, where: str, *, right: str, most: int) -> tuple[int | None, list[int] | None]:
    """Days before a dash, and the numbers between colons; neither for what has no limit."""
    if text.strip().lower() in NOTHING:
        return None, None
    match = _COLONS.fullmatch(text.strip())
    parts = match["rest"].split(":") if match else []
    if not match or len(parts) > most or not any(parts):
        _unreadable(text, where, right)
    return int(match["days"]) if match["days"] else None, [int(part or 0) for part in parts]


def _from_the_right(parts: list[int]) -> int:
    return sum(part * unit for part, unit in zip(reversed(parts), (1, MINUTE, HOUR, DAY), strict=False))


def _size(text: str, where: str, units: Mapping[str, int], right: str) -> int | None:
    if text.strip().lower() in NOTHING:
        return None
    match = _SIZE.fullmatch(text.strip())
    unit = match["unit"] if match else ""
    factor = units.get(unit, units.get(unit.lower()))
    if not match or factor is None:
        _unreadable(text, where, right)
    return round(Fraction(match["number"]) * factor / 1024)


def _unreadable(text: str, where: str, right: str) -> NoReturn:
    raise OutputParsingError(f"{where} is {text[:100]!r}, which cannot be read; it should be like {right}")
