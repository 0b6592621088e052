"""Every example of the REST reference is asked, in its order, and answered as the page says."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scale.cli.rest_examples import examples
from scale.engines.instant import Outcome
from scale.kernel.resources import Resources
from tests.api.documented import document
from tests.world import FOREVER, World

TOLD = examples(Path(__file__).parents[2] / "docs")
_ENDS = {"false": Outcome(exit_code=1), "sleep": FOREVER}
_NAMING = re.compile(r"(^|_)ids?$")  # members whose numbers name something


class Names:
    """What the numbers of the examples are here, and where their directory is."""

    def __init__(self, place: Path) -> None:
        self._place = str(place)
        self._here: dict[int, int] = {}

    def path(self, asked: str) -> str:
        return re.sub(r"(?<=/)\d+(?=/)", lambda found: str(self._here.get(int(found[0]), found[0])), asked)

    def body(self, value: Any, member: str = "") -> Any:
        match value:
            case dict():
                return {name: self.body(item, name) for name, item in value.items()}
            case list():
                return [self.body(item, member) for item in value]
            case str():
                return value.replace("/srv/", f"{self._place}/")
            case int() if _NAMING.search(member):
                return self._here.get(value, value)
            case _:
                return value

    def differs(self, shown: Any, found: Any, member: str = "") -> str:
        """Where an answer is other than it is shown; empty if it is not. A number that was not known yet is from now on."""
        match shown, found:
            case dict(), dict():
                inner = [(f"{name}.", self.differs(item, found.get(name, "nothing"), name)) for name, item in shown.items()]
            case list(), list() if len(shown) == len(found):
                pairs = enumerate(zip(shown, found, strict=True))
                inner = [(f"{number}.", self.differs(item, other, member)) for number, (item, other) in pairs]
            case "...", str():
                return ""
            case int(), int() if _NAMING.search(member):
                return "" if self._here.setdefault(shown, found) == found else f": {found} for {shown}"
            case str(), str():
                return "" if self.body(shown) == found else f": {found!r}"
            case _:
                return "" if shown == found else f": {found!r}"
        return next((place + inside for place, inside in inner if inside), "")


@pytest.fixture
def cluster(alice, settings, tmp_path_factory):
    """A world with one node, an administrator, and a file in a directory."""
    alice.user.is_staff = True
    alice.user.save()
    resources = Resources(cpus=8, mem=8000, disk=8000, gpus=0)
    world = World(
        nodes={"node-1": resources}, behave=lambda task: _ENDS.get(task.command[0], Outcome(duration=timedelta(seconds=2)))
    )
    settings.CLOCK = world.clock
    settings.LOG_SOURCES = {"instant": "tests.api.walk.FullShelf"}
    world.turn()
    return world


@pytest.fixture
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("data")
    (place / "scenes" / "2026").mkdir(parents=True)
    (place / "scenes" / "2026" / "a.tif").write_bytes(b"12345")
    return place


def work(world: World, alice: Any) -> None:
    while world.scheduler.commands(world.now):
        pass
    world.turns(4, seconds=1)
    world.scheduler.tidy(world.now)
    world.scheduler.status(world.now)


def crowd(world: World, alice: Any) -> None:
    world.submit(501, labels={"team": "red"})


MEANWHILE = {"": lambda world, alice: None, "the scheduler works": work, "somebody submits 501 jobs for the team red": crowd}


def test_every_example_is_answered_as_it_is_shown(cluster, alice, place):
    names = Names(place)
    for one in TOLD:
        MEANWHILE[one.meanwhile](cluster, alice)
        method, path = one.asks.split(" ")
        body = {} if one.body is None else {"data": json.dumps(names.body(one.body)), "content_type": "application/json"}
        answer = getattr(alice.client, method.lower())(names.path(path), **body)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == one.status, (one.asks, content)
        assert (one.answer is None) is (not content), one.asks
        wrong = content and names.differs(one.answer, json.loads(content))
        assert not wrong, (one.asks, wrong)


def test_every_operation_has_an_example():
    operations = {operation["operationId"] for methods in document()["paths"].values() for operation in methods.values()}
    assert {one.operation for one in TOLD} == operations


def test_every_example_stands_under_its_operation():
    for one in TOLD:
        method, _, path = one.asks.partition(" ")
        templates = [
            template
            for template, methods in document()["paths"].items()
            if methods.get(method.lower(), {}).get("operationId") == one.operation
        ]
        assert re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(templates[0])), path.partition("?")[0]), one.asks
