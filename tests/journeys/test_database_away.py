"""The database goes away under load and comes back: nobody ends, everybody says so, and every acknowledged job ends once."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import psycopg2
import pytest

from scale.client import Unwell
from tests.clusters.postgres import NoPostgres, Postgres
from tests.journeys.service import SMALL, Up, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def server() -> Iterator[Postgres]:
    """One of our own: it is going to be killed."""
    try:
        with Postgres(synchronous_commit="on") as own:
            yield own
    except NoPostgres as trouble:
        pytest.skip(str(trouble))


@pytest.fixture
def database(server) -> dict[str, str]:
    return {"SCALE_DATABASE_URL": server.url, "SCALE_LOCAL_CPUS": "8"}


def submit(service: Up, number: int) -> list[int]:
    ledger = service.home / "ledger"
    bodies = [
        {"command": f"echo start-{n} >> {ledger}; sleep 0.{n % 10}; echo end-{n} >> {ledger}", "resources": SMALL | {"cpus": 0.5}}
        for n in range(number)
    ]
    return service.client.submit_many(bodies)


def ledger(service: Up) -> Counter[str]:
    path = service.home / "ledger"
    return Counter(path.read_text().split()) if path.exists() else Counter()


def answers(service: Up, path: str, patience: float = 30) -> httpx.Response:
    url = (service.home / "url").read_text().strip()
    return httpx.get(f"{url}{path}", timeout=patience)


def all_ended(service: Up, ids: list[int]) -> bool:
    return service.client.jobs(status=["COMPLETED"], page_size=1)["count"] == len(ids)


def told_in_the_log(service: Up, words: str) -> bool:
    return re.search(words, (service.home / "logs" / "scheduler.log").read_text()) is not None


def test_every_acknowledged_job_ends_though_the_database_was_killed_under_load(up, server):
    service = up()
    ids = submit(service, 60)
    until(lambda: len(ledger(service)) > 10)
    server.kill()
    until(lambda: told_in_the_log(service, r"event=database-trouble loop=(schedule|persist)"))
    ready = until(lambda: (answer := answers(service, "/readyz")).status_code == 503 and answer)
    assert "database" in ready.json()["detail"]
    assert answers(service, "/healthz").status_code == 200
    with pytest.raises(Unwell) as refused:
        service.submit("true")
    assert refused.value.status == 503
    until(lambda: sum(ledger(service)[f"start-{n}"] - ledger(service)[f"end-{n}"] for n in range(60)) == 0)  # what ran has ended
    server.restart()
    until(lambda: all_ended(service, ids), within=90)
    assert ledger(service) == {f"{what}-{n}": 1 for what in ("start", "end") for n in range(60)}
    assert {service.client.job(job)["num_exes"] for job in ids[:20]} == {1}
    until(lambda: told_in_the_log(service, r"event=trouble-over loop="))
    warnings = until(lambda: service.client.status()["scheduler"]["warnings"])
    assert any(warning["name"].startswith("TROUBLE_") for warning in warnings)
    assert service.process.poll() is None
    assert service.stop() == 0


def test_a_frozen_database_makes_everybody_wait_and_nobody_fail(up, server):
    service = up()
    ids = submit(service, 30)
    until(lambda: len(ledger(service)) > 5)
    for pid in server.pids():
        os.kill(pid, signal.SIGSTOP)
    frozen = server.pids()
    with ThreadPoolExecutor(8) as pool:  # as many as the web server has threads
        waiting = [pool.submit(answers, service, "/readyz", 60) for _ in range(8)]
        assert answers(service, "/healthz").status_code == 200
        assert not any(one.done() for one in waiting)
        assert {one.result().status_code for one in waiting} == {503}
    until(lambda: sum(ledger(service)[f"start-{n}"] - ledger(service)[f"end-{n}"] for n in range(30)) == 0)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    until(lambda: all_ended(service, ids), within=90)
    assert ledger(service) == {f"{what}-{n}": 1 for what in ("start", "end") for n in range(30)}
    assert service.stop() == 0


def test_a_table_that_somebody_holds_locked_is_told_and_waited_for(up, server):
    service = up()
    ids = submit(service, 10)
    with closing(psycopg2.connect(server.url)) as somebody:
        somebody.cursor().execute("LOCK TABLE job, queue IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unwell) as refused:
            service.submit("true")
        assert refused.value.status == 503
        until(lambda: told_in_the_log(service, r"event=database-trouble loop=(schedule|persist) why=.*lock timeout"))
        until(lambda: any(warning["name"].startswith("TROUBLE_") for warning in service.client.status()["scheduler"]["warnings"]))
    until(lambda: all_ended(service, ids))
    assert ledger(service) == {f"{what}-{n}": 1 for what in ("start", "end") for n in range(10)}
    assert service.stop() == 0
