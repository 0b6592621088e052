"""Which jobs are listed, canceled, held and so on: by id, or by every option that a list has."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

NOTHING = {"job_ids": [], "unchanged_job_ids": [], "unknown_job_ids": [], "command": None}
COUNTS = {"PENDING": 0, "BLOCKED": 0, "QUEUED": 80, "RUNNING": 12, "FAILED": 1, "COMPLETED": 7, "CANCELED": 0}

#: options; as a list is asked; as something is asked to be done
OPTIONS = [
    (["--status", "failed", "--status", "QUEUED"], "status=FAILED&status=QUEUED", {"status": ["FAILED", "QUEUED"]}),
    (["--type", "tile"], "job_type_name=tile", {"job_type_names": ["tile"]}),
    (["--type", "tile:1.0.0"], "job_type_id=4", {"job_type_ids": [4]}),
    (["--type", "tile:1.0.0", "--type", "mask"], "job_type_id=4&job_type_id=8&job_type_id=9", {"job_type_ids": [4, 8, 9]}),
    (["--name", "a b"], "name=a b", {"names": ["a b"]}),
    (["--owner", "ann"], "owner=ann", {"owners": ["ann"]}),
    (["--label", "team=a=b"], "label=team=a=b", {"labels": {"team": "a=b"}}),
    (["--array", "3"], "array_id=3", {"array_ids": [3]}),
    (["--category", "data"], "error_category=DATA", {"error_categories": ["DATA"]}),
    (["--error", "timeout"], "error_id=5", {"error_ids": [5]}),
    (["--started", "3h"], "started=PT3H", {"started": "PT3H"}),
    (["--started", "2d", "--ended", "P1D"], "started=P2D&ended=P1D", {"started": "P2D", "ended": "P1D"}),
    (["--superseded"], "is_superseded=true", {"is_superseded": True}),
    (["--not-superseded"], "is_superseded=false", {"is_superseded": False}),
]


@pytest.fixture
def known(service):
    """A service that knows a job type, its versions, an error, and does whatever it is asked to do."""
    service.says("GET job-types/tile/1.0.0/", {"id": 4})
    service.says("GET job-types/mask/", {"results": [{"id": 8}, {"id": 9}]})
    service.says("GET errors/", {"results": [{"id": 5, "name": "timeout"}]})
    service.says("GET jobs/", {"count": 3, "next": None, "previous": None, "results": []})
    for verb in ("cancel", "requeue", "uncancel", "hold", "release"):
        service.says(f"POST jobs/{verb}/", NOTHING, 202)
    return service


@pytest.mark.parametrize(("words", "query", "choice"), OPTIONS)
def test_every_option_is_a_filter_of_the_list(scale, known, words, query, choice):
    assert scale("jobs", *words).exit_code == 0
    asked = known.queries[-1].replace("order=-id&page_size=20&page=1", "").replace("&&", "&").strip("&")
    assert asked == query


@pytest.mark.parametrize(("words", "query", "choice"), OPTIONS)
@pytest.mark.parametrize("verb", ["cancel", "requeue", "uncancel", "hold", "release"])
def test_every_option_says_which_jobs_are_meant(scale, known, verb, words, query, choice):
    assert scale(verb, *words).exit_code == 0
    assert known.bodies == [choice]


def test_a_list_can_be_ordered_and_show_members(scale, known):
    scale("jobs", "--order", "-ended", "--members", "--limit", "5")
    assert known.queries == ["order=-ended&page_size=5&page=1&members=true"]


@pytest.mark.parametrize("words", [["jobs", "--error", "thirst"], ["jobs", "--label", "x"], ["hold", "--type", "tile:"]])
def test_what_cannot_be_meant_is_wrong_usage(scale, known, words):
    known.says("GET errors/", {"results": []})
    assert scale(*words).exit_code == 2
    assert not known.bodies


@pytest.mark.parametrize("verb", ["cancel", "requeue", "uncancel", "hold", "release"])
def test_nothing_stated_means_nothing(scale, known, verb):
    told = scale(verb)
    assert (told.exit_code, told.stdout, known.bodies) == (2, "", [])


@pytest.mark.parametrize(
    ("verb", "unchanged"),
    [
        ("cancel", "Job 2 had ended already."),
        ("requeue", "Job 2 neither failed nor was canceled."),
        ("uncancel", "Job 2 was not canceled before it was queued."),
        ("hold", "Job 2 runs, is over or was held already."),
        ("release", "Job 2 was not held."),
    ],
)
def test_of_named_jobs_only_trouble_is_told(scale, known, verb, unchanged):
    known.says(f"POST jobs/{verb}/", {"job_ids": [1], "unchanged_job_ids": [2], "unknown_job_ids": [3]}, 202)
    told = scale(verb, "1", "2", "3")
    assert known.bodies == [{"job_ids": [1, 2, 3]}]
    assert (told.stdout, told.stderr, told.exit_code) == ("", f"{unchanged}\nscale: there is no job 3\n", 1)


def test_a_requeue_may_state_a_priority(scale, known):
    scale("requeue", "1", "--priority", "5")
    assert known.bodies == [{"job_ids": [1], "priority": 5}]


def test_of_jobs_that_fit_it_is_told_how_many_changed(scale, known):
    known.says("POST jobs/hold/", {**NOTHING, "job_ids": [4, 5]}, 202)
    assert scale("hold", "--owner", "ann").stdout == "2 jobs held.\n"


def test_many_are_not_changed_without_a_yes(scale, known):
    known.says("GET jobs/", {"count": 1500, "count_is_estimate": True, "results": []})
    told = scale("cancel", "--owner", "ann")
    assert (told.exit_code, told.stdout, known.bodies) == (2, "", [])
    assert "about 1,500 jobs fit; say --yes if they are meant" in told.stderr
    assert known.queries == [
        "status=PENDING&status=BLOCKED&status=QUEUED&status=RUNNING&status=FAILED&order=-id&page_size=1&page=1&members=true&owner=ann"
    ]
    assert scale("cancel", "--owner", "ann", "--yes").exit_code == 0
    assert known.bodies == [{"owners": ["ann"]}]


@pytest.mark.parametrize(("answer", "code", "bodies"), [("y\n", 0, [{"owners": ["ann"]}]), ("n\n", 1, [])])
def test_a_person_is_asked(known, tmp_path, answer, code, bodies):
    known.says("GET jobs/", {"count": 1500, "results": []})
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    told = subprocess.run(
        [sys.executable, "-m", "scale.cli.main", "cancel", "--owner", "ann"],
        env={**os.environ, "SCALE_URL": known.url, "SCALE_HOME": str(tmp_path)},
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert "Cancel up to 1,500 jobs?" in told.stderr
    assert (told.returncode, known.bodies) == (code, bodies)


def test_what_the_scheduler_works_off_is_waited_for(scale, known):
    known.says("POST jobs/cancel/", {**NOTHING, "command": {"id": 7}}, 202)
    known.says_in_turn(
        "GET jobs/commands/7/",
        {"id": 7, "changed": 300, "ended": None},
        {"id": 7, "changed": 5000, "ended": "2026-01-31T12:00:00Z"},
    )
    assert scale("cancel", "--array", "3").stdout == "5,000 jobs canceled.\n"


def test_as_json_the_answer_is_all(scale, known):
    known.says("POST jobs/cancel/", {**NOTHING, "command": {"id": 7}}, 202)
    assert json.loads(scale("cancel", "--array", "3", "--json").stdout) == {**NOTHING, "command": {"id": 7}}


def test_an_array_is_one_line_that_sums_it_up(scale, known, a_job):
    job = {**a_job("QUEUED"), "name": "tiles", "array": {"id": 3, "size": 100, "index": 0, "counts": COUNTS}}
    known.says("GET jobs/", {"count": 1, "results": [job]})
    line = " ".join(scale("jobs").stdout.splitlines()[1].split())
    assert line == "7 RUNNING 2026-01-31 12:00:00 array 3 (7/100, 1 failed): tiles"
    assert " ".join(scale("jobs", "--array", "3").stdout.splitlines()[1].split()).endswith("2.5 s [0] tiles")


def test_a_job_that_is_held_says_so_in_the_list(scale, known, a_job):
    known.says("GET jobs/", {"count": 1, "results": [{**a_job("QUEUED"), "held": "2026-01-31T12:00:00Z"}]})
    assert "HELD" in scale("jobs").stdout
