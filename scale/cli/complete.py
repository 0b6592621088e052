"""What the shell may complete: ids, nodes and job types, as the service knows them. A service that is away completes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from scale.kernel.errors import ScaleError

if TYPE_CHECKING:
    from scale.client import Json, ScaleClient

_LONGEST = 60
_LATEST = 100  # jobs; whoever completes an id means a recent one

Completions = list[tuple[str, str]]  # a word, and what it is


def job_ids(incomplete: str) -> Completions:
    return _from_service(incomplete, lambda scale: scale.jobs(page_size=_LATEST), _job_words)


def nodes(incomplete: str) -> Completions:
    return _from_service(incomplete, lambda scale: scale.nodes(), _node_words)


def job_types(incomplete: str) -> Completions:
    return _from_service(incomplete, lambda scale: scale.job_types(), _type_words)


def errors(incomplete: str) -> Completions:
    return _from_service(incomplete, lambda scale: scale.errors(), _error_words)


def workspaces(incomplete: str) -> Completions:
    return _from_service(incomplete, lambda scale: scale.workspaces(), _workspace_words)


def _from_service(
    incomplete: str, ask: Callable[[ScaleClient], Json], words: Callable[[Json], Iterator[tuple[str, str]]]
) -> Completions:
    from scale.cli.access import service

    try:
        with service() as scale:
            page = ask(scale)
    except ScaleError:
        return []
    return [(word, about) for word, about in words(page) if word.startswith(incomplete)]


def _job_words(page: Json) -> Iterator[tuple[str, str]]:
    from scale.cli import show

    for job in page["results"]:
        about = f"{job['status'].lower()} {job.get('name') or show.command_text(job.get('command'))}"
        yield str(job["id"]), show.plain(about)[:_LONGEST]


def _node_words(page: Json) -> Iterator[tuple[str, str]]:
    for node in page["results"]:
        yield node["hostname"], "paused" if node["is_paused"] else ""


def _type_words(page: Json) -> Iterator[tuple[str, str]]:
    for job_type in page["results"]:
        yield f"{job_type['name']}:{job_type['version']}", job_type["title"]


def _error_words(page: Json) -> Iterator[tuple[str, str]]:
    for error in page["results"]:
        yield error["name"], error["title"]


def _workspace_words(page: Json) -> Iterator[tuple[str, str]]:
    for workspace in page["results"]:
        yield workspace["name"], workspace["title"]
