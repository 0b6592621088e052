"""Draws the pages of docs that show how the code stands: its states, errors and files. `make docs` runs it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from scale.cli import seed_page
from scale.cli.batch_page import batch_states_page
from scale.engines.protocol import Condition
from scale.error.catalog import BUILTIN_ERRORS, BY_EXIT_CODE
from scale.job.execution import machine
from scale.job.execution.machine import Execution
from scale.job.states import FINAL, TRANSITIONS, ExecutionStatus
from scale.kernel.ids import TaskId
from scale.node.conditions import KnownNode, NodeState, errors_now

SOURCE = Path(__file__).parents[1]
MADE = "<!-- Made by `make docs`; change the code instead. -->"
BEGIN, END = "<!-- files: made by `make docs` -->", "<!-- end of files -->"

_NOW = datetime(2026, 1, 31, tzinfo=UTC)
_LATER = _NOW + machine.PATIENCE + timedelta(seconds=1)
_STRANGER = TaskId("stranger")
#: two tasks, so that there is a time between tasks; two losses, so that the limit is met
_PLACED = Execution((TaskId("first"), TaskId("second")), losses_allowed=2)

Edge = tuple[str, str, str]  #: from, to, label


def draw(docs: Path) -> None:
    (docs / "states.md").write_text(states_page())
    (docs / "reference" / "errors.md").write_text(errors_page())
    (docs / "reference" / "batch-states.md").write_text(batch_states_page())
    manifests = docs / "reference" / "seed-manifest.md"
    manifests.write_text(seed_page.with_tables(manifests.read_text()))
    manifests.with_suffix(".schema.json").write_text(seed_page.schema_file())
    (docs / "map.md").write_text(with_files((docs / "map.md").read_text()))


# --- states


def states_page() -> str:
    return "\n".join(
        (
            "# States",
            "",
            MADE,
            "",
            "## A job",
            "",
            "From the table `TRANSITIONS` in `scale/job/states.py`; whatever is not drawn cannot happen.",
            "",
            *_diagram(_job_edges()),
            "",
            "## An execution",
            "",
            "Found by giving every event to `scale.job.execution.machine.step` in every state that can be reached. After the",
            "slash: what is to be done. Events that change nothing and ask for nothing are left out; so are updates of a task",
            "that the execution does not hold, which never do. *holds a task* with a final status means: the status is",
            "settled, and the task has still to be seen to end.",
            "",
            *_diagram(execution_edges()),
            "",
            "## A node",
            "",
            "The first line that holds is the node's state; from `scale/node/conditions.py`.",
            "",
            "| state | takes new jobs | goes on with the executions on it | |",
            "|---|---|---|---|",
            *(
                f"| {state.title} | {_yes(state.takes_new_jobs)} | {_yes(state.takes_next_tasks)} | {state.description} |"
                for state in NodeState
            ),
            "",
            *_diagram(node_edges()),
            "",
        )
    )


def _job_edges() -> Iterator[Edge]:
    yield "[*]", "QUEUED", "submitted"
    yield "[*]", "PENDING", "submitted, waits for others"
    yield "[*]", "BLOCKED", "submitted, never to go"
    for source, targets in TRANSITIONS.items():
        yield from ((source.value, target.value, "") for target in sorted(targets))
    yield from ((status.value, "[*]", "") for status in sorted(FINAL) if not TRANSITIONS[status])


def execution_edges() -> list[Edge]:
    """What `step` does in every state that can be reached, as far as it shows."""
    edges = {("[*]", _name(_PLACED), "placed")}
    seen, new = {_PLACED}, [_PLACED]
    while new:
        exe = new.pop()
        for event, label in _events(exe):
            after, effects = machine.step(exe, event)
            if after not in seen:
                seen.add(after)
                new.append(after)
            if _name(after) != _name(exe) or effects:
                asked = "".join(f" / {type(effect).__name__}" for effect in effects)
                edges.add((_name(exe), _name(after), label + asked))
    edges |= {(_name(exe), "[*]", "") for exe in seen if exe.is_over}
    return sorted(edges)


def _events(exe: Execution) -> Iterator[tuple[machine.Event, str]]:
    """Every kind of event, about the task that is held and about a stranger, in time and late."""
    yield machine.TaskStarted(), "TaskStarted"
    for task in (exe.current or _STRANGER, _STRANGER):
        yield machine.TaskFinished(task, _NOW, _NOW), "TaskFinished"
        yield machine.TaskFailed(task, "algorithm-unknown", _NOW), "TaskFailed"
        yield machine.TaskLost(task, _NOW, _NOW), "TaskLost"
        yield machine.TimedOut(task, "timeout", _NOW), "TimedOut"
    yield machine.NodeLost(_NOW), "NodeLost"
    yield machine.Canceled(_NOW), "Canceled"
    yield machine.TimePassed(_NOW), "TimePassed"
    yield machine.TimePassed(_LATER), "TimePassed (patience is over)"


def _name(exe: Execution) -> str:
    if exe.current is not None:
        return f"{exe.status}, holds a task"
    if exe.status is not ExecutionStatus.RUNNING:
        return exe.status.value
    return f"RUNNING, {'before its first task' if exe.idle_since is None else 'between tasks'}"


def node_edges() -> list[Edge]:
    """How the state changes when one thing about a node does."""
    facts = {
        "is_active": ("made active", "deprecated"),
        "is_online": ("comes back", "goes away"),
        "is_paused": ("paused", "goes on"),
        "scheduler_is_paused": ("scheduler paused", "scheduler goes on"),
        "has_errors": ("something is wrong with it", "nothing is wrong any more"),
    }
    edges = set()
    for values in product((True, False), repeat=len(facts)):
        known = dict(zip(facts, values, strict=True))
        for name, words in facts.items():
            changed = known | {name: not known[name]}
            before, after = _node_state(**known), _node_state(**changed)
            if before is not after:
                edges.add((before.title, after.title, words[0] if changed[name] else words[1]))
    return sorted(edges)


def _node_state(*, scheduler_is_paused: bool, has_errors: bool, **facts: bool) -> NodeState:
    errors = errors_now((), Condition if has_errors else (), _NOW)
    node = replace(KnownNode(1, "node", "agent", "engine", errors=errors), **facts)  # type: ignore[arg-type]
    return node.state(scheduler_is_paused=scheduler_is_paused)


def _diagram(edges: Iterable[Edge]) -> Iterator[str]:
    """Mermaid: arrows between the same two states are one, with all their labels."""
    merged: dict[tuple[str, str], list[str]] = {}
    for source, target, label in edges:
        merged.setdefault((source, target), []).append(label)
    names = dict.fromkeys(name for pair in merged for name in pair if name != "[*]")
    yield from ("```mermaid", "stateDiagram-v2")
    yield from (f'    state "{name}" as {_id(name)}' for name in names if _id(name) != name)
    for (source, target), labels in merged.items():
        words = "<br>".join(label for label in labels if label)
        yield f"    {_id(source)} --> {_id(target)}{f' : {words}' if words else ''}"
    yield "```"


def _id(name: str) -> str:
    return name if name == "[*]" else "".join(letter if letter.isalnum() else "_" for letter in name)


# --- errors


def errors_page() -> str:
    exits: dict[str, list[int]] = {}
    for code, name in BY_EXIT_CODE.items():
        exits.setdefault(name, []).append(code)
    return "\n".join(
        (
            "# Why jobs fail",
            "",
            MADE,
            "",
            "The built-in errors, from `scale/error/catalog.py`; `GET /api/v7/errors/` lists them, with their ids. A job is",
            'tried again, up to `max_tries`, after an error that may be retried; with `"retry_on": "failure"` after any, with',
            '`"retry_on": "never"` after none.',
            "",
            "| name | category | retried | what happened |",
            "|---|---|---|---|",
            *(f"| `{e.name}` | {e.category} | {_yes(e.should_be_retried)} | {e.description}. |" for e in BUILTIN_ERRORS),
            "",
            "The exit codes of Scale's own tasks (those before and after the program, and system jobs) mean:",
            "",
            "| exit code | error |",
            "|---|---|",
            *(f"| {code} | `{name}` |" for code, name in sorted(BY_EXIT_CODE.items())),
            "",
        )
    )


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


# --- files


def with_files(page: str) -> str:
    """The page with the list of files anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{_files()}\n{END}{after}"


def _files() -> str:
    folders = sorted({path.parent for path in _sources()})
    return "\n".join(line for folder in folders for line in _folder(folder))


def _folder(folder: Path) -> Iterator[str]:
    yield from ("", f"### `{folder.relative_to(SOURCE.parent)}/`", "")
    for path in _sources():
        if path.parent == folder:
            yield f"- `{path.relative_to(SOURCE.parent)}`: {first_line(path)}"


def _sources() -> list[Path]:
    """The files that hold something, migrations aside."""
    return sorted(path for path in SOURCE.rglob("*.py") if path.stat().st_size and "migrations" not in path.parts)


def first_line(path: Path) -> str:
    """What a file says that it is for."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
