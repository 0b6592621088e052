"""Fails where a line or branch of the pure files is not tested, naming it. `make coverage` runs it.

    coverage json --quiet -o - | python -m tests.pure

The pure files are those that the import contracts in pyproject.toml name.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CONTRACTS = ("The core is pure", "The core is told the time")


def pure_files() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    modules = {name for contract in contracts if contract["name"].startswith(CONTRACTS) for name in contract["source_modules"]}
    return sorted({file for module in modules for file in _files_of(module)})


def _files_of(module: str) -> list[str]:
    path = ROOT / module.replace(".", "/")
    found = list(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return [str(file.relative_to(ROOT)) for file in found if file.stat().st_size]


def holes(measured: Mapping[str, Any], files: list[str]) -> Iterator[str]:
    """What of these files was never run."""
    for file in files:
        if file not in measured:
            yield f"{file}: was never imported"
            continue
        yield from (f"{file}:{line}: this line was never run" for line in measured[file]["missing_lines"])
        for source, target in measured[file]["missing_branches"]:
            if source not in measured[file]["missing_lines"]:
                yield f"{file}:{source}: never went {'on to the end' if target < 0 else f'from here to line {target}'}"


def main() -> int:
    files = pure_files()
    found = list(holes(json.load(sys.stdin)["files"], files))
    print(*found, sep="\n", end="\n" * bool(found))
    print(f"branch coverage of the {len(files)} pure files: {f'{len(found)} holes' if found else '100 %'}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
