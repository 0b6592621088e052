"""Turns what a task asks for into a process, or into a reason why not. Nothing a task asks for may raise anything else."""

from __future__ import annotations

import errno
import os
import signal

from scale.engines.local import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NO_PROGRAM = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
_NO_FORMAT = (errno.EACCES, errno.EPERM, errno.ENOEXEC, errno.EISDIR, errno.ETXTBSY, errno.ELIBBAD, errno.EINVAL)
#: what Python raises for a NUL, a name with "=", a lone surrogate, a number where a string should be
_ODD = (ValueError, TypeError, AttributeError, OverflowError, MemoryError)


class Refused(Exception):
    """A task that cannot start, and why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Launcher:
    """Starts processes from here, with our own stdin, which is empty; ``base`` is the directory that it always comes back to."""

    def __init__(self, base: int) -> None:
        self._base = base
        self._env: dict[bytes, bytes] = {}
        self._ignored = [number for number in signal.valid_signals() if signal.getsignal(number) == signal.SIG_IGN]

    def share(self, env: Mapping[str, str]) -> None:
        """What all tasks have in their environment; as bytes, so that it is not encoded for each."""
        self._env = _encoded(env)

    def start(self, argv: list[str], env: Mapping[str, str], directory: str | None, out: int, err: int) -> int:
        """The pid of a new process, the leader of its own session and group.

        :param directory: where it is to run; None: where we are
        :raises Refused: with the reason
        """
        try:
            if directory is not None:
                _enter(directory)
            return self._spawn(argv, {**self._env, **_encoded(env)}, out, err)
        except _ODD as error:
            raise Refused(wire.LAUNCH_FAILED, f"it cannot be passed to the system: {error}") from None
        finally:
            os.fchdir(self._base)

    def _spawn(self, argv: list[str], env: Mapping[bytes, bytes], out: int, err: int) -> int:
        program = find_program(argv, os.fsdecode(env.get(b"PATH", os.defpath)))
        streams = ((os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, err, 2))
        try:
            return os.posix_spawn(program, argv, env, file_actions=streams, setsid=True, setsigmask=(), setsigdef=self._ignored)
        except OSError as error:
            raise _refusal(program, error) from None


def _encoded(env: Mapping[str, str]) -> dict[bytes, bytes]:
    return {os.fsencode(name): os.fsencode(value) for name, value in env.items()}


def find_program(argv: Sequence[str], path: str) -> str:
    """The file to run, looked up as a shell would, relative to the present directory.

    :raises Refused: there is none, or none that may be run
    """
    if not argv or not argv[0]:
        raise Refused(wire.COMMAND_NOT_FOUND, "the command is empty")
    name = argv[0]
    if "/" in name:
        return name
    there = False
    for folder in path.split(os.pathsep):
        candidate = f"{folder or '.'}/{name}"
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):
            return candidate
        there = there or os.path.isfile(candidate)
    if there:
        raise Refused(wire.COMMAND_NOT_EXECUTABLE, f"the program {name!r} on the PATH {path} may not be executed")
    raise Refused(wire.COMMAND_NOT_FOUND, f"there is no program {name!r} on the PATH {path}")


def _enter(directory: str) -> None:
    try:
        os.chdir(directory)
    except OSError as error:
        raise Refused(wire.WORKING_DIRECTORY, f"the working directory {directory!r} cannot be used: {error.strerror}") from None


def _refusal(program: str, error: OSError) -> Refused:
    if error.errno in _NO_PROGRAM:
        if os.path.exists(program):
            return Refused(wire.COMMAND_NOT_EXECUTABLE, f"{program!r} is there, but the interpreter it names is not")
        return Refused(wire.COMMAND_NOT_FOUND, f"there is no program {program!r}")
    if error.errno in _NO_FORMAT:
        return Refused(wire.COMMAND_NOT_EXECUTABLE, f"{program!r} cannot be executed: {error.strerror}")
    return Refused(wire.LAUNCH_FAILED, f"{program!r} could not be started: {error.strerror}")
