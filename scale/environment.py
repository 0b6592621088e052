"""Every SCALE_* variable: typed, read once, all mistakes told together. Nobody else reads the environment.

`docs/reference/environment.md` is made from this file.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import dj_database_url
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from scale.kernel.errors import Fault, Invalid

PREFIX = "SCALE_"
ENGINES = "scale.engines"  #: the group of entry points that engines register in
#: settings whose value must not stand in an error message
_SECRET = frozenset({"secret_key", "secrets_keys", "admin_password", "database_url"})
_LONGEST = 36_500  # days
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def _words(value: object) -> object:
    """A comma-separated list as a tuple."""
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class InvalidEnvironment(Invalid):
    """Some SCALE_* variables cannot be used."""

    def __str__(self) -> str:
        return "\n".join(["These settings cannot be used:", *(f"  {fault}" for fault in self.faults)])


class Listen(BaseModel):
    """Where the web server listens."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int = Field(ge=0, le=65535)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Environment(BaseModel):
    """All settings that are fixed while a process runs."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    home: Path = Field(
        default_factory=lambda: Path.home() / ".scale",
        description="The data directory: database, logs, tokens, the running tasks' records.",
    )
    database_url: str | None = Field(
        None, description="`postgres://user:password@host:port/name`; unset means SQLite in `SCALE_HOME`."
    )
    listen: Listen = Field(Listen(host="127.0.0.1", port=8000), description="`host:port` of the web server.")
    engines: Words = Field(("local",), description="The engines that run tasks, separated by commas.")
    allowed_hosts: Words = Field(
        (), description="More host names that the web server answers to, beside loopback, its own and the listening one."
    )
    secret_key: str | None = Field(
        None, description="Signs sessions; unset means one kept in `SCALE_HOME/secret-key`.", repr=False
    )
    secrets_keys: Words = Field(
        (),
        description="Seal the secret settings of job types: the first key seals, each of them, separated by commas, unseals; "
        "unset means one kept in `SCALE_HOME/secrets-key`.",
        repr=False,
    )
    admin_user: str = Field(
        "admin", min_length=1, max_length=150, pattern=r"^[\w.@+-]+$", description="The first administrator, made by `scale up`."
    )
    admin_password: str | None = Field(
        None, min_length=8, description="Its password; unset means a random one, put into `SCALE_HOME/password`.", repr=False
    )
    log_level: str = Field("INFO", description="`DEBUG`, `INFO`, `WARNING` or `ERROR`.")
    web_threads: int = Field(8, ge=1, le=256, description="Requests that the web server answers at the same time.")
    max_losses: int = Field(5, ge=1, description="A task lost this often fails its execution with `node-lost`.")
    node_lost_after: float = Field(
        60, ge=0, description="Seconds that a node may be away before what ran on it is given up as `node-lost`."
    )
    kill_grace: float = Field(5, ge=0, description="Seconds between SIGTERM and SIGKILL when a task is ended.")
    keep_task_updates: int = Field(
        14, ge=0, le=_LONGEST, description="Days that the updates of an execution's tasks are kept after its end; 0: for ever."
    )
    keep_logs: int = Field(
        30, ge=0, le=_LONGEST, description="The same for what tasks wrote. It goes with the job at the latest."
    )
    keep_jobs: int = Field(
        365, ge=0, le=_LONGEST, description="The same for jobs with their executions, which are the accounting records."
    )
    local_cpus: float | None = Field(None, gt=0, description="Cpus that the local engine hands out; unset means this machine's.")
    local_mem: float | None = Field(None, gt=0, description="The same for memory, in MiB.")
    local_disk: float | None = Field(
        None, ge=0, description="The same for disk, in MiB; unset means what is free in `SCALE_HOME`."
    )
    local_gpus: int | None = Field(None, ge=0, description="The same for GPUs.")
    local_memory_limits: Literal["auto", "cgroup", "watch", "off"] = Field(
        "auto",
        description="How the local engine holds tasks to their memory: `cgroup` by the kernel's memory groups (a task is refused "
        "where there are none), `watch` by looking at them now and then, `auto` by groups if it can, `off` not at all.",
    )

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Read the variables that begin with ``SCALE_``; an empty one counts as unset.

        :raises InvalidEnvironment: with every mistake, names that are nearly right included
        """
        known = [PREFIX + name.upper() for name in cls.model_fields]
        given = {name.removeprefix(PREFIX).lower(): value for name, value in variables.items() if name in known and value != ""}
        faults = [
            Fault(name, f"there is no such setting; did you mean {near[0]}?")
            for name in variables
            if name not in known and (near := get_close_matches(name, known, n=1, cutoff=0.85))
        ]
        try:
            read = cls.model_validate(given)
        except ValidationError as error:
            raise InvalidEnvironment([*faults, *map(_fault, error.errors())]) from None
        if faults:
            raise InvalidEnvironment(faults)
        return read

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("listen", mode="before")
    @classmethod
    def _host_and_port(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        host, colon, port = value.rpartition(":")
        if not colon or not port.isdigit():
            raise ValueError(f"{value!r} is not host:port, such as 127.0.0.1:8000")
        return {"host": host or "0.0.0.0", "port": int(port)}  # noqa: S104 an empty host means all, as everywhere

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("postgres://", "postgresql://", "sqlite:///")):
            raise ValueError("expected postgres://user:password@host:port/name or sqlite:////path/to/file")
        try:
            dj_database_url.parse(url or "sqlite:///")
        except ValueError:  # whose words may hold the password
            raise ValueError(
                "no URL; the port is a number, and %, @, :, / and # of the password are written as %25, %40 ..."
            ) from None
        return url

    @field_validator("engines")
    @classmethod
    def _some_engine(cls, engines: tuple[str, ...]) -> tuple[str, ...]:
        if not engines or len(set(engines)) < len(engines):
            raise ValueError("name at least one engine, and none twice")
        installed = sorted(entry_points(group=ENGINES).names)
        if unknown := [name for name in engines if name not in installed]:
            raise ValueError(f"there is no engine {unknown[0]!r}; installed are: {', '.join(installed)}")
        return engines

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        if level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("expected DEBUG, INFO, WARNING or ERROR")
        return level.upper()

    @property
    def hosts(self) -> list[str]:
        """The names that the web server answers to."""
        return [*dict.fromkeys((*_LOOPBACK, self.listen.host, socket.gethostname(), *self.allowed_hosts))]

    @property
    def database(self) -> Any:
        """The database as Django wants it described."""
        return dj_database_url.parse(self.database_url or f"sqlite:///{self.home / 'scale.sqlite3'}")


def _fault(details: Any) -> Fault:
    where = str(details["loc"][0])
    message = details["msg"].removeprefix("Value error, ")
    got = "" if details["loc"][0] in _SECRET else f" (got {details['input']!r})"
    return Fault(PREFIX + where.upper(), message + got)
