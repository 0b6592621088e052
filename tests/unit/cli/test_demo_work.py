"""The demo knows beforehand what must come of each of its jobs."""

from __future__ import annotations

import subprocess

import pytest

from scale.cli.demo_run import Result
from scale.cli.demo_work import HERE, Piece, outcome, pieces


def test_it_is_many_jobs_of_every_kind():
    groups = [piece.group for piece in pieces()]
    assert 40 <= len(groups) <= 60
    assert len(set(groups)) == 6
    assert sum(piece.is_canceled for piece in pieces()) == 1


@pytest.mark.parametrize("group", ["checksum a file", "count its lines", "end with exit code 3"])
def test_the_expected_output_is_what_the_command_writes(group):
    piece = next(piece for piece in pieces() if piece.group == group)
    ran = subprocess.run(piece.command, shell=isinstance(piece.command, str), cwd=HERE, capture_output=True, check=False)
    assert ran.stdout == piece.output


@pytest.mark.parametrize(
    ("status", "rest", "words"),
    [
        ("COMPLETED", {"exit_code": 0}, "COMPLETED"),
        ("CANCELED", {"signal": 15}, "CANCELED"),
        ("FAILED", {"error": "timeout", "signal": 15}, "FAILED timeout"),
        ("FAILED", {"error": "algorithm-unknown", "exit_code": 3}, "FAILED exit code 3"),
        ("FAILED", {"error": "algorithm-unknown", "signal": 9}, "FAILED algorithm-unknown"),
    ],
)
def test_an_outcome_is_told_in_a_few_words(a_job, status, rest, words):
    assert outcome(a_job(status, **rest)) == words


def test_a_wrong_output_is_not_the_expected_outcome(a_job):
    piece = Piece("count", "wc -l", output=b"3\n")
    assert Result(piece, a_job(), b"3\n").is_expected
    assert Result(piece, a_job(), b"4\n").came == "COMPLETED, wrong output"
