"""How things look on a terminal, and in a pipe: calm tables, colour for state words only, times in UTC."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, timedelta
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scale.kernel.moments import parse_moment

_PIPE_WIDTH = 120
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_MOST = 40  #: characters of a column that is not the last
_COLOURS = {
    "COMPLETED": "green",
    "READY": "green",
    "RUNNING": "cyan",
    "FAILED": "red",
    "DEGRADED": "red",
    "OFFLINE": "red",
    "CANCELED": "yellow",
    "HELD": "yellow",
    "BLOCKED": "yellow",
    "PAUSED": "yellow",
}

Cell = str | int | float | Text | None


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # `telling` ends the command


def console(*, stderr: bool = False) -> Console:
    """Where people read; it drops colours by itself where nobody would see them."""
    made = _Screen(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = _PIPE_WIDTH
    return made


def print_json(answer: object) -> None:
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def short_json(value: object) -> str:
    """On one line."""
    return json.dumps(value, ensure_ascii=False)


def plain(text: object) -> str:
    """Text from elsewhere, on one line and unable to play with the terminal."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in str(text))


def state(word: object) -> Text:
    return Text(plain(word), style=_COLOURS.get(str(word), ""))


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]], right: Iterable[str] = ()) -> Table:
    """Rows under headings; the columns named in `right` hold numbers. Text in the last column is cut where the line ends."""
    cells = [[_cell(value) for value in row] for row in rows]
    is_cut = columns[-1] not in right
    made = Table(box=None, pad_edge=False, header_style="bold", expand=is_cut)
    for number, column in enumerate(columns):
        is_rest = is_cut and number == len(columns) - 1
        made.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=True,
            overflow="ellipsis",
            max_width=None if is_rest else _MOST,
            ratio=1 if is_rest else None,
        )
    for row in cells:
        made.add_row(*row)
    return made


def rest(page: dict[str, Any]) -> None:
    """Say, beside what is printed, that there is more."""
    if page["count"] > len(page["results"]):
        about = "about " if page.get("count_is_estimate") else ""
        console(stderr=True).print(f"{len(page['results'])} of {about}{page['count']}; --limit shows more")


def facts(pairs: Iterable[tuple[str, Cell]]) -> Table:
    """Names and values, one a line; what has no value is left out."""
    made = Table(box=None, pad_edge=False, show_header=False)
    made.add_column(no_wrap=True, style="dim")
    made.add_column(overflow="fold")
    for name, value in pairs:
        if value not in (None, ""):
            made.add_row(name, _cell(value))
    return made


def yes(flag: object) -> str:
    return "yes" if flag else "no"


def moment(text: str | None) -> str:
    return f"{parse_moment(text).astimezone(UTC):%Y-%m-%d %H:%M:%S}" if text else ""


def took(started: str | None, ended: str | None) -> str:
    return duration(parse_moment(ended) - parse_moment(started)) if started and ended else ""


def duration(length: timedelta) -> str:
    seconds = length.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def counts(by_status: dict[str, int]) -> str:
    """How many jobs are of which status, in the order of a life; what there are none of is left out."""
    return ", ".join(f"{number:,} {status.lower()}" for status, number in by_status.items() if number) or "none"


def size(number: int | None) -> str | None:
    if number is None:
        return None
    amount, unit = float(number), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{number} B"


def command_text(command: Any) -> str:
    """A command as a person would type it."""
    import shlex

    return command if isinstance(command, str) else shlex.join(map(str, command or ()))


def _cell(value: Cell) -> Text:
    if isinstance(value, Text):
        return value
    return Text("" if value is None else f"{value:g}" if isinstance(value, float) else plain(value))
