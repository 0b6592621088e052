"""Every benchmark in turn, and docs/reference/performance.md from what they said.

    python benchmarks/all.py [throughput latency ...] [--page docs/reference/performance.md]

Some by name: those alone, and no page unless one is asked for.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
from pathlib import Path

from figures import Json, page, rows_of

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "reference" / "performance.md"
NAMES = ("throughput", "latency", "placement", "updates", "status", "growth", "spawn", "million")
LIMIT = 600  # seconds; each is to end within 480


def about(name: str) -> str:
    """What it measures: its docstring without the command line."""
    parts = (ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text())) or "").split("\n\n")
    return "\n\n".join([parts[0], f"`benchmarks/{name}.py`", *(part for part in parts[1:] if not part.startswith("    "))])


def run(name: str) -> Json:
    """What it said; if it failed, that alone."""
    print(f"== {name}", file=sys.stderr, flush=True)
    words = [sys.executable, str(HERE / f"{name}.py")]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=LIMIT, check=True)
        told: Json = json.loads(done.stdout.strip().splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError) as trouble:
        print(trouble, file=sys.stderr)
        return {"name": name, "rows": [], "failed": True, "left_out": ["all of it, for it failed"]}
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    parser.add_argument("--page", type=Path)
    args = parser.parse_args()
    if unknown := [name for name in args.names if name not in NAMES]:
        parser.error(f"there is no benchmark {unknown[0]}; there are: {', '.join(NAMES)}")
    results = [(name, about(name), run(name)) for name in args.names or NAMES]
    where = args.page or (None if args.names else PAGE)
    if where:
        where.write_text(page(results))
    print(json.dumps({"rows": [row for _, _, result in results for row in rows_of(result)]}))
    return any(result.get("failed") for _, _, result in results)


if __name__ == "__main__":
    sys.exit(main())
