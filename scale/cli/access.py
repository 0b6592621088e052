"""What all commands share: the client, the JSON switch, and how trouble becomes a sentence and an exit code."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

from scale.cli import complete
from scale.kernel.errors import Invalid, ScaleError

if TYPE_CHECKING:
    from scale.client import ScaleClient

FAILED, WRONG_USAGE, UNREACHABLE, BROKEN_PIPE = 1, 2, 3, 141

P = ParamSpec("P")

AsJson = Annotated[bool, typer.Option("--json", help="Print the API's answer as JSON, and nothing else.")]
JobId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The job's id.", autocompletion=complete.job_ids)]


@contextlib.contextmanager
def service() -> Iterator[ScaleClient]:
    """A client of the service that the environment names."""
    from scale.client import ScaleClient  # it takes as long to import as all the rest

    with ScaleClient.from_environment(os.environ) as client:
        yield client


def telling(command: Callable[P, None]) -> Callable[P, None]:
    """The command, with expected trouble told in a sentence instead of a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except BrokenPipeError:
            _forget_output()
            raise typer.Exit(BROKEN_PIPE) from None
        except ScaleError as trouble:
            typer.echo(f"scale: {trouble}", err=True)
            raise typer.Exit(_exit_code(trouble)) from None

    return run


def _exit_code(trouble: ScaleError) -> int:
    from scale.client import Unreachable, WrongSetting

    match trouble:
        case Unreachable():
            typer.echo("Is it running? `scale up` starts it; SCALE_URL says where it is.", err=True)
            return UNREACHABLE
        case WrongSetting() | Invalid():
            return WRONG_USAGE
        case _:
            return FAILED


def _forget_output() -> None:
    """Nobody reads us any more; what is still buffered must not trip the interpreter when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
