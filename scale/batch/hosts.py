"""Where the commands of a batch system run: on this machine, or on another one by ssh.

A host does one thing, to run an argument list; files are written and read by programs that it runs. So what may be written is
what the user there may write, and nothing is ever put together for a shell but the one line that ssh sends, quoted once.
"""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

from scale.batch.errors import CommandFailedError, QTKException
from scale.kernel.errors import BadRequest, ClusterTrouble

PATIENCE = 60.0  #: seconds that a command may take
_SSH_FAILED = 255


class HostTrouble(QTKException, ClusterTrouble):
    """The host cannot be reached, or a command takes too long there."""


class InvalidHostError(QTKException, BadRequest, ValueError):
    """No host can be called this."""


class Outcome(NamedTuple):
    """What a command said, and how it ended."""

    stdout: str
    stderr: str
    exit_code: int


class Host(ABC):
    """Somewhere commands can be run."""

    @abstractmethod
    def execute(self, command: Sequence[str], workdir: str | PurePath | None = None, stdin: str = "") -> Outcome:
        """Run an argument list, in this directory.

        :raises HostTrouble: it could not be run, or did not end in time
        """

    def mkdir(self, directory: str | PurePath, recursive: bool = True, exist_ok: bool = True) -> bool:
        """Make a directory; False if that cannot be."""
        parents = ("-p",) if recursive and exist_ok else ()
        if recursive and not exist_ok and not self.mkdir(PurePath(directory).parent):
            return False
        done = self.execute(["mkdir", *parents, "--", str(directory)])
        return not done.exit_code or (exist_ok and not self.execute(["test", "-d", str(directory)]).exit_code)

    def write_text_file(self, filepath: str | PurePath, content: str) -> None:
        """:raises CommandFailedError: it cannot be written there"""
        self._succeed(["dd", f"of={filepath}", "status=none"], stdin=content)

    def read_text_file(self, filepath: str | PurePath) -> str:
        """:raises CommandFailedError: it cannot be read"""
        return self._succeed(["cat", "--", str(filepath)]).stdout

    def _succeed(self, command: Sequence[str], stdin: str = "") -> Outcome:
        done = self.execute(command, stdin=stdin)
        if done.exit_code:
            raise CommandFailedError(f"{shlex.join(command)} ended with {done.exit_code}: {done.stderr.strip()}")
        return done


class LocalHost(Host):
    """This machine. Root may run everything as another user, with that user's groups and none of root's environment."""

    def __init__(self, user: str | None = None, environment: Mapping[str, str] | None = None, timeout: float = PATIENCE) -> None:
        self._identity = _identity(user) if user else {}
        self._environment = {**(_environment(user) if user else os.environ), **(environment or {})}
        self._timeout = timeout

    def execute(self, command: Sequence[str], workdir: str | PurePath | None = None, stdin: str = "") -> Outcome:
        words = command = _arguments(command)
        if self._identity and workdir:  # subprocess would go there while it is still root
            words, workdir = ["env", f"--chdir={workdir}", "--", *command], None
        return _run(words, self._timeout, stdin, command[0], cwd=workdir, env=self._environment, **self._identity)


class SSHHost(Host):
    """Another machine, by the ssh client of this one; whatever its configuration says of that host holds.

    One connection serves all commands (ControlMaster): the first one opens it, and it closes when nobody has used it for `linger`
    seconds. `control` is a directory of ours where its socket lies; nobody else may write there. ssh never asks for a password.
    `login_shell` has bash read its profiles first, as where they say in which directories programs are.
    """

    def __init__(
        self,
        host: str,
        control: str | PurePath,
        *,
        user: str | None = None,
        port: int | None = None,
        options: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        login_shell: bool = False,
        timeout: float = PATIENCE,
        linger: int = 60,
    ) -> None:
        if not host or host.startswith("-") or any(letter.isspace() for letter in host):
            raise InvalidHostError(f"{host!r} names no host; write it as in: ssh HOST")
        settings = {
            "BatchMode": "yes",
            "ControlMaster": "auto",
            "ControlPath": f"{control}/%C",
            "ControlPersist": str(linger),
            "ServerAliveInterval": "15",  # else a connection to a host that went away without a word is kept for hours
            **({"User": user} if user else {}),
            **({"Port": str(port)} if port else {}),
            **(options or {}),
        }
        self._ssh = ["ssh", "-T", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]
        self._host = host
        self._before = [
            *(("bash", "-l", "-c", 'exec "$@"', "bash") if login_shell else ()),
            *(("env", *(f"{name}={value}" for name, value in environment.items())) if environment else ()),
        ]
        self._timeout = timeout

    def execute(self, command: Sequence[str], workdir: str | PurePath | None = None, stdin: str = "") -> Outcome:
        go = f"cd -- {shlex.quote(str(workdir))} && " if workdir else ""
        line = f"{go}exec {shlex.join([*self._before, *_arguments(command)])}"
        called = f"{command[0]} by ssh to {self._host}"
        done = _run([*self._ssh, "--", self._host, line], self._timeout, stdin, called)
        if done.exit_code == _SSH_FAILED:  # also what a command ends with that says so, or is killed
            raise HostTrouble(f"{called} failed: {done.stderr.strip() or 'it did not say why'}")
        return done

    def close(self) -> None:
        """Close the connection now."""
        _run([*self._ssh, "-O", "exit", "--", self._host], self._timeout, "", "ssh -O exit")


def _arguments(command: Sequence[str]) -> list[str]:
    if isinstance(command, str):
        raise TypeError(
            f"a command is a list of arguments, as shlex.split makes of a text, not {command[:100]!r}: no shell reads it"
        )
    if not command:
        raise ValueError("a command is a list of arguments, the first of them the program; this one is empty")
    return list(command)


def _run(command: Sequence[str], timeout: float, stdin: str, called: str, **how: Any) -> Outcome:
    try:
        done = subprocess.run(  # noqa: S603 an argument list, and no shell
            list(command), input=stdin.encode(), capture_output=True, timeout=timeout, check=False, start_new_session=True, **how
        )
    except subprocess.TimeoutExpired:
        raise HostTrouble(f"{called} did not end within {timeout:g} seconds") from None
    except (OSError, ValueError) as trouble:  # ValueError: no program can be given a null byte
        raise HostTrouble(f"{called} cannot be run: {trouble}") from None
    return Outcome(done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), done.returncode)


def _identity(user: str) -> dict[str, Any]:
    """Who a process is to be, with all its groups and none of ours."""
    try:
        entry = pwd.getpwnam(user)
    except (KeyError, ValueError):
        raise InvalidHostError(f"this machine knows no user {user!r}") from None
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": os.getgrouplist(user, entry.pw_gid)}


def _environment(user: str) -> dict[str, str]:
    """Nothing of ours but where programs are and which language they speak: a job inherits what submits it."""
    entry = pwd.getpwnam(user)
    ours = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TZ") or name.startswith("LC_")}
    return {**ours, "HOME": entry.pw_dir, "USER": user, "LOGNAME": user, "SHELL": entry.pw_shell}
