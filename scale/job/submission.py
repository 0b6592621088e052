"""What a user asks to be run, read from raw JSON into a value, or refused with every fault. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Protocol, TypeVar

from pydantic import AfterValidator, Field, ValidationError, field_validator

from scale.job.arrays.span import MAX_MEMBERS, Arrayed
from scale.job.dependencies import Termed
from scale.job.states import RetryOn
from scale.job.wishes import Wishes
from scale.kernel.errors import Fault, Invalid
from scale.kernel.reading import Body, Text, faults_of, read, shown

MAX_ARGUMENT = 131_071  #: bytes; what Linux gives one argument or variable, without the NUL at its end
MAX_COMMAND = 1_048_576  #: bytes of all arguments together
MAX_ENV = 524_288  #: bytes of all variables together; with the command it stays below what an exec may carry
MAX_INT = 2**31 - 1
MAX_JOBS = MAX_MEMBERS  #: of one request; each member of an array is one
_MOST_FAULTS = 50  #: of many jobs; an answer is for a reader
MAX_AMOUNT = 1e12
_POINTER = 9  #: bytes that a text costs in an exec beside its own: the NUL and an address
OURS = "SCALE_"


class Countable(Protocol):
    """Something that asks for jobs."""

    @property
    def jobs(self) -> int: ...


T = TypeVar("T", bound=Countable)


class InvalidSubmission(Invalid):
    """The submission breaks a rule."""


Amount = Annotated[float, Field(ge=0, le=MAX_AMOUNT)]


class Needs(Body):
    """What each execution needs: counts of cpus and gpus, MiB of mem and disk."""

    cpus: Amount = Field(1, description="May be a fraction.")
    mem: Amount = Field(256, description="MiB.")
    disk: Amount = Field(0, description="MiB.")
    gpus: Amount = Field(0, description="Whole ones.")

    @field_validator("gpus")
    @classmethod
    def _whole(cls, gpus: float) -> float:
        if not gpus.is_integer():
            raise ValueError("must be a whole number")
        return gpus

    @property
    def amounts(self) -> dict[str, float]:
        return {name: float(amount) for name, amount in self}


def printable(name: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise ValueError("holds a control character")
    return name


Labels = Annotated[
    dict[Annotated[Text, Field(min_length=1, max_length=200)], Annotated[Text, Field(max_length=1000)]], Field(max_length=100)
]


class Submission(Wishes, Arrayed, Termed):
    """One job, or an array of them, as it was asked for; what was left out has its default."""

    command: str | list[str] = Field(description="Text runs by `/bin/sh -c`; a list is a program with its arguments.")
    name: Annotated[str, AfterValidator(printable)] = Field("", max_length=200)
    env: dict[str, str] = Field({}, description="Added to the environment of the program.")
    working_dir: Annotated[Text, Field(max_length=4096)] | None = Field(
        None, description="An absolute path; null is an empty directory of its own."
    )
    resources: Needs = Needs()
    timeout: int = Field(3600, ge=1, le=MAX_INT, description="Seconds that the program may run.")
    max_tries: int = Field(3, ge=1, le=100)
    retry_on: RetryOn = Field(
        RetryOn.SYSTEM, strict=False, description="`system`: what is not the job's fault; `failure`: everything."
    )
    priority: int = Field(100, ge=1, le=MAX_INT, description="The lowest number goes first.")
    labels: Labels = {}

    @field_validator("command", mode="plain")
    @classmethod
    def _runnable(cls, command: object) -> str | list[str]:
        match command:
            case str() if command.strip():
                check_texts({"the command": command}, MAX_COMMAND)
                return command
            case [*arguments] if (
                arguments and arguments[0] != "" and (texts := [a for a in arguments if isinstance(a, str)]) == arguments
            ):
                check_texts({f"item {number}": text for number, text in enumerate(texts)}, MAX_COMMAND)
                return texts
            case str() | [] | ["", *_]:
                raise ValueError("is empty; name a program")
            case _:
                raise ValueError("expected text, or a list of texts")

    @field_validator("env")
    @classmethod
    def _passable(cls, env: dict[str, str]) -> dict[str, str]:
        for name in env:
            if not name or "=" in name:
                raise ValueError(f"{shown(name)!r} cannot name a variable: it is empty or holds '='")
            if name.startswith(OURS):
                raise ValueError(f"{shown(name)} is Scale's: names that begin with {OURS} are set by Scale")
        check_texts({shown(name): f"{name}={value}" for name, value in env.items()}, MAX_ENV)
        return env

    @field_validator("working_dir")
    @classmethod
    def _absolute(cls, path: str | None) -> str | None:
        if path is not None and not path.startswith("/"):
            raise ValueError("must be an absolute path")
        return path


class _Unread(Body):
    """Many jobs, each still as it came."""

    jobs: Annotated[list[object], Field(min_length=1, max_length=MAX_JOBS)]


def parse_submission(raw: object) -> Submission:
    """Read a submission.

    :raises InvalidSubmission: with every fault
    """
    try:
        return Submission.model_validate(raw)
    except ValidationError as error:
        raise InvalidSubmission(faults_of(error, Submission)) from None


def parse_submissions(raw: object, parse: Callable[[object], T] = parse_submission) -> list[T]:  # type: ignore[assignment]
    """Read many submissions, one by one, so that a body full of faults costs no more than the first of them.

    :raises InvalidSubmission: with some dozens of faults at most, named as `jobs.17.resources.cpus`
    """
    read_jobs: list[T] = []
    faults: list[Fault] = []
    jobs = read(_Unread, raw).jobs
    for number, job in enumerate(jobs):
        try:
            read_jobs.append(parse(job))
        except InvalidSubmission as error:
            faults += _of_job(number, error.faults)
        if len(faults) >= _MOST_FAULTS:
            raise InvalidSubmission(_cut(faults, jobs[number + 1 :], number))
    if (asked := sum(job.jobs for job in read_jobs)) > MAX_JOBS:
        faults.append(Fault("jobs", f"asks for {asked} jobs, the members of arrays counted; at most {MAX_JOBS} go together"))
    if faults:
        raise InvalidSubmission(faults)
    return read_jobs


def _of_job(number: int, faults: Sequence[Fault]) -> list[Fault]:
    return [Fault(".".join(filter(None, ("jobs", str(number), fault.field))), fault.message) for fault in faults]


def _cut(faults: Sequence[Fault], unread: Sequence[object], number: int) -> list[Fault]:
    """The first ones, and whether there may be more."""
    told = list(faults[:_MOST_FAULTS])
    if unread or len(faults) > len(told):
        told.append(Fault("jobs", f"there may be more faults; nothing was looked at after jobs.{number}"))
    return told


def check_texts(texts: Mapping[str, str], most: int) -> None:
    """Refuse what no process could be given."""
    total = 0
    for what, text in texts.items():
        if "\0" in text:
            raise ValueError(f"{what} holds a NUL byte")
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            raise ValueError(f"{what} holds a lone surrogate, which is no character") from None
        if size > MAX_ARGUMENT:
            raise ValueError(f"{what} is longer than {MAX_ARGUMENT} bytes")
        total += size + _POINTER
    if total > most:
        raise ValueError(f"is longer than {most} bytes altogether")
