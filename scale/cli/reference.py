"""Writes the pages of docs/reference that are made from the code; `make docs` runs it, and a test tells when it is due."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from scale.environment import PREFIX, Environment

_MADE = "<!-- Made by `make docs`; change the code instead. -->"

_COMPLETION = (
    "`scale --install-completion` teaches the shell it is called from (bash, zsh or fish) to complete commands, options, job ids,"
    " nodes and job types; `scale --show-completion` prints what it would install."
)

_CLIENT_VARIABLES = (
    (
        "SCALE_URL",
        "the address in `SCALE_HOME/url`, else `http://127.0.0.1:8000`",
        "Where the service is.",
    ),
    ("SCALE_TOKEN", "`SCALE_HOME/token`, for loopback addresses only", "What it logs in with."),
    ("NO_COLOR", "", "Set to anything: no colours."),
)

_FILES = (
    ("url", "where the service listens, while it runs"),
    ("token", "the first administrator's token"),
    ("password", "the first administrator's first password, if it was not given"),
    ("secret-key", "signs sessions, if it was not given"),
    ("secrets-key", "seals the secret settings of job types, if no keys were given; without it they are lost"),
    ("scale.sqlite3", "the database, if none was given"),
    ("logs/", "what the web server and the scheduler say; `logs/tasks/` what the tasks of the local engine wrote"),
    ("work/", "the working directories of the local engine's tasks"),
    ("keeper/", "how the local engine finds its tasks again"),
    ("doorbell", "wakes the scheduler"),
    ("up.lock, scheduler.lock", "held while `scale up` and the scheduler run"),
)


def pages() -> dict[str, str]:
    """The pages by their file name."""
    return {"environment.md": "\n".join(_environment()) + "\n", "cli.md": "\n".join(_commands()) + "\n"}


def _environment() -> Iterator[str]:
    yield from ("# Settings", "", _MADE, "")
    yield "The service reads these variables once, when it starts, and tells all mistakes together. An empty one counts as unset."
    yield from ("", "| variable | default | meaning |", "|---|---|---|")
    for name, field in Environment.model_fields.items():
        yield f"| `{PREFIX}{name.upper()}` | {_default(field)} | {field.description} |"
    yield from ("", "The `scale` command, but for `up` and `demo`, reads `SCALE_HOME` and these:", "")
    yield from ("| variable | default | meaning |", "|---|---|---|")
    yield from (f"| `{name}` | {default} | {meaning} |" for name, default, meaning in _CLIENT_VARIABLES)
    yield from ("", "What `scale up` keeps in `SCALE_HOME`:", "", "| file | holds |", "|---|---|")
    yield from (f"| `{name}` | {meaning} |" for name, meaning in _FILES)


def _default(field: Any) -> str:
    if field.default is PydanticUndefined:
        return "`~/.scale`"
    if field.default in (None, ()):
        return ""
    return f"`{','.join(field.default) if isinstance(field.default, tuple) else field.default}`"


def _commands() -> Iterator[str]:
    from typer.main import get_command

    from scale.cli.app import EPILOG, app

    group: Any = get_command(app)
    yield from ("# The `scale` command", "", _MADE, "", EPILOG)
    for name, command in _all(group):
        rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
        words = ["scale", name, *(["[OPTIONS]"] if rows else []), *(p.metavar for p in command.params if _is_argument(p))]
        yield from ("", f"## scale {name}", "", f"`{' '.join(words)}`", "", " ".join(command.help.split()))
        if rows:
            yield from ("", "| | |", "|---|---|", *rows)
    yield from ("", "## Completion", "", _COMPLETION)


def _all(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its words, those of groups after their group."""
    for name, command in group.commands.items():
        yield f"{before}{name}", command
        if hasattr(command, "commands"):
            yield from _all(command, f"{before}{name} ")


def _parameter(parameter: Any) -> str:
    words = [] if _is_argument(parameter) else [", ".join(parameter.opts)]
    if not getattr(parameter, "is_flag", False):
        words.append(parameter.metavar or parameter.name.upper())
    default = f" Default: {parameter.default}." if parameter.default else ""
    return f"| `{' '.join(words).replace('|', ', ')}` | {parameter.help}{default} |"


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def main() -> None:
    directory = Path(sys.argv[1])
    for name, text in pages().items():
        (directory / name).write_text(text)


if __name__ == "__main__":
    main()
