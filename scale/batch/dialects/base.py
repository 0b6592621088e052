"""What all dialects have in common: a dialect turns resources into a script, orders into argument lists, outputs into values.

It runs nothing and knows no clock: hosts run its commands, QueueManager brings both together. To write one:

1. the class variables: `name`, `prefix`, `directives`, `supported_qresources_keys`, `job_id_pattern`;
2. `options_of`: resources in words of `directives`;
3. `submit_words`, `cancel_argv`, `live_argvs`, `history_argvs`: commands, each an argument list, never a text for a shell;
4. `submitted_id`, `read_cancel`, `read_jobs`, `read_history`: what came of them.

The methods that qtoolkit has are made of these here.
"""

from __future__ import annotations

import logging
import re
import shlex
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import PurePath
from typing import Any, ClassVar, NamedTuple, TypeVar

from scale.batch import checks
from scale.batch.errors import InvalidFieldError, InvalidJobIDError, OutputParsingError, UnsupportedResourcesError
from scale.batch.jobs import QJob, QState
from scale.batch.jsonable import suggestion
from scale.batch.resources import QResources
from scale.batch.results import CancelResult, SubmissionResult, SubmissionStatus
from scale.batch.states import NativeState
from scale.kernel.errors import Fault

log = logging.getLogger(__name__)

#: a program and its arguments, as exec takes them
Argv = tuple[str, ...]
#: one job, by itself or its id
JobRef = QJob | int | str
Options = Mapping[str, Any] | QResources | None

T = TypeVar("T")
U = TypeVar("U")
State = TypeVar("State", bound=NativeState)

#: lines for the header as they are
VERBATIM = "qverbatim"
#: fields of QResources that Slurm, PBS and Grid Engine all can give
COMMON_KEYS = frozenset(
    {
        *("queue_name", "job_name", "memory_per_thread", "nodes", "processes", "processes_per_node", "threads_per_process"),
        *("gpus_per_job", "time_limit", "account", "priority", "output_filepath", "error_filepath", "process_placement"),
        *("email_address", "rerunnable", "njobs", "dependencies", "hold", "licenses", "constraints"),
    }
)
#: what a script is called if nobody says
SCRIPT = "submit.script"
NOT_BOTH = "Cannot query by user and job(s): ask for jobs or for a user, not for both"
#: so many ids fit into one argument of a command
IDS_AT_ONCE = 1000


class Output(NamedTuple):
    """What a command of the batch system left."""

    exit_code: int
    stdout: str
    stderr: str

    @classmethod
    def of(cls, exit_code: int, stdout: str | bytes | None, stderr: str | bytes | None) -> Output:
        return cls(exit_code, _text(stdout), _text(stderr))


