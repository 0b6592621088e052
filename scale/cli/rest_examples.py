"""Examples of the REST API: read from docs/examples/rest.json, and shown in docs/reference/api.md. A test asks them all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_WIDTH = 110


class Example(NamedTuple):
    """One request and what is told of its answer. All of them, in their order, are one story."""

    operation: str
    asks: str  #: method and address
    status: int
    body: Any = None
    answer: Any = None  #: what the answer holds, beside what is not shown; "..." is any text
    meanwhile: str = ""  #: what happens before, elsewhere


def examples(docs: Path) -> list[Example]:
    return [Example(**one) for one in json.loads((docs / "examples" / "rest.json").read_text())]


def shown(told: Sequence[Example]) -> Iterator[str]:
    """The lines of a page."""
    for one in told:
        yield from ("", f"Example: `{one.asks}`{' with' if one.body is not None else ''}")
        if one.body is not None:
            yield from ("", "```json", compact(one.body), "```")
        if one.answer is None:
            yield from ("", f"answers {one.status}.")
        else:
            yield from ("", f"answers {one.status} and, among other members,", "", "```json", compact(one.answer), "```")


def compact(value: Any, indent: str = "", before: int = 0) -> str:
    """As JSON, where what fits on a line stands on one.

    :param before: characters that stand before it on its line
    """
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + before + len(flat) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    inner = indent + "  "
    if isinstance(value, list):
        parts = [f"{inner}{compact(item, inner)}" for item in value]
    else:
        parts = [f"{inner}{_member(name, item, inner)}" for name, item in value.items()]
    opening, closing = ("[", "]") if isinstance(value, list) else ("{", "}")
    return "\n".join([opening, ",\n".join(parts), f"{indent}{closing}"])


def _member(name: str, value: Any, indent: str) -> str:
    key = f"{json.dumps(name, ensure_ascii=False)}: "
    return key + compact(value, indent, len(key))


def by_operation(told: Sequence[Example]) -> Mapping[str, list[Example]]:
    found: dict[str, list[Example]] = {}
    for one in told:
        found.setdefault(one.operation, []).append(one)
    return found
