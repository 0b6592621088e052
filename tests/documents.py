"""Pages that show a terminal, read as what is typed and what is printed, and typed again."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "=== the next command ==="


class Typed(NamedTuple):
    command: str
    printed: str


def typed(page: Path) -> list[Typed]:
    """Every command of the page, in its order: `$ ` begins one, `> ` goes on with it, all else is what it prints."""
    found: list[list[list[str]]] = []
    for line in (line for block in _BLOCK.findall(page.read_text()) for line in block.splitlines()):
        if line.startswith("$ "):
            found.append([[line[2:]], []])
        elif line.startswith("> "):
            found[-1][0].append(line[2:])
        else:
            found[-1][1].append(line)
    return [Typed("\n".join(command), "\n".join(printed)) for command, printed in found]


def type_again(commands: list[Typed], directory: Path, variables: Mapping[str, str]) -> list[str]:
    """What each command prints in one shell; blanks at the ends of lines do not count."""
    script = "".join(f"{one.command}\necho\necho '{_MARK}'\n" for one in commands)
    ran = subprocess.run(
        ["bash", "-s"], input=script, cwd=directory, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, timeout=100,
    )  # fmt: skip
    lines = "\n".join(line.rstrip() for line in ran.stdout.splitlines())
    return [part.strip("\n") for part in lines.split(_MARK)][: len(commands)]


def is_as_shown(shown: str, printed: str) -> bool:
    """Whether it was printed as the page has it; `...` stands for anything, and runs of blanks for each other."""
    pattern = re.sub(r"(\\ )+", " +", re.escape(shown)).replace(r"\.\.\.", "(?s:.*)")
    return re.fullmatch(pattern, printed) is not None
