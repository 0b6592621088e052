"""What every test may ask for: a clock that stands still, and a data directory of its own."""

from __future__ import annotations

import logging
import os
import signal
from datetime import UTC, datetime

import pytest
from django.db import connection
from hypothesis import settings as hypothesis_settings

from scale.kernel.clock import ManualClock
from scale.kernel.locks import locks_held

hypothesis_settings.register_profile("untimed", deadline=None)  # a busy machine is slow, and no fault of ours
hypothesis_settings.load_profile("untimed")

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def pytest_report_header():
    """Which database this run is on; it closes with the same word."""
    return f"database: {connection.vendor}"


def pytest_collection_modifyitems(config, items):
    others = [item for item in items if item.get_closest_marker("on_postgresql") and connection.vendor != "postgresql"]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"database: {connection.vendor}")


@pytest.fixture
def clock(settings):
    """The clock that views look at."""
    settings.CLOCK = ManualClock(NOW)
    return settings.CLOCK


@pytest.fixture
def home(settings, tmp_path):
    """The data directory that web and scheduler share."""
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"home": tmp_path})
    return tmp_path


@pytest.fixture(autouse=True)
def _nothing_is_remembered_of_the_test_before():
    """What a rolled back transaction has changed, nobody is told."""
    from scale.account.authentication import tokens
    from scale.job.services import usable_revisions

    tokens.forget()
    usable_revisions.forget()


def pytest_configure(config):
    """Whoever starts us in the background may have us ignore these; what we start is to hear them all the same."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _no_lock_is_held_over_a_query_or_a_log_line():
    """The guard of the architecture: under a lock there is only work on dicts and values."""

    def query(execute, sql, params, many, context):
        assert not locks_held(), f"a lock is held over a query: {sql}"
        return execute(sql, params, many, context)

    def line(record):
        assert not locks_held(), f"a lock is held over a log line: {record.msg}"
        return True

    root = logging.getLogger()
    handler = logging.NullHandler()
    handler.handle = line
    root.addHandler(handler)
    with connection.execute_wrapper(query):
        yield
    root.removeHandler(handler)


@pytest.fixture(scope="session")
def slurm():
    """A real Slurm, the same for all tests."""
    from tests.clusters.packages import Missing
    from tests.clusters.slurm.cluster import Slurm

    try:
        with Slurm() as cluster:
            yield cluster
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where every component is required, a skip is a failure."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("SCALE_TEST_REQUIRE_ALL"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but everything is required here: {report.longrepr}"
    return report