class BaseSchedulerIO(ABC):
    """One batch system's tongue."""

    #: its name in `scheduler_mapping`
    name: ClassVar[str]
    #: the first line of a script
    shebang: ClassVar[str] = "#!/bin/bash"
    #: what a line of the header starts with
    prefix: ClassVar[str]
    #: options in the order of the header; `{}` is where the value goes, an option without it is a switch
    directives: ClassVar[Mapping[str, str]]
    #: fields of QResources that this batch system can give
    supported_qresources_keys: ClassVar[frozenset[str]]
    #: what an id looks like, all of it
    job_id_pattern: ClassVar[re.Pattern[str]]
    #: the same for people; without it they are shown the pattern
    job_id_like: ClassVar[str] = ""

    def __init__(self, *, check_job_ids: bool = True) -> None:
        self.check_job_ids = check_job_ids

    # ---- what a dialect says

    @abstractmethod
    def options_of(self, resources: QResources) -> dict[str, Any]:
        """These resources, checked and supported, in options of `directives`; without `scheduler_kwargs`."""

    @abstractmethod
    def submit_words(self) -> Argv:
        """What submits a script; its name comes behind."""

    @abstractmethod
    def cancel_argv(self, ids: Sequence[str]) -> Argv:
        """Cancel all of these, which are checked."""

    @abstractmethod
    def live_argvs(self, ids: Sequence[str], user: str | None) -> list[Argv]:
        """Ask for these jobs (all there are if none is named), or those of a user; few commands for any number of jobs."""

    @abstractmethod
    def history_argvs(self, ids: Sequence[str]) -> list[Argv]:
        """Ask for these jobs after they have left the live ones; nothing where no history is kept."""

    @abstractmethod
    def submitted_id(self, said: str) -> str | None:
        """The id in what a submit said that went well; others, such as hooks of the site, may have said something too."""

    @abstractmethod
    def read_cancel(self, output: Output) -> CancelResult: ...

    @abstractmethod
    def read_jobs(self, output: Output) -> list[QJob]:
        """What one of `live_argvs` said. A job that cannot be read is told in the log and left out: see `each`, `state_of`.

        :raises CommandFailedError: the command failed, and not merely because a job is over or unknown
        :raises OutputParsingError: nothing of it can be read
        """

    @abstractmethod
    def read_history(self, output: Output) -> list[QJob]:
        """What one of `history_argvs` said, under the terms of `read_jobs`; of a job that ran twice the last run counts."""

    def whole(self, job_id: str) -> str:
        """The id of what this is a part of, such as the array of a task; its own if it is none."""
        return job_id

    def listed(self, job_id: str) -> Iterable[str]:
        """The parts that this id lists by themselves: a task is itself; a whole lists none, it has all that there are."""
        return () if self.whole(job_id) == job_id else (job_id,)

    def word(self, option: str, value: str) -> str:
        """A value as it stands in a directive; one that could end the word is refused. A dialect that can quote overrides it.

        There is no control character in it.
        """
        return checks.bare_word(option, value)

    # ---- scripts

    def get_submission_script(self, commands: str | Sequence[str], options: Options = None) -> str:
        """The script: shebang, header, an empty line, commands. It has no newline at its end.

        :raises UnsupportedResourcesError: the batch system cannot give what is asked for
        :raises InvalidFieldError: an option is not known, or holds what must not get into a script
        """
        header = self.generate_header(options)
        text = checks.writable("commands", commands if isinstance(commands, str) else "\n".join(commands))
        return "\n".join([self.shebang, *([header, ""] if header else []), text])

    def generate_header(self, options: Options = None) -> str:
        """The lines of the header; an empty text if nothing is asked for."""
        return "\n".join(self._lines(self.header_options(options)))

    def header_options(self, options: Options) -> dict[str, Any]:
        """What is asked for in options of `directives`, each of which there is."""
        if not isinstance(options, Mapping | QResources | None):
            raise InvalidFieldError([Fault("options", f"must be a QResources, or options by name, not {options!r}")])
        asked = self.check_convert_qresources(options) if isinstance(options, QResources) else dict(options or {})
        self._check_known(asked)
        return asked

    def check_convert_qresources(self, resources: QResources) -> dict[str, Any]:
        """These resources in options of `directives`; `scheduler_kwargs` come last and override.

        :raises UnsupportedResourcesError: the batch system cannot give what is asked for
        """
        self.check_supported(resources)
        asked = self.options_of(resources) if resources.given() else {}
        return {option: value for option, value in asked.items() if value} | (resources.scheduler_kwargs or {})

    def check_supported(self, resources: QResources) -> None:
        checks.check_resources(resources)
        resources.check_empty()
        unsupported = sorted(resources.given().keys() - self.supported_qresources_keys - {"scheduler_kwargs"})
        if unsupported:
            raise UnsupportedResourcesError(f"Keys not supported: {', '.join(unsupported)} ({self.name} has nothing of the kind)")

    def _check_known(self, options: Mapping[str, Any]) -> None:
        known = frozenset(self.directives) | {VERBATIM}
        unknown = sorted(str(key) for key in options.keys() - known)
        faults = [Fault(key, f"{self.name} has no such option{suggestion(key, known)}") for key in unknown]
        if faults:
            raise InvalidFieldError(faults)

    def _lines(self, options: Mapping[str, Any]) -> Iterator[str]:
        for option, text in self.directives.items():
            value = options.get(option)
            if value is None or value is False or value == "" or (not value and "{}" not in text):
                continue
            yield f"{self.prefix} {text.format(self.word(option, checks.printable(option, str(value))))}"
        yield from checks.verbatim_lines(VERBATIM, options.get(VERBATIM), self.prefix)

    # ---- orders

    def submit_argv(self, script_file: str | PurePath | None = None) -> Argv:
        """The command that submits this file, whose name is never taken for an option."""
        return (*self.submit_words(), checks.no_option(str(script_file or SCRIPT)))

    def read_submit(self, output: Output) -> SubmissionResult:
        found = None if output.exit_code else self.submitted_id(output.stdout)
        status = SubmissionStatus.SUCCESSFUL if found else SubmissionStatus.JOB_ID_UNKNOWN
        return SubmissionResult(
            job_id=found,
            exit_code=output.exit_code,
            stdout=output.stdout,
            stderr=output.stderr,
            status=SubmissionStatus.FAILED if output.exit_code else status,
        )

    # ---- ids

    def is_valid_job_id(self, job_id: int | str) -> bool:
        """Whether a job of this batch system can have this id."""
        return bool(self.job_id_pattern.fullmatch(str(job_id)))

    def job_id(self, job: JobRef) -> str:
        """The id of a job, fit for a command.

        :raises InvalidJobIDError: it has none, or one that this batch system never gives
        """
        given = job.job_id if isinstance(job, QJob) else job
        text = str(given or "").strip()
        if not text:
            raise InvalidJobIDError(f"{job!r} has no job id")
        pattern = self.job_id_pattern if self.check_job_ids else checks.HARMLESS_ID
        if not isinstance(given, int | str) or not pattern.fullmatch(text):
            right = f"be like {self.job_id_like}" if self.job_id_like and self.check_job_ids else f"match {pattern.pattern}"
            raise InvalidJobIDError(f"{str(given)[:100]!r} is no job id of {self.name}; it should {right}")
        return text

    def generate_ids_list(self, jobs: JobRef | Iterable[JobRef] | None) -> list[str]:
        """The ids of one job, several or none, each once."""
        if jobs is None:
            return []
        one = not isinstance(jobs, Iterable) or isinstance(jobs, (str, bytes))
        several: Any = [jobs] if one else jobs
        return list(dict.fromkeys(self.job_id(job) for job in several))

    def told_of(self, ids: Iterable[str], jobs: Iterable[QJob]) -> dict[str, list[QJob]]:
        """Which of these jobs each id stands for: the one that has it, or its parts, such as the tasks of an array."""
        told = {str(job.job_id): job for job in jobs if job.job_id}
        by_whole: dict[str, list[QJob]] = {}
        for job_id, job in told.items():
            by_whole.setdefault(self.whole(job_id), []).append(job)

        def of(job_id: str) -> list[QJob]:
            if job_id in told:
                return [told[job_id]]
            return [told[part] for part in self.listed(job_id) if part in told] or by_whole.get(job_id, [])

        return {job_id: of(job_id) for job_id in ids}

    # ---- by the names of qtoolkit: commands as texts that a shell takes apart into the same arguments

    def get_submit_cmd(self, script_file: str | PurePath | None = SCRIPT) -> str:
        return shlex.join(self.submit_argv(script_file))

    def get_cancel_cmd(self, job: JobRef) -> str:
        return shlex.join(self.cancel_argv([self.job_id(job)]))

    def get_job_cmd(self, job: JobRef) -> str:
        return self._live_cmd([self.job_id(job)], None)

    def get_jobs_list_cmd(self, jobs: JobRef | Iterable[JobRef] | None = None, user: str | None = None) -> str:
        if jobs and user:
            raise ValueError(NOT_BOTH)
        return self._live_cmd(self.generate_ids_list(jobs), checks.user(user))

    def _live_cmd(self, ids: Sequence[str], user: str | None) -> str:
        return " && ".join(map(shlex.join, self.live_argvs(ids, user)))

    def parse_submit_output(self, exit_code: int, stdout: str | bytes, stderr: str | bytes) -> SubmissionResult:
        return self.read_submit(Output.of(exit_code, stdout, stderr))

    def parse_cancel_output(self, exit_code: int, stdout: str | bytes, stderr: str | bytes) -> CancelResult:
        return self.read_cancel(Output.of(exit_code, stdout, stderr))

    def parse_job_output(
        self, exit_code: int, stdout: str | bytes, stderr: str | bytes, job_id: str | None = None
    ) -> QJob | None:
        """The job of this id; without one the first, which may be another's where the command tells of all jobs (Grid Engine)."""
        return next(iter(self.parse_jobs_list_output(exit_code, stdout, stderr, None if job_id is None else [job_id])), None)

    def parse_jobs_list_output(
        self, exit_code: int, stdout: str | bytes, stderr: str | bytes, job_ids: Iterable[str] | None = None
    ) -> list[QJob]:
        jobs = self.read_jobs(Output.of(exit_code, stdout, stderr))
        return jobs if job_ids is None else list(chain.from_iterable(self.told_of(map(str, job_ids), jobs).values()))

    def parse_history_output(self, exit_code: int, stdout: str | bytes, stderr: str | bytes) -> list[QJob]:
        return self.read_history(Output.of(exit_code, stdout, stderr))


