"""Installs what a kit lacks, by its Debian package name: only where that was asked for, for it changes the machine.

Asked for is where everything is required (SCALE_TEST_REQUIRE_ALL) or SCALE_TEST_INSTALL is set.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

PATIENCE = 600
_DAEMONS_MAY_START = Path("/usr/sbin/policy-rc.d")
_SERVER_PLACES = "/usr/local/sbin:/usr/sbin:/sbin"


class Missing(Exception):
    """What a kit needs is not here."""


def path() -> str:
    """Where programs are looked for, those of servers too."""
    return f"{os.environ.get('PATH', os.defpath)}:{_SERVER_PLACES}"


def need(programs: Mapping[str, str]) -> None:
    """Have these programs, each told with its package; Missing says how to get those that are not here."""
    lacking = sorted({package for program, package in programs.items() if not shutil.which(program, path=path())})
    if lacking and _may_install():
        _install(lacking)
    elif lacking:
        raise Missing(f"not installed; on Debian and Ubuntu: apt-get install {' '.join(lacking)} (or set SCALE_TEST_INSTALL=1)")


def need_user(name: str) -> None:
    """Have this unix user; it can not log in with a password, but it can with a key."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        if not _may_install():
            raise Missing(
                f"there is no user {name}: useradd --create-home --password '*' {name} (or set SCALE_TEST_INSTALL=1)"
            ) from None
        subprocess.run(
            ["useradd", "--create-home", "--password", "*", "--shell", "/bin/bash", name], check=True, env=_variables()
        )


def _may_install() -> bool:
    asked = os.environ.get("SCALE_TEST_REQUIRE_ALL") or os.environ.get("SCALE_TEST_INSTALL")
    return bool(asked) and os.geteuid() == 0 and shutil.which("apt-get", path=path()) is not None


def _install(packages: list[str]) -> None:
    quiet = not _DAEMONS_MAY_START.exists()
    if quiet:  # else the packages would start daemons of the whole machine
        _DAEMONS_MAY_START.write_text("#!/bin/sh\nexit 101\n")
        _DAEMONS_MAY_START.chmod(0o755)
    try:
        install = ["install", "--no-install-recommends", *packages]
        if _apt(*install).returncode:
            _apt("update")
            if (done := _apt(*install)).returncode:
                raise Missing(f"apt-get could not install {' '.join(packages)}:\n{done.stdout[-2000:]}")
    finally:
        if quiet:
            _DAEMONS_MAY_START.unlink(missing_ok=True)


def _apt(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=300", *words],
        env=_variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def _variables() -> dict[str, str]:
    return {**os.environ, "PATH": path(), "DEBIAN_FRONTEND": "noninteractive"}
