"""QueueManager: jobs submitted, canceled and asked for on a host, in the tongue of its batch system."""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from scale.batch import checks
from scale.batch.dialects.base import NOT_BOTH, SCRIPT, Argv, BaseSchedulerIO, JobRef, Options, Output
from scale.batch.errors import CommandFailedError, InvalidFieldError, OutputParsingError, QTKException
from scale.batch.hosts import Host, LocalHost, Outcome
from scale.batch.jobs import QJob, QState
from scale.batch.jsonable import suggestion
from scale.batch.results import CancelResult, SubmissionResult
from scale.kernel.errors import BadRequest, Fault

log = logging.getLogger(__name__)

Commands = str | Sequence[str]
Environment = Mapping[str, Any]


class SubmitDirectoryError(QTKException, BadRequest, RuntimeError):
    """The directory to submit from cannot be made."""


class QueueManager:
    """One batch system on one host."""

    def __init__(self, scheduler_io: BaseSchedulerIO, host: Host | None = None) -> None:
        self.scheduler_io = scheduler_io
        self.host = host or LocalHost()

    def execute_cmd(self, cmd: str | Sequence[str], workdir: str | PurePath | None = None) -> Outcome:
        """Run a command on the host: a list of arguments, or a text that is taken apart into them; no shell looks at it.

        :raises InvalidFieldError: the text has what only a shell could do
        """
        return self.host.execute(words_of(cmd) if isinstance(cmd, str) else cmd, workdir)

    def get_submission_script(  # noqa: PLR0917 the arguments of qtoolkit, in its order
        self,
        commands: Commands,
        options: Options = None,
        work_dir: str | PurePath | None = None,
        pre_run: Commands | None = None,
        post_run: Commands | None = None,
        environment: Environment | None = None,
    ) -> str:
        """The script: environment, change to `work_dir`, `pre_run`, commands, `post_run`."""
        if not isinstance(commands, str | list | tuple):
            raise ValueError(  # noqa: TRY004 whoever comes from qtoolkit catches this one
                f"commands should be a str or a list of str, not {commands!r}"
            )
        go = [f"cd {_quoted('work_dir', checks.no_option(str(work_dir)))}"] if work_dir else []
        lines = [*environment_lines(environment or {}), *go, *_lines(pre_run), *_lines(commands), *_lines(post_run)]
        return self.scheduler_io.get_submission_script(lines, options)

    def submit(  # noqa: PLR0917 the arguments of qtoolkit, in its order
        self,
        commands: Commands,
        options: Options = None,
        work_dir: str | PurePath | None = None,
        environment: Environment | None = None,
        script_fname: str = SCRIPT,
        create_submit_dir: bool = False,
        pre_run: Commands | None = None,
        post_run: Commands | None = None,
    ) -> SubmissionResult:
        """Write the script into `work_dir` and submit it from there.

        :raises SubmitDirectoryError: `create_submit_dir` was asked for, and it cannot be made
        :raises CommandFailedError: the script cannot be written
        """
        work_dir = self._from_the_root(work_dir) if work_dir else None
        script = self.get_submission_script(commands, options, work_dir, pre_run, post_run, environment)
        if create_submit_dir and work_dir and not self.host.mkdir(work_dir):
            raise SubmitDirectoryError(f"{work_dir} cannot be made; is there a file of that name, or no right to write above it?")
        self.host.write_text_file(PurePath(work_dir or "") / script_fname, script)
        return self.scheduler_io.read_submit(self._run(self.scheduler_io.submit_argv(script_fname), work_dir))

    def cancel(self, job: JobRef) -> CancelResult:
        return self.scheduler_io.read_cancel(self._run(self.scheduler_io.cancel_argv([self.scheduler_io.job_id(job)])))

    def get_job(self, job: JobRef) -> QJob:
        """As in `get_jobs_list`; of an array the first task that is told."""
        return self.get_jobs_list(job)[0]

    def get_jobs_list(self, jobs: JobRef | Iterable[JobRef] | None = None, user: str | None = None) -> list[QJob]:
        """These jobs, however they ended, in the order asked for; or those of a user, or all, that the batch system still knows.

        Few commands serve any number of jobs: first it is asked for what runs or waits, then history for the others.
        Every job asked for is answered, an array by each of its tasks. UNDETERMINED is one of which neither knows how it ended:
        history comes late by seconds, or by hours while its database is away. Ask again; for how long, the caller decides.

        :raises CommandFailedError: the batch system does not say what runs; a history that fails is told in the log
        """
        if jobs is not None and user:
            raise ValueError(NOT_BOTH)
        asked = self.scheduler_io.generate_ids_list(jobs)
        if jobs is not None and not asked:
            return []
        live = list(self._ask(self.scheduler_io.live_argvs(asked, checks.user(user)), self.scheduler_io.read_jobs))
        if not asked:
            return live
        return answers(self.scheduler_io, asked, live, self._history(not_told(asked, live)))

    def _from_the_root(self, directory: str | PurePath) -> PurePath:
        """A batch system starts a job here or there; the directory is meant from where the host runs commands."""
        checks.printable("work_dir", str(directory))
        if PurePath(directory).is_absolute():
            return PurePath(directory)
        return PurePath(self.host.execute(["pwd"]).stdout.removesuffix("\n"), directory)

    def _history(self, ids: Sequence[str]) -> list[QJob]:
        try:
            return list(self._ask(self.scheduler_io.history_argvs(ids), self.scheduler_io.read_history)) if ids else []
        except (CommandFailedError, OutputParsingError) as error:
            log.warning("How %d jobs ended cannot be told now: %s", len(ids), error)
            return []

    def _ask(self, argvs: Iterable[Argv], read: Callable[[Output], list[QJob]]) -> Iterator[QJob]:
        for argv in argvs:
            yield from read(self._run(argv))

    def _run(self, argv: Argv, workdir: str | PurePath | None = None) -> Output:
        done = self.host.execute(argv, None if workdir is None else str(workdir))
        return Output(done.exit_code, done.stdout, done.stderr)


