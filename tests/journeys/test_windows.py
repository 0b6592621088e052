"""The scheduler is killed in each window between two writes; the next one goes on, and nothing runs twice.

`docs/reference/guarantees.md` has the table of these windows.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.clusters.postgres import database_of_its_own

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

SUBMIT = """
import django, json, os
django.setup()
from django.contrib.auth.models import User
from scale.job.models import Job
from scale.job.services import jobs_cancel, jobs_submit
from scale.job.submission import parse_submission
from scale.kernel.clock import SystemClock
user, now = User.objects.get(), SystemClock().now()
if canceled := json.loads(os.environ.get("CANCELED", "[]")):
    jobs_cancel(ids=canceled, by=user, when=now)
else:
    bodies = json.loads(os.environ["BODIES"])
    print(json.dumps(jobs_submit(submissions=[parse_submission(body) for body in bodies], by=user, when=now)))
"""
WINDOWS = (
    "before the commit of the claim",
    "after the commit of the claim",
    "before launch",
    "after launch",
    "before the commit of the record",
    "after the commit of the record",
    "before acknowledgement",
    "after acknowledgement",
)


class Story:
    """One data directory and one database, from one scheduler to the next."""

    def __init__(self, directory: Path, database: str | None) -> None:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("SCALE_")}
        self.ledger = directory / "ledger"
        self.ledger.touch()
        self.variables = {**bare, "DJANGO_SETTINGS_MODULE": "scale.settings", "SCALE_HOME": str(directory / "home")}
        if database:
            self.variables["SCALE_DATABASE_URL"] = database
        (directory / "home").mkdir()
        self.run("-m", "scale.cli.prepare")

    def run(self, *words: str, status: int = 0, **variables: str) -> str:
        env = {**self.variables, **variables}
        done = subprocess.run([sys.executable, *words], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout

    def submit(self, *bodies: dict[str, object]) -> list[int]:
        return json.loads(self.run("-c", SUBMIT, BODIES=json.dumps(bodies)))

    def cancel(self, *ids: int) -> None:
        self.run("-c", SUBMIT, CANCELED=json.dumps(ids))

    def killed_at(self, place: str, number: int = 1) -> None:
        """A scheduler comes to this place and is killed there."""
        self.run("-m", "tests.journeys.dying", place, str(number), status=-signal.SIGKILL)

    def finished(self) -> dict[str, object]:
        """The next scheduler brings everything to its end."""
        return json.loads(self.run("-m", "tests.journeys.dying").splitlines()[-1])

    def starts(self) -> Counter[str]:
        """How often each program of a job was started."""
        return Counter(self.ledger.read_text().split())


@pytest.fixture
def story(tmp_path):
    url = os.environ.get("SCALE_DATABASE_URL", "")
    with database_of_its_own(url) if url.startswith("postgres") else nullcontext() as own:
        yield Story(tmp_path, own)


@pytest.mark.parametrize("window", WINDOWS)
def test_a_scheduler_killed_in_this_window_loses_nothing_and_runs_nothing_twice(story, window):
    jobs = story.submit(
        {"name": "quick", "command": f"echo quick >> {story.ledger}"},
        {"name": "slow", "command": f"echo slow >> {story.ledger}; sleep 0.5"},
        {"name": "fails", "command": f"echo fails >> {story.ledger}; exit 3"},
    )
    story.killed_at(window)
    ended = story.finished()
    assert ended["jobs"] == [[jobs[0], "COMPLETED", 1], [jobs[1], "COMPLETED", 1], [jobs[2], "FAILED", 1]]
    assert ended["ends"] == [0, 0, 3]
    assert ended["unended"] == 0
    assert story.starts() == {"quick": 1, "slow": 1, "fails": 1}


@pytest.mark.parametrize("window", ["before the commit of the record", "after the commit of the record"])
def test_a_try_that_failed_is_followed_by_one_more_wherever_the_scheduler_is_killed(story, window):
    [job] = story.submit({"command": f"echo try >> {story.ledger}; exit 3", "retry_on": "failure", "max_tries": 2})
    story.killed_at(window, 2)
    ended = story.finished()
    assert (ended["jobs"], ended["ends"]) == ([[job, "FAILED", 2]], [3, 3])
    assert story.starts() == {"try": 2}


@pytest.mark.parametrize("window", ["before kill", "after kill"])
def test_a_canceled_job_is_ended_by_the_next_scheduler(story, window):
    [job] = story.submit({"command": f"echo long >> {story.ledger}; exec sleep 1000"})
    story.killed_at("after launch")
    story.cancel(job)
    story.killed_at(window)
    ended = story.finished()
    assert ended["jobs"] == [[job, "CANCELED", 1]]
    assert ended["unended"] == 0
    assert story.starts() == {"long": 1}


def test_one_killed_after_the_other_in_every_window(story):
    jobs = story.submit(*({"command": f"echo {number} >> {story.ledger}; sleep 0.2"} for number in range(8)))
    for window in WINDOWS[:4]:
        story.killed_at(window)
    ended = story.finished()
    assert ended["jobs"] == [[job, "COMPLETED", 1] for job in jobs]
    assert story.starts() == {str(number): 1 for number in range(8)}
