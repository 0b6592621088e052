"""How the demo looks: live progress on a terminal, plain lines elsewhere, and tables at the end."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from scale.cli import show
from scale.cli.cluster import resources, summary
from scale.client import ENDED

if TYPE_CHECKING:
    from rich.table import Table

    from scale.cli.demo_run import Progress, Result
    from scale.cli.demo_work import Piece
    from scale.client import Json

_STATUSES = ("QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELED")
_STEPS = 5  # plain lines of progress


@contextlib.contextmanager
def progress(pieces: Sequence[Piece]) -> Iterator[Callable[[Progress], None]]:
    """Something to tell the progress to."""
    screen = show.console()
    if not screen.is_terminal:
        yield _plain_progress(len(pieces))
        return
    from rich.live import Live

    groups = Counter(piece.group for piece in pieces)
    with Live(console=screen, auto_refresh=False) as live:
        yield lambda now: live.update(_counts(groups, now), refresh=True)


def outcomes(results: Sequence[Result]) -> None:
    """What happened, a line for each group and outcome; then each job that went otherwise."""
    screen = show.console()
    rows: list[tuple[show.Cell, ...]] = []
    for _, same in groupby(results, key=lambda result: (result.piece.group, result.piece.outcome, result.came)):
        alike = list(same)
        first = alike[0]
        sample = first.output.decode(errors="replace").partition("\n")[0]
        rows.append((first.piece.group, len(alike), first.piece.outcome, _came(first), sample))
    screen.print()
    screen.print(show.table(("GROUP", "JOBS", "EXPECTED", "CAME", "FIRST OUTPUT"), rows, right=("JOBS",)))
    screen.print()
    others = [result for result in results if not result.is_expected]
    for result in others:
        screen.print(f"job {result.job['id']} ({result.piece.group}): expected {result.piece.outcome}, came {result.came}")
    screen.print(f"{len(others)} of {len(results)} jobs differ." if others else f"All {len(results)} jobs ended as expected.")


def status(document: Json) -> None:
    screen = show.console()
    screen.print()
    screen.print(show.facts(summary(document)))
    screen.print()
    screen.print(resources(document))


def document(results: Sequence[Result], status: Json) -> None:
    """All of it as one JSON object."""
    jobs = [
        {"id": r.job["id"], "group": r.piece.group, "expected": r.piece.outcome, "came": r.came, "is_expected": r.is_expected}
        for r in results
    ]
    show.print_json({"is_expected": all(result.is_expected for result in results), "jobs": jobs, "status": status})


def where(url: str, home: Path) -> None:
    screen = show.console()
    screen.print()
    screen.print(
        show.facts(
            [
                ("address", url),
                ("log in", f"admin, password in {home / 'password'}"),
                ("token", f"in {home / 'token'}"),
                ("try", f'curl -H "Authorization: Token $(cat {home / "token"})" {url}/api/v7/status/'),
            ]
        )
    )


def _plain_progress(total: int) -> Callable[[Progress], None]:
    told: set[int] = set()

    def tell(now: Progress) -> None:
        counts = Counter[str]()
        for (_, word), count in now.items():
            counts[word] += count
        step = sum(counts[word] for word in ENDED) * _STEPS // total
        if step not in told:
            told.add(step)
            show.console().print(", ".join(f"{counts[word]} {word.lower()}" for word in _STATUSES))

    return tell


def _counts(groups: Counter[str], now: Progress) -> Table:
    rows = [(group, total, *(now[group, word] or "" for word in _STATUSES)) for group, total in groups.items()]
    return show.table(("GROUP", "JOBS", *_STATUSES), rows, right=("JOBS", *_STATUSES))


def _came(result: Result) -> Text:
    return Text("as expected" if result.is_expected else show.plain(result.came), style="green" if result.is_expected else "red")
