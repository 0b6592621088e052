"""Writes what is made from the code on the page of docs about Seed manifests, and the JSON schema. `make docs` runs it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from scale.seed import CHECKS, Manifest, schema
from scale.seed.configuration import JobConfiguration
from scale.seed.findings import Check
from scale.seed.parts import Rule, rules

_MADE = re.compile(
    r"(?P<begin><!-- (?P<what>[a-z ]+): made by `make docs` -->\n).*?(?P<end><!-- end of (?P=what) -->)", re.DOTALL
)


def with_tables(page: str) -> str:
    """The page with its tables anew."""
    tables = {
        "fields of a manifest": _fields(Manifest),
        "checks of a manifest": _checks("manifest"),
        "fields of a configuration": _fields(JobConfiguration),
        "checks of a configuration": _checks("configuration"),
    }
    return _MADE.sub(lambda found: "\n".join((f"{found['begin']}", *tables[found["what"]], "", found["end"])), page)


def schema_file() -> str:
    return json.dumps(schema(), indent=2) + "\n"


def _fields(model: type[BaseModel]) -> list[str]:
    return ["| member | if left out | what it may be |", "|---|---|---|", *(_field(rule) for rule in rules(model))]


def _field(rule: Rule) -> str:
    return f"| `{'.'.join(rule.place).replace('.*.', '[].')}` | {_default(rule)} | {rule.text} |".replace("|  |", "| |")


def _default(rule: Rule) -> str:
    if rule.required:
        return "**required**"
    if rule.default in (None, "", (), {}) or isinstance(rule.default, BaseModel):
        return ""
    return f"`{_shown(rule.default)}`"


def _shown(default: Any) -> str:
    return default if isinstance(default, str) else json.dumps(default)


def _checks(about: str) -> list[str]:
    return ["| code | | what is found |", "|---|---|---|", *_rows(check for check in CHECKS if check.about == about)]


def _rows(checks: Iterator[Check]) -> Iterator[str]:
    yield from (f"| `{check.code}` | {check.level} | {check.wrong} |" for check in checks)
