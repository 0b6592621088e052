"""The Python client of the REST API; the `scale` command, the agent and users share it.

    with ScaleClient.from_environment(os.environ) as scale:
        job = scale.wait(scale.submit("sha256sum /etc/hostname")["id"])

What can go wrong:

ScaleError
├── WrongSetting      SCALE_URL or SCALE_TOKEN cannot be used
├── BadRequest
│   └── Refused       the service says no (4xx): its own words, and the fields it names
└── ClusterTrouble
    ├── Unreachable   nobody answers
    └── Unwell        the service answers that it cannot, now (5xx)
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self, TypeVar
from urllib.parse import quote

import httpx

from scale.kernel.clock import Clock, SystemClock
from scale.kernel.errors import BadRequest, ClusterTrouble, Fault, Invalid, NotFound, ScaleError

Json = dict[str, Any]
Stream = Literal["stdout", "stderr", "combined"]
T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8000"
BASE = "/api/v7/"
ENDED = frozenset({"COMPLETED", "FAILED", "CANCELED"})
PATIENCE = 60.0  #: seconds that a waiting client bears with a service that is away, for it may be starting again
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


class WrongSetting(ScaleError):
    """SCALE_URL or SCALE_TOKEN cannot be used."""


class Complaint(NamedTuple):
    """One thing that the service does not take; of a manifest or a configuration also by the code of the rule."""

    field: str
    message: str
    code: str = ""
    pointer: str = ""

    def __str__(self) -> str:
        place = self.pointer or self.field
        return f"{f'{place}: ' if place else ''}{self.message}{f' ({self.code})' if self.code else ''}"


class Refused(BadRequest):
    """The service said no."""

    def __init__(self, status: int, message: str, faults: Sequence[Complaint] = ()) -> None:
        self.status = status
        self.faults = tuple(faults)
        super().__init__(_told(message, self.faults))


class Unreachable(ClusterTrouble):
    """Nobody answers there."""


class Unwell(ClusterTrouble):
    """The service cannot answer now."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class LogPart(NamedTuple):
    content: bytes
    stop: int  #: where the next part begins
    is_over: bool  #: nothing will follow


class Defined(NamedTuple):
    is_new: bool
    answer: Json  #: of a new job type, the type; of one that was changed, whether it is valid, and the warnings


