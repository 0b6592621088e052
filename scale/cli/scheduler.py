"""`scale scheduler`: a scheduler alone, to stand by for the one of `scale up`, or to run where no web server is wanted."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def scheduler(
    end_tasks: Annotated[bool, typer.Option("--end-tasks", help="On SIGTERM, too, end the jobs that run.")] = False,
) -> None:
    """Run a scheduler alone, in the foreground; on PostgreSQL it stands by while another one leads.

    Ctrl-C ends the jobs that run and puts them back on the queue, if it leads; SIGTERM leaves them running.
    """
    from scale.environment import Environment

    Environment.read(os.environ)  # a mistake in a setting is told before anything else
    variables = {**os.environ, "DJANGO_SETTINGS_MODULE": "scale.settings"}
    words = [sys.executable, "-P", "-m", "django", "scale_scheduler", *(["--end-tasks"] if end_tasks else [])]
    os.execve(sys.executable, words, variables)  # noqa: S606 one of our own programs
