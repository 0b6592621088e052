"""A whole service, used by nothing but the `scale` command: job types, arrays, jobs that wait, jobs that are held."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "word-report"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def scale(up):
    """Runs a command line that is to do well, and tells what it printed."""
    service = up()

    def run(*words: object) -> str:
        ran = service.scale(*map(str, words))
        assert (ran.returncode, ran.stderr) == (0, b"")
        return ran.stdout.decode()

    return run


@pytest.fixture
def texts(scale, tmp_path):
    """A job type that counts words, and a text."""
    for name in ("texts", "reports"):
        (tmp_path / name).mkdir()
        scale("workspaces", "create", name, tmp_path / name)
    (tmp_path / "texts" / "pets.txt").write_text("the cat and the dog\n")
    shutil.copytree(EXAMPLE, tmp_path / "program")
    mounts = {"program": {"type": "host", "host_path": str(tmp_path / "program")}}
    configuration = {"mounts": mounts, "settings": {"SIGNING_KEY": "k"}, "output_workspaces": {"default": "reports"}}
    (tmp_path / "configuration.json").write_text(json.dumps(configuration))
    manifest = EXAMPLE / "seed.manifest.json"
    assert scale("types", "create", manifest, "--configuration", tmp_path / "configuration.json") == "word-report:1.0.0 is new.\n"
    return tmp_path


def listed(scale, *words: object) -> dict[int, str]:
    """The statuses of the jobs that fit."""
    return {job["id"]: job["status"] for job in json.loads(scale("jobs", "--json", "--limit", 1000, *words))["results"]}


def test_a_day_at_the_command_line(scale, texts):
    of_type = ("--type", "word-report", "--input", "TEXT=texts:pets.txt")
    held = int(scale("submit", "--hold", "--name", "first", *of_type, "--input", "TOP=1"))
    array = scale("submit", "--array", "5-7", "--after", held, "--label", "team=blue", *of_type).split(":")[0].split()[1]
    merge = int(scale("submit", "--after", f"{held}:end", "--", "echo", "merged"))
    never = int(scale("submit", "--after", f"{held}:failure", "true"))
    assert set(listed(scale, "--type", "word-report", "--members").values()) == {"QUEUED", "PENDING"}
    assert "is held" in scale("explain", held)
    assert f"waits for job {held} to fail" in scale("explain", never)

    assert scale("release", held) == ""
    assert scale("submit", "--wait", "--after", merge, "echo bye") == "bye\n"
    assert scale("submit", "--wait", "--array", "2", "--after", held, "true").endswith(": 2 completed\n")
    members = listed(scale, "--array", array)
    waited = [int(scale("submit", "--after", f"{job}:end", "--name", "last", "true")) for job in members]
    assert [scale("submit", "--wait", "--after", job, "true") for job in waited] == ["", "", ""]

    assert set(listed(scale, "--label", "team=blue", "--members").values()) == {"COMPLETED"}
    assert f"array {array} (3/3): word-report:1.0.0" in scale("jobs", "--label", "team=blue")
    assert listed(scale, "--status", "blocked") == {never: "BLOCKED"}
    sheet = [" ".join(line.split()) for line in scale("job", held).splitlines()]
    report = f"word-report/1.0.0/job_{held}/exe_1/REPORT/report.csv"
    assert {"input TEXT texts:pets.txt", "input TOP 1", f"output REPORT reports:{report}", "output WORDS 5"} <= set(sheet)
    assert (texts / "reports" / report).read_text() == "the,2\n"
    assert scale("cancel", "--status", "blocked") == "1 job canceled.\n"
    assert scale("uncancel", never) == ""
    assert listed(scale, "--status", "blocked", "--started", "1h") == {never: "BLOCKED"}


def test_a_key_that_is_sent_again_makes_no_second_job(scale):
    first = scale("submit", "--idempotency-key", "nightly 1", "true")
    assert scale("submit", "--idempotency-key", "nightly 1", "true") == first
    assert len(listed(scale)) == 1
