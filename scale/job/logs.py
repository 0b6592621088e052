"""Finds what a task has written, and dresses it as text, JSON or a page."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import NamedTuple

import orjson
from django.conf import settings
from django.utils.module_loading import import_string
from pydantic import Field

from scale.engines.protocol import LogSource, Stream
from scale.job.models import JobExecution
from scale.kernel.ids import TaskId
from scale.kernel.reading import Text
from scale.parameters import Moment, Parameters


class LogParameters(Parameters):
    format: str = Field("txt", pattern="^(txt|json|html)$", description="`txt`, `json` or `html`.")
    task: Text = Field("main", max_length=50, description="The type of the task whose output is wanted.")
    started: Moment | None = Field(None, description="Taken, but engines that keep no times give everything.")


class Dress(NamedTuple):
    content_type: str
    render: Callable[[TaskId, Stream, str], str | bytes]


def _page(task: TaskId, stream: Stream, text: str) -> str:
    title = escape(f"{task} {stream}")
    head = f'<meta charset="utf-8"><title>{title}</title>'
    return f"<!DOCTYPE html>\n<html><head>{head}</head><body><pre>{escape(text)}</pre></body></html>\n"


DRESSES = {
    "txt": Dress("text/plain; charset=utf-8", lambda task, stream, text: text),
    "json": Dress("application/json", lambda task, stream, text: orjson.dumps({"task_id": task, "stream": stream, "text": text})),
    "html": Dress("text/html; charset=utf-8", _page),
}


def log_source(execution: JobExecution) -> LogSource | None:
    """Where the engine that ran an execution keeps output, if this process can read it."""
    engine = (execution.node.engine if execution.node else "") or "local"
    named = settings.LOG_SOURCES.get(engine)
    source: LogSource | None = import_string(named)(settings.ENVIRONMENT.home) if named else None
    return source


def log_text(execution: JobExecution, task: TaskId, stream: Stream) -> str:
    """All that a task has written until now; bytes that are no UTF-8 are replaced."""
    source = log_source(execution)
    return ((source.read(task, stream) if source else None) or b"").decode(errors="replace")
