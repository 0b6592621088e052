"""How much there is of everything that grows, on a terminal."""

from __future__ import annotations

import json
import re

import pytest

TOLD = {
    "database": {
        "vendor": "sqlite",
        "bytes": 1_234_567_890,
        "free": 4096,
        "tables": [
            {"name": "job", "rows": 1_500_000, "is_estimate": True, "bytes": 374_255_616, "oldest": "2026-01-31T12:00:00Z"},
            {"name": "queue", "rows": 3, "is_estimate": False, "bytes": None, "oldest": None},
        ],
    },
    "task_output": [
        {"engine": "local", "files": 100_000, "bytes": 512, "days": 30, "oldest": "2026-01-01", "is_complete": False}
    ],
    "service_logs": [{"name": "logs/web.log", "bytes": 2048}],
    "keep": {"task_updates": 14, "logs": None, "jobs": 365},
}


def rows(text):
    return [re.sub(" +", " ", line).strip() for line in text.splitlines()]


@pytest.fixture
def sizes(service):
    service.says("GET sizes/", TOLD)


def test_sizes_are_a_table(scale, sizes):
    assert rows(scale("sizes").stdout) == [
        "WHAT HOW MANY SIZE SINCE (UTC) KEPT",
        "table job about 1,500,000 356.9 MiB 2026-01-31 12:00:00 365 days",
        "table queue 3",
        "database (sqlite) 1.1 GiB 4.0 KiB of it free",
        "output of tasks (local) at least 100,000 files 512 B 2026-01-01 for ever",
        "logs/web.log 2.0 KiB",
    ]


def test_as_json_they_are_the_answer_of_the_api(scale, sizes):
    assert json.loads(scale("sizes", "--json").stdout) == TOLD
