"""Finds what a task has written, and dresses it as text, JSON or a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from http import HTTPStatus
from typing import Literal, NamedTuple

import orjson
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string
from pydantic import Field

from scale.engines.protocol import LogSource, Stream
from scale.exceptions import problem
from scale.job.models import JobExecution, JobExecutionEnd
from scale.job.ranges import NothingThere, part_wanted
from scale.kernel.errors import BadRequest
from scale.kernel.ids import TaskId
from scale.kernel.reading import Text
from scale.parameters import Moment, Parameters

#: a header: whether the execution is over, so that nothing will be added to what it has written
COMPLETE = "Scale-Log-Complete"


PIECE = 1 << 20  #: bytes that are held at once
MOST_DRESSED = 16 << 20  #: bytes that are made into a page or a JSON document


class TooLong(BadRequest):
    """The log is too long for this format."""


class LogParameters(Parameters):
    format: Literal["txt", "json", "html"] = Field("txt", description="`txt`, `json` or `html`.")
    task: Text = Field("main", max_length=50, description="The type of the task whose output is wanted.")
    started: Moment | None = Field(None, description="Taken, but engines that keep no times give everything.")


class Wanted(NamedTuple):
    """In which form, and which part: the header `Range`, which counts for `txt`."""

    format: str = "txt"
    range: str | None = None


class Dress(NamedTuple):
    content_type: str
    render: Callable[[TaskId, Stream, bytes], str | bytes]


def _page(task: TaskId, stream: Stream, written: bytes) -> str:
    title = escape(f"{task} {stream}")
    head = f'<meta charset="utf-8"><title>{title}</title>'
    return f"<!DOCTYPE html>\n<html><head>{head}</head><body><pre>{escape(_text(written))}</pre></body></html>\n"


def _json(task: TaskId, stream: Stream, written: bytes) -> bytes:
    return orjson.dumps({"task_id": task, "stream": stream, "text": _text(written)})


def _text(written: bytes) -> str:
    """As text; bytes that are no UTF-8 are replaced."""
    return written.decode(errors="replace")


DRESSES = {
    "txt": Dress("text/plain; charset=utf-8", lambda task, stream, written: written),
    "json": Dress("application/json", _json),
    "html": Dress("text/html; charset=utf-8", _page),
}


def log_source(execution: JobExecution) -> LogSource | None:
    """Where the engine that ran an execution keeps output, if this process can read it."""
    return source_of((execution.node.engine if execution.node else "") or "local")


def source_of(engine: str) -> LogSource | None:
    """Where an engine keeps output, if this process can read it."""
    named = settings.LOG_SOURCES.get(engine)
    source: LogSource | None = import_string(named)(settings.ENVIRONMENT.home) if named else None
    return source


class Output(NamedTuple):
    """One stream of one task, and where it can be read."""

    source: LogSource
    task: TaskId
    stream: Stream

    def read(self, start: int, stop: int) -> bytes:
        return self.source.read(self.task, self.stream, start, stop) or b""

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        for at in range(start, stop, PIECE):
            yield self.read(at, min(at + PIECE, stop))


def log_answer(path: str, execution: JobExecution, task: TaskId, stream: Stream, wanted: Wanted) -> HttpResponseBase:
    """What a task has written until now, or a part of it: 206, or 416 if there is no such part yet; 204 if there is
    nothing, 410 if it is gone.

    The execution was read before its output is: once it had ended, nothing can be missing.

    :raises TooLong: there is more than can be dressed so
    """
    source = log_source(execution)
    there = source.size(task, stream) if source else None
    if source and there is None and _has_run(execution, task):
        return problem(path, HTTPStatus.GONE, f"What {task} has written is not there any more; {_how_long_kept()}.")
    size = there or 0
    answer: HttpResponseBase = HttpResponse(status=204)
    try:
        part = part_wanted(wanted.range, size) if wanted.format == "txt" else None
        if source and size:
            answer = _dressed(Output(source, task, stream), wanted.format, part or (0, size))
        if part:
            answer.status_code = 206
            answer["Content-Range"] = f"bytes {part[0]}-{part[1] - 1}/{size}"
    except NothingThere as error:
        answer = problem(path, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, str(error))
        answer["Content-Range"] = f"bytes */{size}"
    answer["Accept-Ranges"] = "bytes"
    answer[COMPLETE] = "true" if execution.has_ended else "false"
    return answer


def _has_run(execution: JobExecution, task: TaskId) -> bool:
    """Whether it is known to have run to its end: then it had output, if only an empty one."""
    end: JobExecutionEnd | None = getattr(execution, "jobexecutionend", None)
    tasks = end.task_results.get("tasks", ()) if end else ()
    return any(told["task_id"] == task and told.get("started") for told in tasks)


def _how_long_kept() -> str:
    days = settings.ENVIRONMENT.keep_logs
    return f"output is kept for {days} days (SCALE_KEEP_LOGS)" if days else "somebody has removed it"


def _dressed(output: Output, form: str, part: tuple[int, int]) -> HttpResponseBase:
    """Text of any size passes through in pieces; a page or a JSON document has to be made whole."""
    dress = DRESSES[form]
    start, stop = part
    if form == "txt" and stop - start > PIECE:
        answer = StreamingHttpResponse(output.pieces(start, stop), content_type=dress.content_type)
        answer["Content-Length"] = stop - start
        return answer
    if stop - start > MOST_DRESSED:
        raise TooLong(f"{stop} bytes are too many for format {form}; read them as txt, in parts by the header Range.")
    return HttpResponse(dress.render(output.task, output.stream, output.read(start, stop)), content_type=dress.content_type)
