"""An ssh server on loopback for tests: with keys, port and configuration of its own; whoever runs the tests may log in."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.clusters import packages
from tests.clusters.processes import NotStarted, Processes, free_ports, listens

PROGRAMS = {"sshd": "openssh-server", "ssh": "openssh-client", "ssh-keygen": "openssh-client"}
TRIES = 3  # somebody may take the port between our choice and the server's


class Sshd:
    """One server, for the time of a ``with``; ``options`` are what a client needs to get in."""

    port: int
    options: dict[str, str]

    def __enter__(self) -> Sshd:
        packages.need(PROGRAMS)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as root it goes nowhere without
        self.root = Path(tempfile.mkdtemp(prefix="scale-sshd-", dir="/tmp"))  # a socket's path has to be short
        self._processes = Processes(self.root, {**os.environ, "PATH": packages.path()})
        try:
            self._make_keys()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._processes.end("sshd")
        shutil.rmtree(self.root, ignore_errors=True)

    def stop(self) -> None:
        """It goes away, as a host does in the middle of the night."""
        self._processes.kill("sshd")

    def _make_keys(self) -> None:
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.root / name], check=True)

    def _start(self) -> None:
        for tries in reversed(range(TRIES)):
            (self.port,) = free_ports(1)
            self._write()
            sshd = str(shutil.which("sshd", path=packages.path()))  # it wants to be called by its whole path
            self._processes.start("sshd", [sshd, "-D", "-e", "-f", self.root / "sshd_config"])
            try:
                return self._processes.until_serving("sshd", lambda: listens(self.port))
            except NotStarted:
                if not tries:
                    raise

    def _write(self) -> None:
        host_key = (self.root / "host.pub").read_text()
        (self.root / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host_key}")
        (self.root / "sshd_config").write_text(f"""\
ListenAddress 127.0.0.1
Port {self.port}
HostKey {self.root}/host
PidFile none
AuthorizedKeysFile {self.root}/user.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
MaxStartups 100
AllowUsers {pwd.getpwuid(os.geteuid()).pw_name}
""")
        self.options = {
            "IdentityFile": f"{self.root}/user",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": f"{self.root}/known_hosts",
            "StrictHostKeyChecking": "yes",
        }
