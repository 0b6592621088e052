"""What qstat -f of PBS says of jobs, as values: in JSON, or in text.

A job is over with an `Exit_status`: 0 to 255 is what its shell ended with, 256 and a signal is what killed it, and less than 0
is why PBS ended it or could not start it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from scale.batch.dialects.base import log, optional, state_of
from scale.batch.errors import OutputParsingError
from scale.batch.jobs import QJob, QJobInfo, QState
from scale.batch.quantities import pbs_duration, pbs_memory
from scale.batch.states import NativeState

#: of those below 0; the others are told by their number
_WHY: Final = {
    -1: "it could not be started, before its files were there",
    -2: "it could not be started, after its files were there",
    -3: "it could not be started, and will be tried again",
    -4: "it was ended as its node started anew",
    -5: "it was ended as its node started anew, from a checkpoint",
    -6: "it was ended as its node started anew, from a migrated checkpoint",
    -7: "it could not be started anew from its checkpoint",
    -10: "its user or group is not valid on the node",
    -24: "it used more cpus than it asked for",
    -25: "it used more cpu time than it asked for",
    -26: "it used more virtual memory than it asked for",
    -27: "it used more memory than it asked for",
    -28: "it used more cpu time than its limit",
    -29: "it ran longer than its limit",
}
#: substates of what is over: well, or not
_FINISHED, _NOT_WELL = "92", frozenset({"91", "93"})
_SIGNALED: Final = range(257, 384)

_JSON_KEY: Final = re.compile(r'^\s*"(\d+(?:\[\d*\])?\.[^"\s]+)"\s*:\s*(?=\{)', re.M)
_TEXT_ID: Final = re.compile(r"^Job Id: *(\S+)[^\n]*$", re.M)
_TEXT_VALUE: Final = re.compile(r"^ {4}([A-Za-z_][\w.]*) = (.*)$")


class Record(NamedTuple):
    """A job as qstat told it: `values` by name, those of a list as in `Resource_List.mem`."""

    job_id: str
    values: Mapping[str, str]


def records_of(said: str) -> Iterator[Record]:
    """Record by record, whichever form it has."""
    text = said.strip()
    if not text:
        return iter(())
    if text.startswith("{"):
        return iter(_from_json(text))
    if text.startswith("Job Id:"):
        return _from_text(said[: said.rfind("\n") + 1])  # a line that was cut off may end within a number
    raise OutputParsingError(f"qstat said {text[:100]!r}; it should begin with {{ or Job Id:")


def _from_json(text: str) -> list[Record]:
    try:
        jobs = json.loads(text, strict=False).get("Jobs", {})
        return [Record(job, flat(values)) for job, values in jobs.items()]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        log.warning("What qstat said is no JSON (%s): each job is read by itself", error)
        return _one_by_one(text)


def _one_by_one(text: str) -> list[Record]:
    """PBS quotes no number-like value and escapes little: one job may be no JSON, and the others are."""
    if not text.endswith("\n}"):  # only the outermost brace stands at the start of a line
        raise OutputParsingError(f"qstat said JSON that was cut off: it ends with {text[-50:]!r}")
    decoder, found, after = json.JSONDecoder(strict=False), [], 0
    for key in _JSON_KEY.finditer(text):
        if key.start() < after:
            continue  # inside of the one before
        try:
            values, after = decoder.raw_decode(text, key.end())
            found.append(Record(key[1], flat(values)))
        except (ValueError, TypeError, RecursionError) as error:
            log.warning("A job is left out: %s cannot be read (%s)", key[1], error)
    if not found:
        raise OutputParsingError(f"qstat said {text[:100]!r}, which is no JSON with jobs")
    return found


def flat(values: Any, prefix: str = "") -> dict[str, str]:
    """Values by name, those of a list by its name and theirs."""
    if not isinstance(values, Mapping):
        raise TypeError(f"{str(values)[:100]!r} should be values by name")
    found: dict[str, str] = {}
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": str(value)}
    return found


def _from_text(text: str) -> Iterator[Record]:
    parts = _TEXT_ID.split(text)
    if len(parts) == 1:
        raise OutputParsingError("qstat said Job Id: and was cut off")
    for job_id, page in zip(parts[1::2], parts[2::2], strict=True):
        lines = re.sub(r"\n\t", "", page).splitlines()  # long ones are folded
        found = [match for line in lines if (match := _TEXT_VALUE.match(line))]
        yield Record(job_id, {match[1]: match[2] for match in found})


def job_of(record: Record, states: type[NativeState]) -> QJob:
    """The job that this record tells of."""
    values = record.values
    if "job_state" not in values:
        raise OutputParsingError(f"{record.job_id} has no job_state")
    state, sub_state = state_of(states, values["job_state"])
    is_over = sub_state is not None and sub_state.batch_state.is_final
    code = optional(_whole, values.get("Exit_status"), "Exit_status") if is_over else None
    return QJob(
        name=values.get("Job_Name"),
        job_id=record.job_id,
        exit_status=_shell(code),
        exit_signal=code - 256 if code is not None and code in _SIGNALED else None,
        state=_end(code, values.get("substate")) if is_over else state,
        sub_state=sub_state,
        info=_info(values),
        account=values.get("Account_Name"),
        runtime=optional(pbs_duration, values.get("resources_used.walltime"), "resources_used.walltime"),
        queue_name=values.get("queue"),
        username=(values.get("Job_Owner") or "").partition("@")[0] or None,
        native_state=values["job_state"],
        reason=_reason(code, values.get("comment")),
    )


def _shell(code: int | None) -> int | None:
    """As a shell tells it; what PBS did is no status of the job."""
    if code is None or code not in (*range(256), *_SIGNALED):
        return None
    return code - 128 if code in _SIGNALED else code


def _end(code: int | None, substate: str | None) -> QState:
    """How it ended. Without a status it never ran, unless nothing says so: tasks of an array are forgotten early."""
    if code is not None:
        return QState.FAILED if code else QState.DONE
    if substate == _FINISHED:
        return QState.DONE
    return QState.FAILED if substate in _NOT_WELL else QState.UNDETERMINED


def _reason(code: int | None, comment: str | None) -> str | None:
    if code is None or code >= 0:
        return comment
    why = _WHY.get(code, "PBS ended it, or could not start it")
    return f"{why} (Exit_status {code})" + (f"; {comment}" if comment else "")


def _info(values: Mapping[str, str]) -> QJobInfo:
    memory = optional(pbs_memory, values.get("Resource_List.mem"), "Resource_List.mem")
    cpus = optional(_whole, values.get("Resource_List.ncpus"), "Resource_List.ncpus")
    threads = re.search(r":ompthreads=(\d{1,9})", values.get("Resource_List.select", ""), re.ASCII)
    return QJobInfo(
        memory=memory,
        memory_per_cpu=memory // cpus if memory and cpus else None,
        nodes=optional(_whole, values.get("Resource_List.nodect"), "Resource_List.nodect"),
        cpus=cpus,
        threads_per_process=int(threads[1]) if threads else None,
        time_limit=optional(pbs_duration, values.get("Resource_List.walltime"), "Resource_List.walltime"),
        gpus=optional(_whole, values.get("Resource_List.ngpus"), "Resource_List.ngpus"),
    )


def _whole(text: str, where: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text.strip(), re.ASCII):
        raise OutputParsingError(f"{where} is {text[:100]!r}, which cannot be read; it should be a whole number")
    return int(text)
