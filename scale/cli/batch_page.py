"""Draws the page of docs that shows the table of batch states: both ways, and what is lost. `make docs` runs it."""

from __future__ import annotations

from collections.abc import Iterator

from scale.batch.states import SAYS, VOCABULARIES, BatchState, NativeState, coarser, finer, said_in

NAMES = {
    "SlurmState": "Slurm",
    "PBSState": "PBS Pro",
    "TorqueState": "Torque",
    "SGEState": "Grid Engine",
    "ShellState": "ps",
    "MesosState": "Mesos",
    "DRMAAState": "DRMAA 1",
    "OKAState": "OKA",
    "SlurmqState": "slurmq",
    "ScaleState": "Scale",
    "JobbergateState": "Jobbergate",
}


def batch_states_page() -> str:
    return "\n".join(
        (
            "# States of batch jobs",
            "",
            "<!-- Made by `make docs`; change the code instead. -->",
            "",
            "One table, in `scale/batch/states.py`, maps the states of every batch system, and of everybody else who tells of",
            "jobs, to our words (`BatchState`) and back. A code that is not in it gives `QState.UNDETERMINED` and a warning.",
            "",
            "## Our words, and how others say them",
            "",
            "`QState` has the words of the second version of DRMAA, and of qtoolkit. *No word*: it cannot be said there.",
            "",
            f"| ours | over | `QState` | {' | '.join(map(_name, VOCABULARIES))} |",
            f"|---|---|---|{'---|' * len(VOCABULARIES)}",
            *(_line(state) for state in SAYS),
            "",
            "## What others say, in our words",
            "",
            "The first code of each is the one that is written. What is over in PBS, Torque or Grid Engine went well only with",
            "exit status 0; otherwise it is FAILED, or what the record of its end tells.",
            *(line for vocabulary in VOCABULARIES for line in _section(vocabulary)),
            "",
            "## What is lost",
            "",
            "Whatever is not listed here comes back as it went.",
            *(line for vocabulary in VOCABULARIES for line in _losses(vocabulary)),
            "",
        )
    )


def _name(vocabulary: type[NativeState]) -> str:
    return NAMES[vocabulary.__name__]


def _line(state: BatchState) -> str:
    said = (said_in(vocabulary, state) for vocabulary in VOCABULARIES)
    cells = " | ".join(f"`{member.value}`" if member else "" for member in said)
    return f"| {state.value} | {'yes' if state.is_final else ''} | `{state.qstate.value}` | {cells} |"


def _section(vocabulary: type[NativeState]) -> Iterator[str]:
    yield from (
        "",
        f"### {_name(vocabulary)} (`{vocabulary.__name__}`)",
        "",
        "| codes | member | ours | `QState` |",
        "|---|---|---|---|",
    )
    for member in vocabulary:
        codes = ", ".join(f"`{code}`" for code in member.values)
        yield f"| {codes} | `{member.name}` | {member.batch_state.value} | `{member.qstate.value}` |"


def _losses(vocabulary: type[NativeState]) -> Iterator[str]:
    ours = (f"{state.value} → {came.value if came else '*no word*'}" for state, came in coarser(vocabulary).items())
    theirs = (f"`{member.value}` → {f'`{came.value}`' if came else '*no word*'}" for member, came in finer(vocabulary).items())
    yield from ("", f"**{_name(vocabulary)}**", "")
    yield f"- ours, there and back: {', '.join(ours)}"
    yield f"- theirs, here and back: {', '.join(theirs) or 'nothing is lost'}"
