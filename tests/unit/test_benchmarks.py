"""What benchmarks say is told truly: goals, percentiles, and the page that is made of them."""

from __future__ import annotations

import json

import pytest

from benchmarks.figures import Row, page, percentile, rounded, rows_of, said


def a_row(figure=50.0, against=100.0, goal="", name="throughput") -> Row:
    return Row(name, figure, "jobs/s", "spawning", against, goal)


def test_the_ratio_is_the_figure_by_what_it_is_held_against():
    assert a_row(50, 100).ratio == 0.5


@pytest.mark.parametrize(
    ("goal", "is_met"),
    [
        ("ratio >= 0.5", True),
        ("ratio >= 0.6", False),
        ("figure <= 50", True),
        ("figure < 50", False),
        ("ratio > 0.4, figure >= 50", True),
        ("ratio > 0.4, figure >= 51", False),
        ("", None),
    ],
)
def test_a_goal_is_met_if_all_of_it_holds(goal, is_met):
    assert a_row(50, 100, goal).met is is_met


def test_a_goal_that_nobody_can_check_is_refused():
    with pytest.raises(ValueError, match="'fast' is no goal"):
        a_row(goal="fast")


def test_against_nothing_there_is_no_ratio_in_the_json():
    told = a_row(1, 0).told()
    assert told["ratio"] is None
    json.dumps(told, allow_nan=False)


@pytest.mark.parametrize(("part", "value"), [(0, 1), (1, 1), (50, 50), (95, 95), (99, 99), (99.5, 100), (100, 100)])
def test_so_many_percent_do_not_exceed_a_percentile(part, value):
    assert percentile(range(100, 0, -1), part) == value


def test_every_percentile_of_one_value_is_that_value():
    assert percentile([7.0], 50) == percentile([7.0], 99) == 7.0


def test_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


@pytest.mark.parametrize(("number", "told"), [(1234567, 1235000), (0.000123456, 0.0001235), (0, 0), (99.99, 99.99)])
def test_figures_are_told_with_four_digits(number, told):
    assert rounded(number) == told


def test_a_single_row_is_told_as_it_is_and_several_by_name():
    alone = said("latency", [a_row()], sizes={"posts": 3})
    assert (alone["name"], alone["figure"], alone["sizes"]) == ("throughput", 50, {"posts": 3})
    several = said("latency", [a_row(), a_row(60)], left_out=["PostgreSQL: not here"])
    assert several["name"] == "latency"
    assert [row["figure"] for row in several["rows"]] == [50, 60]
    assert several["left_out"] == ["PostgreSQL: not here"]
    assert [len(rows_of(one)) for one in (alone, several)] == [1, 2]


def test_the_page_shows_every_row_and_what_belongs_to_it():
    machine = {"cores": 2, "load": [1.0, 2.0, 3.0]}
    first = said("speed", [a_row(1500, 1000, "ratio >= 2")], sizes={"jobs": 2000}, versions={"Scale": "1.0"}, machine=machine)
    second = said("size", [a_row(3, 4, name="a|b"), a_row(5, 6, "figure > 1")], left_out=["Dask: no network"], sizes={})
    shown = page([("speed", "How fast.", first), ("size", "How large.", second)])
    assert "| throughput | 1,500 jobs/s | spawning | 1,000 jobs/s | 1.5 | ratio >= 2 | no |" in shown
    assert "| a/b | 3 jobs/s | spawning | 4 jobs/s | 0.75 |  |  |" in shown
    assert "## size\n\nHow large." in shown
    assert "Left out: Dask: no network." in shown
    assert "Sizes: jobs 2,000. The load at its end, its own work included, was 1.\n" in shown
    assert "- cores 2\n- Scale 1.0" in shown
    assert shown.count("load") == 1