class ScaleClient:
    """One service, spoken to as one user. Answers are the API's own JSON."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        token: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        address = _parse(self.url)
        if token and not (token.isascii() and token.isalnum()):
            raise WrongSetting("SCALE_TOKEN holds something that is neither a letter nor a digit")
        self._clock = clock or SystemClock()
        self._pause = pause or threading.Event().wait
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Token {token}"} if token else {},
            timeout=httpx.Timeout(30, connect=5),
            transport=transport,
            trust_env=not _is_loopback(address),  # a proxy has no business with this machine's own token
        )

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> Self:
        """Find the service and the token: SCALE_URL and SCALE_TOKEN, else what `scale up` left in SCALE_HOME.

        The token in SCALE_HOME is for this machine's own service and is shown to loopback addresses only.
        """
        home = Path(variables.get("SCALE_HOME") or Path.home() / ".scale").expanduser()
        url = variables.get("SCALE_URL") or _first_line(home / "url") or DEFAULT_URL
        token = variables.get("SCALE_TOKEN") or (_first_line(home / "token") if _is_loopback(_parse(url)) else None)
        return cls(url, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # Jobs

    def submit(self, command: str | Sequence[str] | None = None, *, idempotency_key: str | None = None, **fields: Any) -> Json:
        """Put a job on the queue, of a command or, with `job_type` among the fields, of a job type.

        The fields are those of POST jobs/, and what is left out has the service's default. Sent again under the same key, the
        same job is answered and none is made.
        """
        body = fields if command is None else {"command": command if isinstance(command, str) else list(command), **fields}
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return self._json("POST", "jobs/", json=body, headers=headers)

    def submit_many(self, jobs: Iterable[Mapping[str, Any]]) -> list[int]:
        """Put up to 10,000 jobs on the queue, all or none; each is the body of a POST jobs/. Returns their ids in this order."""
        ids: list[int] = self._json("POST", "jobs/bulk/", json={"jobs": [*jobs]})["ids"]
        return ids

    def job(self, job_id: int) -> Json:
        return self._json("GET", f"jobs/{job_id}/")

    def jobs(
        self, *, status: Iterable[str] = (), order: str = "-id", page_size: int = 100, page: int = 1, **filters: Any
    ) -> Json:
        """One page of jobs, the newest first; the filters are the parameters of GET jobs/, such as `owner="alice"`."""
        paged = {"status": [*status], "order": order, "page_size": page_size, "page": page}
        return self._json("GET", "jobs/", params={**paged, **filters})

    def array(self, array_id: int) -> Json:
        """An array, with `counts` of its members by status."""
        return self._json("GET", f"job-arrays/{array_id}/")

    def input_files(self, job_id: int, *, page_size: int = 1000) -> Json:
        """One page of the files that a job of a job type reads."""
        return self._json("GET", f"jobs/{job_id}/input_files/", params={"page_size": page_size})

    def executions(self, job_id: int) -> Json:
        """One page of a job's executions, the latest first."""
        return self._json("GET", f"jobs/{job_id}/executions/")

    def logs(self, execution_id: int, stream: Stream = "combined") -> bytes:
        """What an execution has written until now; nothing if there is no log."""
        return self._ask("GET", f"job-executions/{execution_id}/logs/{stream}/").content

    def log_part(self, execution_id: int, stream: Stream, start: int, most: int = 1 << 20) -> LogPart:
        """What an execution has written from this byte on, and whether it is over; nothing if there is no more until now."""
        wanted = {"Range": f"bytes={start}-{start + most - 1}"}
        answer = self._send("GET", f"job-executions/{execution_id}/logs/{stream}/", headers=wanted)
        is_over = answer.headers.get("Scale-Log-Complete") == "true"
        if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            size = int(answer.headers["Content-Range"].rpartition("/")[2])
            return LogPart(b"", start if start <= size else 0, is_over)  # a task that was lost begins anew
        if not answer.is_success:
            raise _trouble(answer)
        return LogPart(answer.content, start + len(answer.content), is_over and len(answer.content) < most)

    def follow(self, job_id: int, *streams: Stream) -> Iterator[bytes]:
        """What a job writes, as it comes, from its latest execution through all further ones until it has ended."""
        number = 0
        while latest := self._execution_after(job_id, number):
            number = number + 1 if number else latest
            yield from self._output(self.execution(job_id, number)["id"], streams or ("stdout", "stderr"))

    def _execution_after(self, job_id: int, number: int) -> int:
        """Wait for an execution after this one, and tell the latest; 0 if the job ends without."""
        job = self.wait_for(lambda: self.job(job_id), lambda job: _latest(job) > number or job["status"] in ENDED)
        return _latest(job) if _latest(job) > number else 0

    def _output(self, execution_id: int, streams: Sequence[Stream]) -> Iterator[bytes]:
        at = dict.fromkeys(streams, 0)

        def look() -> list[LogPart]:
            return [self.log_part(execution_id, stream, start) for stream, start in at.items()]

        is_over = False
        while not is_over:
            parts = self.wait_for(look, lambda parts: any(part.content or part.is_over for part in parts))
            is_over = all(part.is_over for part in parts)
            for stream, part in zip(streams, parts, strict=True):
                at[stream] = part.stop
                if part.content:
                    yield part.content

    def execution(self, job_id: int, number: int) -> Json:
        return self._json("GET", f"jobs/{job_id}/executions/{number}/")

    def log_document(self, execution_id: int, stream: Stream = "combined") -> Json:
        """The same as JSON, with the id of the task that wrote it; no text if there is no log."""
        told = self._json("GET", f"job-executions/{execution_id}/logs/{stream}/", params={"format": "json"})
        return told or {"task_id": None, "stream": stream, "text": ""}

    def cancel(self, *job_ids: int, **choice: Any) -> Json:
        """Cancel jobs: these, or those that fit every field of the choice, such as `owners=["alice"]`.

        The answer names those that were canceled and, of the named ones, those that were over and those that nobody knows. If
        they are more than 500, `command` tells what the scheduler works off; `wait_command` waits for it.
        """
        return self._change("cancel", job_ids, choice)

    def requeue(self, *job_ids: int, priority: int | None = None, **choice: Any) -> Json:
        """Try jobs anew that failed or were canceled; choice and answer are as those of `cancel`."""
        return self._change("requeue", job_ids, choice if priority is None else {**choice, "priority": priority})

    def uncancel(self, *job_ids: int, **choice: Any) -> Json:
        """Take back the cancel of jobs that never were on the queue; choice and answer are as those of `cancel`."""
        return self._change("uncancel", job_ids, choice)

    def hold(self, *job_ids: int, **choice: Any) -> Json:
        """Keep jobs from being placed; choice and answer are as those of `cancel`."""
        return self._change("hold", job_ids, choice)

    def release(self, *job_ids: int, **choice: Any) -> Json:
        """End a hold; choice and answer are as those of `cancel`."""
        return self._change("release", job_ids, choice)

    def _change(self, how: str, job_ids: Sequence[int], choice: Mapping[str, Any]) -> Json:
        named = {"job_ids": [*job_ids]} if job_ids or not choice else {}
        return self._json("POST", f"jobs/{how}/", json={**named, **choice})

    def command(self, command_id: int) -> Json:
        """How far something is that is done with very many jobs."""
        return self._json("GET", f"jobs/commands/{command_id}/")

    def wait(self, job_id: int, timeout: float | None = None) -> Json:
        """Wait until the job has ended, and tell it as it then is.

        :raises TimeoutError: it goes on after this many seconds
        :raises Unreachable: the service has been away for long
        """
        return self.wait_for(lambda: self.job(job_id), lambda job: job["status"] in ENDED, timeout)

    def wait_array(self, array_id: int, timeout: float | None = None) -> Json:
        """Wait until every member of an array has ended, and tell the array as it then is.

        :raises TimeoutError: it goes on after this many seconds
        """

        def is_over(array: Json) -> bool:
            return not any(number for status, number in array["counts"].items() if status not in ENDED)

        return self.wait_for(lambda: self.array(array_id), is_over, timeout)

    def wait_command(self, command_id: int, told: Callable[[Json], object] = lambda command: None) -> Json:
        """Wait until a command is worked off; each time that it is looked at, `told` gets it."""

        def look() -> Json:
            command = self.command(command_id)
            told(command)
            return command

        return self.wait_for(look, lambda command: command["ended"] is not None)

    def wait_for(self, ask: Callable[[], T], enough: Callable[[T], bool], timeout: float | None = None) -> T:
        """Ask again and again, ever more calmly, until the answer is enough."""
        began = heard = self._clock.monotonic()
        pause = _FIRST_PAUSE
        while True:
            try:
                answer = ask()
                heard = self._clock.monotonic()
                if enough(answer):
                    return answer
            except (Unreachable, Unwell):
                if self._clock.monotonic() - heard > PATIENCE:
                    raise
            if timeout is not None and self._clock.monotonic() - began > timeout:
                raise TimeoutError(f"waited for {timeout:g} seconds")
            self._pause(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    # The cluster

    def nodes(self) -> Json:
        return self._json("GET", "nodes/")

    def node(self, node_id: int) -> Json:
        return self._json("GET", f"nodes/{node_id}/")

    def node_named(self, hostname: str) -> Json:
        """:raises NotFound: there is none"""
        for number in count(1):
            page = self._json("GET", "nodes/", params={"page_size": 1000, "page": number})
            found: list[Json] = [node for node in page["results"] if node["hostname"] == hostname]
            if found or not page["next"]:
                break
        if not found:
            raise NotFound(f"There is no node {hostname}.")
        return found[0]

    def change_node(self, node_id: int, **fields: Any) -> None:
        self._ask("PATCH", f"nodes/{node_id}/", json=fields)

    def scheduler(self) -> Json:
        return self._json("GET", "scheduler/")

    def change_scheduler(self, **fields: Any) -> None:
        self._ask("PATCH", "scheduler/", json=fields)

    # Job types, workspaces and files

    def job_types(self, *, page_size: int = 1000, **filters: Any) -> Json:
        """One page of the kinds of jobs, by name; the filters are the parameters of GET job-types/, such as `keyword="tile"`."""
        return self._json("GET", "job-types/", params={"page_size": page_size, **filters})

    def job_type_names(self, *, page_size: int = 1000, **filters: Any) -> Json:
        """One page of the kinds of jobs, all versions of each as one."""
        return self._json("GET", "job-type-names/", params={"page_size": page_size, **filters})

    def job_type_versions(self, name: str, *, page_size: int = 1000, **filters: Any) -> Json:
        """One page of the versions of a job type, the newest first."""
        return self._json("GET", f"job-types/{quote(name, safe='')}/", params={"page_size": page_size, **filters})

    def job_types_status(self) -> Json:
        """How many jobs of which status there are of each kind, of the last three hours."""
        return self._json("GET", "job-types/status/")

    def job_type(self, name: str, version: str) -> Json:
        return self._json("GET", _type_path(name, version))

    def define_job_type(self, manifest: Any, **fields: Any) -> Defined:
        """Make a job type from its Seed manifest, or change the one that has its name and version.

        The fields are those of POST job-types/, such as `configuration`.

        :raises Refused: the manifest or the configuration break a rule; each fault tells the rule's code and its place
        """
        answer = self._ask("POST", "job-types/", json={"manifest": manifest, **fields})
        return Defined(answer.status_code == HTTPStatus.CREATED, answer.json())

    def validate_job_type(self, manifest: Any, configuration: Any = None) -> Json:
        """Whether a manifest, and a configuration beside it, would be taken: `is_valid`, `errors`, `warnings`."""
        beside = {} if configuration is None else {"configuration": configuration}
        return self._json("POST", "job-types/validation/", json={"manifest": manifest, **beside})

    def change_job_type(self, name: str, version: str, **fields: Any) -> None:
        self._ask("PATCH", _type_path(name, version), json=fields)

    def workspaces(self, *, page_size: int = 1000, **filters: Any) -> Json:
        """One page of workspaces, by name."""
        return self._json("GET", "workspaces/", params={"page_size": page_size, **filters})

    def workspace(self, workspace_id: int) -> Json:
        return self._json("GET", f"workspaces/{workspace_id}/")

    def workspace_named(self, name: str) -> Json:
        """:raises NotFound: there is none"""
        found = self.workspaces(name=name)["results"]
        if not found:
            raise NotFound(f"There is no workspace {name}.")
        return self.workspace(found[0]["id"])

    def create_workspace(self, name: str, path: str, **fields: Any) -> Json:
        """Make a directory a workspace; it must be there on every machine that runs jobs which use it."""
        configuration = {"broker": {"type": "host", "host_path": path}}
        return self._json("POST", "workspaces/", json={"name": name, "configuration": configuration, **fields})

    def change_workspace(self, workspace_id: int, **fields: Any) -> None:
        self._ask("PATCH", f"workspaces/{workspace_id}/", json=fields)

    def files(self, *, page_size: int = 100, **filters: Any) -> Json:
        """One page of the files that jobs have read or made, the newest first."""
        return self._json("GET", "files/", params={"page_size": page_size, **filters})

    # What there is to do

    def queue_status(self) -> Json:
        """What waits on the queue, by job type."""
        return self._json("GET", "queue/status/", params={"page_size": 1000})

    def running(self) -> Json:
        """What runs, by job type."""
        return self._json("GET", "job-types/running/", params={"page_size": 1000})

    def load(self, **filters: Any) -> Json:
        """How many jobs were not over at each full hour, the newest hours last."""
        return self._json("GET", "load/", params={"page_size": 1000, **filters})

    def status(self) -> Json:
        """The status document."""
        return self._json("GET", "status/")

    def sizes(self) -> Json:
        """How much there is of everything that grows; for staff."""
        return self._json("GET", "sizes/")

    def errors(self, *, page_size: int = 1000, **filters: Any) -> Json:
        """One page of why jobs fail; the filters are the parameters of GET errors/, such as `job_type_name="tile"`."""
        return self._json("GET", "errors/", params={"page_size": page_size, **filters})

    def version(self) -> Json:
        return self._json("GET", "version/")

    def is_ready(self) -> bool:
        """Whether jobs would be run now."""
        try:
            return self._http.get("/readyz").status_code == HTTPStatus.OK
        except httpx.TransportError:
            return False

    # The wire

    def _json(self, method: str, path: str, **rest: Any) -> Json:
        answer = self._ask(method, path, **rest)
        if not answer.content:
            return {}
        try:
            read: Json = answer.json()
        except ValueError:
            raise Unwell(answer.status_code, f"{self.url} does not speak like Scale; is that the right address?") from None
        return read

    def _ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        answer = self._send(method, path, **rest)
        if answer.is_success:
            return answer
        raise _trouble(answer)

    def _send(self, method: str, path: str, **rest: Any) -> httpx.Response:
        request = self._request(method, path, **rest)
        try:
            return self._http.send(request)
        except httpx.TimeoutException:
            raise Unreachable(f"{self.url} does not answer in time") from None
        except httpx.TransportError as error:
            raise Unreachable(f"{self.url} cannot be reached: {error}") from None

    def _request(self, method: str, path: str, **rest: Any) -> httpx.Request:
        try:
            return self._http.build_request(method, BASE + path, **rest)
        except UnicodeEncodeError:
            raise Invalid([Fault("", "this holds bytes that are no UTF-8 text")]) from None
        except ValueError:
            raise Invalid([Fault("", "this holds a number that is not finite")]) from None


def _latest(job: Json) -> int:
    """The number of a job's latest execution; 0 if there is none."""
    return int((job.get("execution") or {}).get("exe_num", 0))


def _type_path(name: str, version: str) -> str:
    return f"job-types/{quote(name, safe='')}/{quote(version, safe='')}/"


def _trouble(answer: httpx.Response) -> Refused | Unwell:
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    message = str(problem.get("detail") or problem.get("title") or f"{answer.status_code} {answer.reason_phrase}")
    if answer.status_code == HTTPStatus.UNAUTHORIZED and "Authorization" not in answer.request.headers:
        message = "The service wants a token: set SCALE_TOKEN."
    if answer.is_server_error:
        return Unwell(answer.status_code, message)
    faults = [_complaint(error) for error in problem.get("errors") or () if isinstance(error, dict)]
    return Refused(answer.status_code, message, faults)


def _complaint(error: Json) -> Complaint:
    return Complaint(*(str(error.get(part) or "") for part in Complaint._fields))


def _told(message: str, faults: Sequence[Complaint]) -> str:
    """The message with each fault on a line of its own; a message that only strings them together says nothing more."""
    if not faults or not all(fault.message in message for fault in faults):
        return "\n  ".join([message, *map(str, faults)])
    return str(faults[0]) if len(faults) == 1 else "\n  ".join(["This cannot be taken:", *map(str, faults)])


def _parse(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        raise WrongSetting(f"SCALE_URL {url!r} is no address such as {DEFAULT_URL}") from None
    if address.scheme not in ("http", "https") or not address.host:
        raise WrongSetting(f"SCALE_URL {url!r} is no address such as {DEFAULT_URL}")
    return address


def _is_loopback(address: httpx.URL) -> bool:
    if address.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return False


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None