# ---- for dialects


def state_of(states: type[State], code: str) -> tuple[QState, State | None]:
    """The states of this code; one that nobody knows is UNDETERMINED, and told in the log."""
    try:
        found = states.from_dict(code)
    except ValueError:
        log.warning("%r is no %s that we know: the state is UNDETERMINED", code[:100], states.__name__)
        return QState.UNDETERMINED, None
    return found.qstate, found


def each(pieces: Iterable[T], read: Callable[[T], U | None]) -> list[U]:
    """What can be read of these pieces of an output, such as jobs; a piece that cannot is told in the log and left out."""
    found = []
    for piece in pieces:
        try:
            read_of_it = read(piece)
        except OutputParsingError as error:
            log.warning("A job is left out: %s", error)
            continue
        if read_of_it is not None:
            found.append(read_of_it)
    return found


def optional(read: Callable[[str, str], T | None], text: str | None, where: str) -> T | None:
    """A value that a job can be told of without: None, and a line in the log, if it cannot be read."""
    try:
        return None if text is None else read(text, where)
    except OutputParsingError as error:
        log.warning("A value is left out: %s", error)
        return None


def common_options(resources: QResources) -> dict[str, Any]:
    """The options whose value is the same in every batch system, whatever it calls them."""
    return {
        "job_name": resources.job_name,
        "account": resources.account,
        "qout_path": resources.output_filepath,
        "qerr_path": resources.error_filepath,
        "mail_user": resources.email_address,
        "array": f"1-{resources.njobs}" if (resources.njobs or 0) > 1 else None,
        "hold": resources.hold,
    }


def common_options_of_qsub(resources: QResources) -> dict[str, Any]:
    """Those that PBS and Grid Engine, both heirs of one qsub, have beyond these."""
    return common_options(resources) | {
        "queue": resources.queue_name,
        "mail_type": resources.email_address and "abe",
        "rerunnable": None if resources.rerunnable is None else "y" if resources.rerunnable else "n",
    }


def priority_of(resources: QResources, allowed: range) -> int | str | None:
    """The priority as a number that the batch system has."""
    wanted = resources.priority or None
    if wanted is None or (re.fullmatch(r"-?\d{1,9}", str(wanted), re.ASCII) and int(wanted) in allowed):
        return wanted
    right = f"must be a whole number from {allowed[0]} to {allowed[-1]}"
    raise InvalidFieldError([Fault("priority", f"{right}, not {wanted!r}")])


def in_portions(ids: Sequence[str], most: int = IDS_AT_ONCE) -> Iterator[Sequence[str]]:
    """These ids in as many portions as it takes for a command to hold one; none of none."""
    return (ids[start : start + most] for start in range(0, len(ids), most))


def _text(said: str | bytes | None) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said or ""
