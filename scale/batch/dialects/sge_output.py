"""What qstat -xml and qacct say of jobs, as values.

An array is told by task, `6.2`. qstat gives what waits of it in one entry, `2-7:1` or `1,3`.

qacct has a record for each time that a job ended, and none for a job that was deleted while it waited. Its `failed` tells how
Grid Engine fared with the job: 0 is well, 100 and 37 are jobs that were killed, most others are jobs that could not be started.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree import ElementTree

from scale.batch.dialects.base import each, log, optional, state_of
from scale.batch.errors import OutputParsingError
from scale.batch.jobs import QJob, QJobInfo, QState
from scale.batch.quantities import sge_duration, sge_memory
from scale.batch.states import SGEState

_RANGE: Final = re.compile(r"(\d{1,9})(?:-(\d{1,9})(?::(\d{1,9}))?)?", re.ASCII)
#: what a name may have and XML may not: qstat prints it as it is
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
#: more than any Grid Engine lets an array have
_MOST_TASKS: Final = 1_000_000
#: `failed` of a run that did not count, for the job was put back: migrating, rescheduling
_PUT_BACK: Final = frozenset({24, 25})
_LINE: Final = re.compile(r"(\w+)[ \t]+(.*)")

Fields = Mapping[str, str]


def live_jobs(said: str, *, memory: str, time: str, gpu: str) -> list[QJob]:
    """What `qstat -xml -r` said."""
    if "<!DOCTYPE" in said:  # it never has one; entities are not to be expanded
        raise OutputParsingError("qstat said a document with a DOCTYPE; it should have a job_info and nothing before it")
    try:
        root = ElementTree.fromstring(_NOT_XML.sub("?", said))  # noqa: S314 it declares no entities: that was looked at
    except (ElementTree.ParseError, ValueError) as error:
        raise OutputParsingError(f"qstat said {said.strip()[:100]!r}, which is no whole XML ({error})") from None
    if root.tag != "job_info":
        raise OutputParsingError(f"qstat said a {root.tag}; it should be a job_info")
    pieces = [(entry, task) for entry in root.iter("job_list") for task in _tasks(entry)]
    return each(pieces, lambda piece: _live(*piece, memory=memory, time=time, gpu=gpu))


def _tasks(entry: ElementTree.Element) -> Iterator[str]:
    """The suffixes of the ids that this entry stands for; what cannot be read stands for the job as a whole."""
    tasks = (entry.findtext("tasks") or "").strip()
    ranges = [_RANGE.fullmatch(part) for part in tasks.split(",")]
    spans = [range(int(found[1]), int(found[2] or found[1]) + 1, int(found[3] or 1) or 1) for found in ranges if found]
    if None in ranges or sum(map(len, spans)) > _MOST_TASKS:
        if tasks:
            log.warning("tasks is %r, which cannot be read; it should be like 1-4:1,7", tasks[:100])
        spans = []
    yield from [f".{task}" for span in spans for task in span] or [""]


def _live(entry: ElementTree.Element, task: str, *, memory: str, time: str, gpu: str) -> QJob:
    code = (entry.findtext("state") or "").strip()
    state, sub_state = state_of(SGEState, code)
    requests = {request.get("name", ""): request.text or "" for request in entry.iter("hard_request")}
    queue = entry.findtext("queue_name") or entry.findtext("hard_req_queue") or ""
    return QJob(
        name=entry.findtext("full_job_name") or entry.findtext("JB_name"),
        job_id=_number(entry.findtext("JB_job_number"), "JB_job_number") + task,
        state=state,
        sub_state=sub_state,
        info=_info(requests, optional(_count, entry.findtext("slots"), "slots"), memory=memory, time=time, gpu=gpu),
        queue_name=queue.partition("@")[0] or None,
        username=entry.findtext("JB_owner"),
        native_state=code,
    )


def ended_jobs(said: str, *, memory: str, time: str, gpu: str) -> list[QJob]:
    """What `qacct -j` said: of each job, or task, the last run."""
    jobs = each(_records(said), lambda record: _ended(record, memory=memory, time=time, gpu=gpu))
    return list({job.job_id: job for job in jobs}.values())


def _records(said: str) -> Iterator[Fields]:
    for page in re.split(r"(?m)^=+$", said):
        fields = {found[1]: found[2].strip() for line in page.splitlines() if (found := _LINE.match(line))}
        if "jobnumber" in fields:
            yield fields


def _ended(fields: Fields, *, memory: str, time: str, gpu: str) -> QJob | None:
    failed, reason = _leading_number(fields, "failed")
    status, _ = _leading_number(fields, "exit_status")
    if failed in _PUT_BACK:
        return None
    task = fields.get("taskid", "undefined")
    began = not failed or status > 0
    return QJob(
        name=fields.get("jobname"),
        job_id=_number(fields["jobnumber"], "jobnumber") + ("" if task == "undefined" else f".{_number(task, 'taskid')}"),
        exit_status=status if began else None,
        exit_signal=status - 128 if failed and 128 < status < 256 else None,
        state=QState.FAILED if failed or status else QState.DONE,
        sub_state=SGEState.FINISHED,
        info=_info(_category(fields), optional(_count, fields.get("slots"), "slots"), memory=memory, time=time, gpu=gpu),
        account=fields.get("account"),
        runtime=optional(_seconds, fields.get("ru_wallclock"), "ru_wallclock"),
        queue_name=fields.get("qname"),
        username=fields.get("owner"),
        native_state=f"failed {failed}" if failed else "finished",
        reason=reason or None,
    )


def _category(fields: Fields) -> Fields:
    """What was asked for, from a line like `-l h_rt=100,h_vmem=200M -pe smp 2`."""
    asked = re.findall(r"(?:^|\s)-l (\S+)", fields.get("category", ""))
    pairs = [pair.partition("=") for words in asked for pair in words.split(",")]
    return {name: value for name, _, value in pairs}


def _info(requests: Fields, slots: int | None, *, memory: str, time: str, gpu: str) -> QJobInfo:
    of_a_slot = optional(sge_memory, requests.get(memory), memory)
    return QJobInfo(
        memory=of_a_slot * slots if of_a_slot and slots else None,
        memory_per_cpu=of_a_slot,
        cpus=slots,
        time_limit=optional(sge_duration, requests.get(time), time),
        gpus=optional(_count, requests.get(gpu), gpu),
    )


def _leading_number(fields: Fields, name: str) -> tuple[int, str]:
    """`137 (Killed)`, or `100 : assumedly after job`: the number, and the words behind it."""
    found = re.fullmatch(r"(\d{1,9})\s*:?\s*(.*)", fields.get(name, ""), re.ASCII)
    if not found:
        raise OutputParsingError(
            f"{name} is {fields.get(name)!r}, which cannot be read; it should be like 0 or 100 : assumedly after job"
        )
    return int(found[1]), found[2]


def _number(text: str | None, where: str) -> str:
    if not re.fullmatch(r"\d{1,18}", (text or "").strip(), re.ASCII):
        raise OutputParsingError(f"{where} is {text!r}, which cannot be read; it should be a whole number")
    return (text or "").strip()


def _count(text: str, where: str) -> int:
    return int(_number(text, where))


def _seconds(text: str, where: str) -> int | None:
    return sge_duration(text.removesuffix("s"), where)
