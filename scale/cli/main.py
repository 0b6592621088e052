"""Where the `scale` command begins."""

from __future__ import annotations

import io
import os
import sys

INTERRUPTED = 130


def main() -> None:
    try:
        from scale.cli.app import app

        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a poor terminal shows question marks
        app(prog_name="scale")
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
