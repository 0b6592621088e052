"""A real Slurm for tests: controller, nodes, accounting and its database on this machine, in a temporary directory.

    python -m tests.clusters.slurm.cluster -- bash

runs a command with ``SLURM_CONF`` naming it. It wants root, for a job runs as the user who submitted it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.clusters import packages
from tests.clusters.packages import Missing
from tests.clusters.processes import NotStarted, Processes, free_ports, listens
from tests.clusters.slurm import configuration
from tests.clusters.slurm.configuration import GPUS, USERS, Layout
from tests.clusters.sweeper import Sweeper

NODES = 4
TRIES = 3  # somebody may take a port between our choice and the daemon's
PROGRAMS = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "slurmdbd": "slurmdbd",
    "sbatch": "slurm-client",
    "munged": "munge",
    "mariadbd": "mariadb-server",
    "mariadb-install-db": "mariadb-server",
    "mariadb": "mariadb-client",
}
_UP = re.compile("idle|mix|alloc|comp")


class Slurm:
    """One cluster, for the time of a ``with``; ``variables`` are what its commands need to find it."""

    layout: Layout
    variables: dict[str, str]

    def __enter__(self) -> Slurm:
        if os.geteuid() != 0:
            raise Missing("Slurm under test wants root: a job runs as the user who submitted it")
        packages.need(PROGRAMS)
        for user in USERS:
            packages.need_user(user)
        for tries in reversed(range(TRIES)):
            try:
                self._start()
                break
            except BaseException as trouble:
                self.__exit__()
                if not tries or not isinstance(trouble, NotStarted):
                    raise
        return self

    def __exit__(self, *_: object) -> None:
        for names in (self.layout.nodes, ("slurmctld",), ("slurmdbd",), ("mariadbd", "munged")):
            self._processes.end(*names)
        self._sweeper.sweep()  # what runs a job outlives them all

    def run(self, *words: str) -> str:
        """A command of an administrator."""
        done = subprocess.run(words, env=self.variables, capture_output=True, text=True, timeout=60, check=False)
        assert not done.returncode, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def home(self, user: str) -> Path:
        """Where this user may write."""
        return self.layout.root / "home" / user

    def kill_node(self, name: str) -> None:
        """Its daemon goes as in a crash; what it ran goes on, as it does beside a real one."""
        self._processes.kill(name)

    def start_node(self, name: str) -> None:
        self._processes.start(name, ["slurmd", "-D", "-N", name, "-f", self._conf])

    def until_up(self, *names: str) -> None:
        def up() -> bool:
            return {name for name, state in self._states() if _UP.fullmatch(state)} >= set(names)

        self._processes.until_serving("slurmctld", up)

    def _states(self) -> list[list[str]]:
        done = subprocess.run(
            ["sinfo", "-h", "-N", "-o", "%N %t"], env=self.variables, capture_output=True, text=True, check=False
        )
        return [line.split() for line in done.stdout.splitlines()]

    def _start(self) -> None:
        self.layout = _layout()
        self._sweeper = Sweeper(self.layout.root)
        self.variables = {**os.environ, "PATH": packages.path(), "SLURM_CONF": str(self._conf), "LC_ALL": "C.UTF-8"}
        self._processes = Processes(self.layout.root / "log", self.variables)
        self._write()
        self._start_munge()
        self._start_accounting()
        self._processes.start("slurmctld", ["slurmctld", "-D", "-f", self._conf])
        for name in self.layout.nodes:
            self.start_node(name)
        self.until_up(*self.layout.nodes)

    @property
    def _conf(self) -> Path:
        return self.layout.root / "slurm.conf"

    def _write(self) -> None:
        layout, root = self.layout, self.layout.root
        root.chmod(0o755)
        for folder in ("log", "controller", "database", "devices", *(f"home/{user}" for user in USERS)):
            (root / folder).mkdir(parents=True)
        for user in USERS:
            shutil.chown(self.home(user), user)
        shutil.chown(root / "database", "mysql", "mysql")
        for number in range(GPUS):  # slurmd wants devices, with the index at the end of the name
            (root / "devices" / f"gpu{number}").symlink_to("/dev/null")
        self._conf.write_text(configuration.slurm(layout))
        (root / "gres.conf").write_text(configuration.gpus(layout))
        (root / "cgroup.conf").write_text(configuration.cgroups(layout))
        (root / "plugstack.conf").write_text("")
        (root / "my.cnf").write_text(configuration.database(layout))
        for name, secret in (
            ("munge.key", secrets.token_bytes(128)),
            ("slurmdbd.conf", configuration.accounting(layout).encode()),
        ):
            (root / name).touch(mode=0o600)
            (root / name).write_bytes(secret)

    def _start_munge(self) -> None:
        root = self.layout.root
        words = [f"--key-file={root}/munge.key", f"--socket={self.layout.munge}", f"--pid-file={root}/munge.pid"]
        words += [f"--log-file={root}/log/munge.log", f"--seed-file={root}/munge.seed", "--force"]
        self._processes.start("munged", ["munged", "--foreground", *words])
        self._processes.until_serving("munged", lambda: self._succeeds("munge", "-n", "-S", str(self.layout.munge)))

    def _start_accounting(self) -> None:
        root, database = self.layout.root, self.layout.root / "database"
        self.run(
            *("mariadb-install-db", f"--defaults-file={root}/my.cnf", "--user=mysql", f"--datadir={database}"),
            *("--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve"),
        )
        self._processes.start("mariadbd", ["mariadbd", f"--defaults-file={root}/my.cnf"])
        grant = ("mariadb", "--no-defaults", "-uroot", "-S", str(self.layout.database_socket), "-e")
        self._processes.until_serving("mariadbd", lambda: self._succeeds(*grant, configuration.database_grants(self.layout)))
        self._processes.start("slurmdbd", ["slurmdbd", "-D"])
        self._processes.until_serving("slurmdbd", lambda: listens(self.layout.accounting_port))
        subprocess.run(
            ["sacctmgr", "-i"],
            input=configuration.associations(),
            env=self.variables,
            text=True,
            capture_output=True,
            check=False,
        )
        known = self.run("sacctmgr", "-n", "-P", "show", "assoc", "format=user,account,defaultqos")
        if lacking := [user for user, account in USERS.items() if f"{user}|{account}|normal" not in known]:
            raise NotStarted(f"sacctmgr did not make {lacking}: {known}")

    def _succeeds(self, *words: str) -> bool:
        return not subprocess.run(words, env=self.variables, capture_output=True, check=False).returncode


def _layout() -> Layout:
    controller, accounting, database, *nodes = free_ports(3 + NODES)
    return Layout(
        root=Path(tempfile.mkdtemp(prefix="scale-slurm-", dir="/tmp")),  # a socket's path has to be short
        host=socket.gethostname().split(".")[0],
        controller_port=controller,
        accounting_port=accounting,
        database_port=database,
        node_ports=tuple(nodes),
        database_password=secrets.token_hex(16),
        cgroups=all(os.access(f"/sys/fs/cgroup/{kind}", os.W_OK) for kind in ("memory", "freezer")),
    )


def main(words: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that nothing is left then either
    try:
        with Slurm() as cluster:
            return subprocess.run(words, env=cluster.variables, check=False).returncode
    except Missing as trouble:
        print(f"no Slurm: {trouble}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:] if sys.argv[1:2] == ["--"] else sys.argv[1:]))
