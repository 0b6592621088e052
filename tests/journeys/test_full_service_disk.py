"""The disk under the whole service is full, database and logs included: it waits, and goes on when there is room."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from scale.client import Unwell
from tests.disks import SmallDisk, small_disk
from tests.journeys.service import SMALL, processes_of, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def disk(tmp_path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", "bytes", size="1400m", files=5000) as disk:
        yield disk


@pytest.fixture
def own_home(disk, own_home):
    """On that disk; what a failed test leaves there is ended."""
    (disk.root / "home").mkdir()
    own_home.symlink_to(disk.root / "home")
    yield own_home
    for process in processes_of(disk.root):
        process.kill()


def test_what_was_acknowledged_before_the_disk_was_full_ends_when_there_is_room_again(up, disk, tmp_path):
    service = up()
    pids, go = tmp_path / "pids", tmp_path / "go"
    pids.touch()
    body = {"command": f"echo $$ >> {pids}; until test -e {go}; do sleep 0.1; done", "resources": SMALL}
    ids = service.client.submit_many([body] * 20)
    until(lambda: len(pids.read_text().split()) == 20)
    running = [psutil.Process(int(pid)) for pid in pids.read_text().split()]
    disk.fill()
    until(lambda: is_known_to_be_full(service))
    go.touch()
    until(lambda: not any(process.is_running() for process in running))
    assert service.process.poll() is None
    disk.empty()
    ended = [service.client.wait(job, timeout=60) for job in ids]
    assert {(job["status"], job["execution"]["exe_num"], job["execution"]["exit_code"]) for job in ended} == {("COMPLETED", 1, 0)}
    assert service.client.wait(service.submit("true"), timeout=60)["status"] == "COMPLETED"
    assert service.stop() == 0


def is_known_to_be_full(service) -> bool:
    """Where the database is on this disk, a job is refused for now; where it is not, the node takes no more."""
    try:
        service.submit("true")
        nodes = service.client.status()["nodes"]
    except Unwell as refusal:
        return refusal.status == 503
    return nodes[0]["state"]["name"] == "DEGRADED"
