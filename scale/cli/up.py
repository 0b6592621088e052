"""`scale up`: one command that starts all of Scale on this machine and stays until it is told to stop."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import TYPE_CHECKING, Annotated

import typer

from scale.cli import home as data
from scale.cli import show
from scale.cli.access import AsJson
from scale.cli.supervise import HEEDED, Child, Program, Supervisor, last_lines
from scale.engines.local import places
from scale.kernel.clock import SystemClock
from scale.orphan import PARENT, end_with_parent
from scale.signals import Signals

if TYPE_CHECKING:
    from scale.environment import Environment, Listen

_PYTHON = (sys.executable, "-P")  # -P: a file in the working directory must not pass for one of ours
_WEB_GRACE = 35.0  # gunicorn itself gives its requests 30
_STOP_SLACK = 30.0  # for the scheduler, beside what its tasks are given
_PORT_PATIENCE = 10.0


def up(
    as_json: AsJson = False,
    end_tasks: Annotated[bool, typer.Option("--end-tasks", help="On SIGTERM and SIGHUP, too, end the jobs that run.")] = False,
) -> None:
    """Start the service here, in the foreground: web server, scheduler, database, first administrator.

    Settings are SCALE_* variables. Ctrl-C stops everything; jobs that run go back on the queue. SIGTERM and SIGHUP leave
    the processes of jobs running, and the next start finds them. With --json the first line says where everything is, and
    what happens later is told on stderr.
    """
    tell = partial(say, err=as_json)
    end_with_parent()
    from scale.environment import Environment

    environment = Environment.read(os.environ)
    home = environment.home
    data.make_home(home)
    with data.sole_use(home), _listening(environment) as listener:
        (home / "url").unlink(missing_ok=True)  # of one that was killed
        if environment.database_url is None:
            data.ensure_private_database(home)
        if environment.secret_key is None:
            data.ensure_key(home / "secret-key")
        if not environment.secrets_keys:
            data.ensure_key(home / "secrets-key")
        variables = {**os.environ, "SCALE_HOME": str(home), "DJANGO_SETTINGS_MODULE": "scale.settings"}
        _prepare(environment, variables)
        url = url_of(environment.listen, listener.getsockname()[1])
        data.write_private(home / "url", url + "\n")
        with Signals(HEEDED) as signals:
            places = _places(environment, url)
            show.print_json(places) if as_json else _tell_where(environment, places)
            children = [
                Child(p, home / "logs" / f"{p.name}.log", variables, home) for p in _programs(environment, listener, end_tasks)
            ]
            Supervisor(children, signals, SystemClock(), tell, logs=_logs(home, children)).run()
        (home / "url").unlink(missing_ok=True)
        tell("Stopped.")


def url_of(listen: Listen, port: int) -> str:
    """The address to use on this machine; one that means "all of them" is reached through loopback."""
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "::": "[::1]"}.get(listen.host, listen.host)  # noqa: S104 not a bind
    return f"http://{host}:{port}"


def say(words: str, *, err: bool = False) -> None:
    """Tell whoever watches; that nobody does any more is no reason to stop."""
    with contextlib.suppress(OSError):
        typer.echo(words, err=err)


def _logs(home: Path, children: Iterable[Child]) -> list[Path]:
    """The files that are appended to for ever; the keeper's is written to by what the local engine starts."""
    return [*(child.log for child in children), home / places.KEEPER / places.LOG]


def _programs(environment: Environment, listener: socket.socket, end_tasks: bool) -> list[Program]:
    """The scheduler and the web server, in the order in which they are to be stopped."""
    bind = f"fd://{listener.fileno()}"
    return [
        Program(
            "scheduler",
            (*_PYTHON, "-m", "django", "scale_scheduler"),
            SIGINT,
            environment.kill_grace + _STOP_SLACK,
            stop_gently=SIGINT if end_tasks else SIGTERM,
        ),
        Program(
            "web",
            (*_PYTHON, "-m", "gunicorn", "--config", "python:scale.gunicorn_conf", "--bind", bind),
            SIGTERM,
            _WEB_GRACE,
            pass_fds=(listener.fileno(),),
        ),
    ]


@contextlib.contextmanager
def _listening(environment: Environment) -> Iterator[socket.socket]:
    """Take the port. We hold it and the web server inherits it: one that is started again keeps its visitors."""
    listen = environment.listen
    was_killed = (environment.home / "url").exists()  # then its web server may need a moment to let go of the port
    deadline = SystemClock().monotonic() + (_PORT_PATIENCE if was_killed else 0)
    while True:
        try:
            listener = _bind(listen)
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE or SystemClock().monotonic() >= deadline:
                raise data.CannotStart(_why_not(listen, error)) from None
        threading.Event().wait(0.1)
    with listener:
        yield listener


def _bind(listen: Listen) -> socket.socket:
    host = listen.host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, listen.port), family=family, backlog=512)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # for those too who come before the web server is up
    return listener


def _why_not(listen: Listen, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{listen} is taken by another program; set SCALE_LISTEN to another host:port"
    return f"cannot listen on {listen}: {error.strerror or error}; set SCALE_LISTEN to another host:port"


def _prepare(environment: Environment, variables: dict[str, str]) -> None:
    """Migrations and the first administrator, in a process that gives its memory back."""
    log = environment.home / "logs" / "prepare.log"
    with open(log, "wb", opener=data.private) as output:
        done = subprocess.run(  # noqa: S603 one of our own programs
            (*_PYTHON, "-m", "scale.cli.prepare"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**variables, PARENT: str(os.getpid())},
            cwd=environment.home,
            check=False,
        )
    if done.returncode:
        lines = last_lines(log) or ["it did not say why"]
        raise data.CannotStart(
            "\n".join(["the service cannot be prepared:", *(f"  {line}" for line in lines), f"All of it: {log}"])
        )


def _places(environment: Environment, url: str) -> dict[str, str | None]:
    home = environment.home
    password = home / "password"
    return {
        "url": url,
        "user": environment.admin_user,
        "password": str(password) if password.exists() else None,
        "token": str(home / "token"),
        "logs": str(home / "logs"),
    }


def _tell_where(environment: Environment, places: Mapping[str, str | None]) -> None:
    home = environment.home
    say(f"Scale starts at {places['url']}")
    say("  log in  as {user}".format(**places) + (f", password in {places['password']}" if places["password"] else ""))
    say(f"  token   {places['token']}")
    say(f"  logs    {places['logs']}")
    if home.stat().st_mode & 0o077:
        say(f"  Others on this machine can look into {home}; `chmod 700` closes it.")
    say("Ctrl-C stops everything; jobs that run go back on the queue. SIGTERM leaves their processes for the next start.")
