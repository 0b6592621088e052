"""A private Grid Engine for tests: master and execution daemon in a temporary directory, ended when it is left.

    python -m tests.clusters.sge -- qhost

runs a command against it. Where it cannot run, nothing is run; that is a failure if ``SCALE_TEST_REQUIRE_ALL`` is set.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.clusters.packages import Missing, need, path
from tests.clusters.processes import PATIENCE, Processes, free_ports
from tests.clusters.sweeper import Sweeper

PROGRAMS = {
    "sge_qmaster": "gridengine-master",
    "sge_execd": "gridengine-exec",
    "qsub": "gridengine-client",
    "qconf": "gridengine-client",
    "qacct": "gridengine-client",
    "ps": "procps",
}
HELPERS = Path("/usr/lib/gridengine")  # where Debian puts what only an installation calls
TREE = Path("/var/lib/gridengine")
DEFAULTS = Path("/usr/share/gridengine")

PARALLEL = """\
pe_name smp
slots 999
user_lists NONE
xuser_lists NONE
start_proc_args NONE
stop_proc_args NONE
allocation_rule $pe_slots
control_slaves FALSE
job_is_first_task TRUE
urgency_slots min
accounting_summary FALSE
qsort_args NONE
"""
PROJECT = "name physics\noticket 0\nfshare 0\nacl NONE\nxacl NONE\n"
#: whatever shall happen at once instead of every few minutes
CONFIGURATION = {
    "load_report_time": "00:00:02",
    "min_uid": "0",
    "min_gid": "0",
    "mailer": "/bin/true",
    "reporting_params": "accounting=true reporting=false flush_time=00:00:01 joblog=false sharelog=00:00:00",
}
SCHEDULER = {"schedule_interval": "0:0:1", "flush_submit_sec": "1", "flush_finish_sec": "1"}
QUEUE = {
    "qname": "all.q",
    "hostlist": "@allhosts",
    "slots": "8",
    "pe_list": "smp",
    "shell": "/bin/sh",
    "load_thresholds": "NONE",
    "rerun": "FALSE",
}


class GridEngine:
    """One cluster of one node, for the time of a ``with``; ``environment`` leads the client programs to it.

    It has the queue ``all.q`` with 8 slots, the parallel environment ``smp``, the project ``physics`` and two ``gpu``.
    """

    environment: Mapping[str, str]

    def __enter__(self) -> GridEngine:
        need(PROGRAMS)
        if os.geteuid() != 0:
            raise Missing("Grid Engine runs jobs as their owners: its daemons have to be started by root")
        self._root = Path(tempfile.mkdtemp(prefix="scale-sge-", dir="/tmp"))
        self._sweeper = Sweeper(self._root)
        self._root.chmod(0o755)  # jobs run as others than the daemons
        self._host = socket.gethostname().split(".")[0]
        self.environment = self._environment()
        # in the foreground they are children of ours
        self._daemons = Processes(self._root, {**os.environ, "PATH": path(), **self.environment, "SGE_ND": "1"})
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._sweeper.sweep()  # nothing has to be kept, and the one that keeps it would take seconds for that
        for name in ("sge_execd", "sge_qmaster"):
            with suppress(KeyError):
                self._daemons.kill(name)

    def run(self, *words: str, text: str | None = None) -> str:
        """What one of its programs prints; a failure is an error that tells what it said."""
        done = subprocess.run(
            words,
            env={**os.environ, "PATH": path(), **self.environment},
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        ports = free_ports(2)
        return {
            "SGE_ROOT": str(self._root / "sge"),
            "SGE_CELL": "default",
            "SGE_QMASTER_PORT": str(ports[0]),
            "SGE_EXECD_PORT": str(ports[1]),
        }

    def _start(self) -> None:
        self._lay_out()
        self._make_spool()
        self._daemons.start("sge_qmaster", ["sge_qmaster"])
        self._daemons.until_serving("sge_qmaster", lambda: self._answers("qconf", "-sh"))
        self._configure()
        self._daemons.start("sge_execd", ["sge_execd"])
        self._daemons.until_serving("sge_execd", self._reports_load)

    def _lay_out(self) -> None:
        """The directories that an installation has, the programs being Debian's."""
        common = self._root / "sge" / "default" / "common"
        for place in (common, *(self._spool / name for name in ("qmaster/job_scripts", "execd", "db"))):
            place.mkdir(parents=True)
        for name in ("bin", "lib", "util", "utilbin"):
            (self._root / "sge" / name).symlink_to(TREE / name)
        (common / "act_qmaster").write_text(f"{self._host}\n")
        # the loopback address has to have one name
        (common / "host_aliases").write_text(f"{self._host} localhost\n")
        places = {"qmaster_spool_dir": str(self._spool / "qmaster"), "spooling_params": str(self._spool / "db")}
        places["admin_user"] = "none"  # who becomes another user, does not hear of our end any more
        (common / "bootstrap").write_text(_changed((DEFAULTS / "default-bootstrap").read_text(), places))
        settings = {**CONFIGURATION, "execd_spool_dir": str(self._spool / "execd")}
        (self._root / "configuration").write_text(_changed((DEFAULTS / "default-configuration").read_text(), settings))

    def _make_spool(self) -> None:
        resources = DEFAULTS / "util" / "resources"
        for words in (
            ("spoolinit", "berkeleydb", "libspoolb", self._spool / "db", "init"),
            ("spooldefaults", "configuration", self._root / "configuration"),
            ("spooldefaults", "complexes", resources / "centry"),
            ("spooldefaults", "usersets", resources / "usersets"),
            ("spooldefaults", "managers", "root"),
        ):
            subprocess.run(
                [str(word) for word in (HELPERS / words[0], *words[1:])],
                cwd=self._root,
                env={**os.environ, **self.environment},
                capture_output=True,
                check=True,
            )

    def _configure(self) -> None:
        self.run("qconf", "-as", self._host)
        self._add("-Msconf", _changed(self.run("qconf", "-ssconf"), SCHEDULER))
        self._add("-Ahgrp", f"group_name @allhosts\nhostlist {self._host}\n")
        self._add("-Ap", PARALLEL)
        self._add("-Aprj", PROJECT)
        self._add("-Mc", self.run("qconf", "-sc") + "gpu gpu INT <= YES YES 0 0\n")
        self.run("qconf", "-rattr", "exechost", "complex_values", "gpu=2", self._host)
        self._add("-Aq", _changed(self.run("qconf", "-sq"), QUEUE))

    def _add(self, option: str, text: str) -> None:
        page = self._root / "page"
        page.write_text(text)
        self.run("qconf", option, str(page))

    def _answers(self, *words: str) -> bool:
        try:
            self.run(*words)
        except RuntimeError:
            return False
        return True

    def _reports_load(self) -> bool:
        lines = [line.split() for line in self.run("qhost").splitlines()]
        return any(line[0] == self._host and line[3] != "-" for line in lines if len(line) > 3)

    @property
    def _spool(self) -> Path:
        return self._root / "spool"


def _changed(page: str, settings: Mapping[str, str]) -> str:
    """A page of ``name value`` lines with other values; each has to be there."""
    for name, value in settings.items():
        page, times = re.subn(rf"(?m)^{name}\s.*(\n\s+.*)*?$", f"{name} {value}", page)
        if times != 1:
            raise RuntimeError(f"{name} stands {times} times in:\n{page}")
    return page


def main(words: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that nothing is left then either
    try:
        with GridEngine() as cluster:
            arguments = words[words[:1] == ["--"] :]
            return subprocess.run(arguments, env={**os.environ, **cluster.environment}, check=False).returncode
    except Missing as trouble:
        print(f"not run on Grid Engine: {trouble}")
        return bool(os.environ.get("SCALE_TEST_REQUIRE_ALL"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
