"""What benchmarks say: a figure, what it is held against, the goal; and the page that shows all of them. Pure."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
_COMPARE = {">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt}
_CONDITION = re.compile(r"(ratio|figure) (>=|<=|<|>) ([\d.]+)")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. The ratio is the figure by what it is held against, whichever of them should be larger."""

    name: str
    figure: float
    unit: str
    against: str
    against_figure: float
    goal: str = ""  #: such as "ratio >= 0.6, figure <= 5": all of it has to hold; empty: there is none

    def __post_init__(self) -> None:
        for condition in self.conditions:
            if not _CONDITION.fullmatch(condition):
                raise ValueError(f"{condition!r} is no goal such as 'ratio >= 0.6'")

    @property
    def conditions(self) -> list[str]:
        return [condition.strip() for condition in self.goal.split(",") if condition.strip()]

    @property
    def ratio(self) -> float:
        return self.figure / self.against_figure if self.against_figure else math.inf

    @property
    def met(self) -> bool | None:
        """Whether the goal is; None where there is none."""
        return all(map(self._holds, self.conditions)) if self.conditions else None

    def told(self) -> Json:
        return {
            "name": self.name,
            "figure": rounded(self.figure),
            "unit": self.unit,
            "against": self.against,
            "against_figure": rounded(self.against_figure),
            "ratio": rounded(self.ratio) if math.isfinite(self.ratio) else None,
            "goal": self.goal,
            "met": self.met,
        }

    def _holds(self, condition: str) -> bool:
        what, sign, bound = condition.split()
        return bool(_COMPARE[sign](self.ratio if what == "ratio" else self.figure, float(bound)))


def rounded(number: float) -> float:
    """Four digits, for nothing is measured better than that."""
    return float(f"{number:.4g}")


def percentile(values: Iterable[float], part: float) -> float:
    """The smallest of the values that so many percent of them do not exceed."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("there is no percentile of nothing")
    return ordered[max(0, math.ceil(part / 100 * len(ordered)) - 1)]


def said(name: str, rows: Sequence[Row], *, left_out: Sequence[str] = (), **beside: Mapping[str, Any]) -> Json:
    """What a benchmark prints: its only row, or all of them by name, and what belongs to them.

    :param left_out: what could not be measured, and why
    """
    more = {"left_out": list(left_out)} if left_out else {}
    if len(rows) == 1:
        return {**rows[0].told(), **more, **beside}
    return {"name": name, "rows": [row.told() for row in rows], **more, **beside}


def rows_of(result: Json) -> list[Json]:
    return list(result.get("rows", [result]))


def page(results: Sequence[tuple[str, str, Json]]) -> str:
    """docs/reference/performance.md.

    :param results: of each benchmark its name, what it measures, and what it said
    """
    parts = [_HEAD.format(machine=_machine([result for _, _, result in results]))]
    for name, about, result in results:
        parts.append(f"## {name}\n\n{about}\n\n{_table(rows_of(result))}\n")
        parts += [f"Left out: {why}.\n" for why in result.get("left_out", ())]
        parts.append(f"Sizes: {_listed(result.get('sizes', {}))}.{_busy(result)}\n")
    return "\n".join(parts)


_HEAD = """\
# Performance

Made by `make bench`; each part is a command of its own in `benchmarks/`, and prints what stands here as JSON.

Only the ratios count. Each row is held against something measured beside it, in the same run on the same machine: what the
kernel or the database can do at all, or another program that does the same work. The figures are those of one machine:

{machine}

A ratio is the figure by what it is held against: of rates more is better, of times, CPU and memory less is. Where a row has
a goal, the last column says whether it was met; a machine that does other work meanwhile misses goals of time.
"""


def _machine(results: Iterable[Json]) -> str:
    facts: dict[str, Any] = {}
    versions: dict[str, str] = {}
    for result in results:
        facts |= {name: value for name, value in result.get("machine", {}).items() if name != "load"}
        versions |= result.get("versions", {})
    return "\n".join([f"- {_listed(facts)}", f"- {_listed(versions)}"])


def _busy(result: Json) -> str:
    load = result.get("machine", {}).get("load")
    return f" The load at its end, its own work included, was {load[0]:g}." if load else ""


def _listed(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_shown(value)}" for name, value in facts.items()) or "-"


def _table(rows: Iterable[Json]) -> str:
    lines = ["| what | figure | held against | its figure | ratio | goal | met |", "|---|---|---|---|---|---|---|"]
    met = {True: "yes", False: "no", None: ""}
    for row in rows:
        cells = [
            row["name"],
            f"{_shown(row['figure'])} {row['unit']}",
            row["against"],
            f"{_shown(row['against_figure'])} {row['unit']}",
            _shown(row["ratio"]),
            row["goal"],
            met[row["met"]],
        ]
        lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
