"""Which jobs a command means: the options that say it, and how they are written in a list's address and in a request."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated

import typer

from scale.cli import complete, words

if TYPE_CHECKING:
    from scale.client import Json, ScaleClient


@dataclass(frozen=True)
class Which:
    """Options that jobs fit or do not; whatever is stated must fit."""

    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help="QUEUED, RUNNING, COMPLETED, FAILED, CANCELED...; repeatable."),
    ] = None
    job_type: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="NAME[:VERSION]", help="Of this job type; repeatable.", autocompletion=complete.job_types),
    ] = None
    name: Annotated[list[str] | None, typer.Option(help="Of this very name; repeatable.")] = None
    owner: Annotated[list[str] | None, typer.Option("--owner", metavar="USER", help="Of this user; repeatable.")] = None
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="With this label; repeatable, and all must fit.")
    ] = None
    array: Annotated[
        list[int] | None, typer.Option("--array", metavar="ID", min=1, help="Members of this array; repeatable.")
    ] = None
    category: Annotated[
        list[str] | None, typer.Option("--category", metavar="ALGORITHM|DATA|SYSTEM", help="Failed by such an error; repeatable.")
    ] = None
    error: Annotated[
        list[str] | None,
        typer.Option("--error", metavar="NAME", help="Failed by this error; repeatable.", autocompletion=complete.errors),
    ] = None
    started: Annotated[
        str | None,
        typer.Option(
            "--started", metavar="TIME", help="Last changed since then: 3h, 2d, PT3H, or a moment such as 2026-01-31T12:00:00Z."
        ),
    ] = None
    ended: Annotated[str | None, typer.Option("--ended", metavar="TIME", help="Last changed before then.")] = None
    superseded: Annotated[
        bool | None, typer.Option("--superseded/--not-superseded", help="Whether another job has taken its place.")
    ] = None

    def is_stated(self) -> bool:
        stated = (getattr(self, field.name) for field in fields(Which))
        return any(value is not None and value != [] for value in stated)

    def statuses(self) -> list[str]:
        return [word.upper() for word in self.status or ()]

    def parameters(self, scale: ScaleClient) -> Json:
        """As the list of jobs is asked."""
        named = self._types(scale)
        return _stated(
            {
                "status": self.statuses(),
                "job_type_id": named.get("ids"),
                "job_type_name": named.get("names"),
                "name": self.name,
                "owner": self.owner,
                "label": [f"{name}={value}" for name, value in self._labels().items()],
                "array_id": self.array,
                "error_category": self._categories(),
                "error_id": self._errors(scale),
                "started": words.moment(self.started),
                "ended": words.moment(self.ended),
                "is_superseded": self.superseded if self.superseded is None else str(self.superseded).lower(),
            }
        )

    def choice(self, scale: ScaleClient) -> Json:
        """As something is asked to be done with all of them."""
        named = self._types(scale)
        return _stated(
            {
                "status": self.statuses(),
                "job_type_ids": named.get("ids"),
                "job_type_names": named.get("names"),
                "names": self.name,
                "owners": self.owner,
                "labels": self._labels(),
                "array_ids": self.array,
                "error_categories": self._categories(),
                "error_ids": self._errors(scale),
                "started": words.moment(self.started),
                "ended": words.moment(self.ended),
                "is_superseded": self.superseded,
            }
        )

    def _labels(self) -> dict[str, str]:
        return words.pairs("--label", self.label) or {}

    def _categories(self) -> list[str]:
        return [word.upper() for word in self.category or ()]

    def _types(self, scale: ScaleClient) -> Json:
        """Names, or, as soon as one has a version, ids: one of them must fit."""
        named = [words.type_name(word) for word in self.job_type or ()]
        if not any(one.version for one in named):
            return {"names": [one.name for one in named]}
        return {"ids": [number for one in named for number in _ids(scale, one)]}

    def _errors(self, scale: ScaleClient) -> list[int]:
        return [number for name in self.error or () for number in _errors_named(scale, name)]


def _errors_named(scale: ScaleClient, name: str) -> list[int]:
    """There may be several: job types have errors of their own."""
    found = [error["id"] for error in scale.errors(name=name)["results"]]
    if not found:
        raise typer.BadParameter(f"there is no error {name}", param_hint="--error")
    return found


def _ids(scale: ScaleClient, named: words.TypeName) -> list[int]:
    if named.version:
        return [scale.job_type(named.name, named.version)["id"]]
    return [one["id"] for one in scale.job_type_versions(named.name)["results"]]


def _stated(members: Json) -> Json:
    return {name: value for name, value in members.items() if value not in (None, [], {})}