# ---- what came of a question


def not_told(asked: Sequence[str], live: Sequence[QJob]) -> list[str]:
    """What history has to be asked for; also of an array whose tasks are told, for some may have been forgotten."""
    told = {job.job_id for job in live}
    return [job for job in asked if job not in told]


def answers(io: BaseSchedulerIO, asked: Sequence[str], live: Sequence[QJob], history: Sequence[QJob]) -> list[QJob]:
    """Each job that was asked for: as it is told live, else by history, else UNDETERMINED."""
    told = io.told_of(asked, (*history, *live))
    chosen = (job for job_id, jobs in told.items() for job in jobs or [QJob(job_id=job_id, state=QState.UNDETERMINED)])
    return list({job.job_id: job for job in chosen}.values())


# ---- scripts

_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ENVIRONMENT: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "modules": lambda names: iter(["module purge", *(f"module load {_quoted('environment.modules', name)}" for name in names)]),
    "source_files": lambda files: (f"source {_quoted('environment.source_files', file)}" for file in files),
    "conda_environment": lambda names: (f"conda activate {_quoted('environment.conda_environment', name)}" for name in names),
    "environ": lambda values: (f"export {_variable(name)}={_assigned(value)}" for name, value in values.items()),
}
_KINDS = ", ".join(_ENVIRONMENT)


def environment_lines(environment: Environment) -> list[str]:
    """What a script does first: modules, files to source, a conda environment, variables.

    :raises InvalidFieldError: it knows no such kind, or a value that would not stay on its line
    """
    if not isinstance(environment, Mapping):
        raise InvalidFieldError([Fault("environment", f"must be a mapping with some of {_KINDS}, not {environment!r}")])
    if unknown := sorted(str(kind) for kind in environment.keys() - _ENVIRONMENT.keys()):
        raise InvalidFieldError(
            Fault(f"environment.{name}", f"there is no such kind{suggestion(name, frozenset(_ENVIRONMENT))}") for name in unknown
        )
    asked = {kind: _shaped(kind, environment[kind]) for kind in _ENVIRONMENT if environment.get(kind)}
    return [line for kind, value in asked.items() for line in _ENVIRONMENT[kind](value)]


def _shaped(kind: str, value: Any) -> Any:
    """Variables by name, or a list of texts; a text is a list of one."""
    if kind == "environ" and not isinstance(value, Mapping):
        raise InvalidFieldError([Fault("environment.environ", f"must be values by name, not {value!r}")])
    if kind == "environ" or (isinstance(value, Iterable) and not isinstance(value, str | bytes)):
        return value
    return [value]


def _quoted(field: str, value: object) -> str:
    return shlex.quote(checks.printable(field, str(value)))


def _assigned(value: object) -> str:
    return checks.one_word("environment.environ", str(value))


def _variable(name: object) -> str:
    if not _VARIABLE.fullmatch(str(name)):
        raise InvalidFieldError([Fault("environment.environ", f"{str(name)[:100]!r} is no name of a variable")])
    return str(name)


def _lines(commands: Commands | None) -> list[str]:
    return [line for line in ([commands] if isinstance(commands, str) else commands or ()) if line]


_NOT_LOOKED_AT = re.compile(r"""'[^']*'|\\.|"(?:\\.|[^"\\])*\"""", re.S)
_FOR_A_SHELL = re.compile(r"[;&|<>()`$*?\n]|(?<!\S)~")


def words_of(command: str) -> list[str]:
    """The arguments in this text, as a shell would take it apart that expands nothing.

    :raises InvalidFieldError: it has what only a shell could do
    """
    bare = _NOT_LOOKED_AT.sub(lambda part: "".join(re.findall(r"[$`]", part[0])) if part[0].startswith('"') else "", command)
    if found := _FOR_A_SHELL.search(bare):
        message = f"{command[:100]!r} has {found[0]!r} for a shell, and none looks at it; write a list, as in ['bash', '-c', ...]"
        raise InvalidFieldError([Fault("cmd", message)])
    try:
        return shlex.split(command)
    except ValueError as error:
        raise InvalidFieldError([Fault("cmd", f"{command[:100]!r} cannot be taken apart: {error}")]) from None
