"""RemoteHost and RemoteConfig, by the names of qtoolkit: what they say, said to the ssh client of this machine (SSHHost)."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scale.batch.hosts import InvalidHostError, SSHHost

#: what ssh calls that of `connect_kwargs` which it has
_KWARGS: Final[Mapping[str, str]] = {"key_filename": "IdentityFile", "timeout": "ConnectTimeout", "compress": "Compression"}


@dataclass(kw_only=True)
class RemoteConfig:
    """How a host is reached; what is left out is as the configuration of ssh has it."""

    host: str
    user: str | None = None
    port: int | None = None
    gateway: str | None = None  #: a host to go through
    forward_agent: bool | None = None
    connect_timeout: int | None = None  #: seconds
    connect_kwargs: Mapping[str, Any] | None = None  #: `key_filename`, `timeout`, `compress`, and any `Option` of ssh_config
    login_shell: bool = True
    root_dir: str | None = None  #: for whoever wants to know; nothing is done there


class RemoteHost(SSHHost):
    """Another machine, by ssh. The socket of its connection lies in a directory that goes when this does."""

    def __init__(self, config: RemoteConfig) -> None:
        self.config, options = config, options_of(config)
        control = tempfile.mkdtemp(prefix="scale-ssh-")
        weakref.finalize(self, shutil.rmtree, control, ignore_errors=True)
        super().__init__(
            config.host, control, user=config.user, port=config.port, options=options, login_shell=config.login_shell
        )


def options_of(config: RemoteConfig) -> dict[str, str]:
    """In words of ssh_config."""
    kwargs = {_KWARGS.get(name, name): value for name, value in (config.connect_kwargs or {}).items()}
    if unknown := sorted(name for name in kwargs if not name[:1].isupper()):
        right = f"there are {', '.join(_KWARGS)} and the options of ssh_config; a password is never asked for, so have a key"
        raise InvalidHostError(f"connect_kwargs: ssh has no {', '.join(unknown)}; {right}")
    asked = {
        "ProxyJump": config.gateway,
        "ForwardAgent": config.forward_agent,
        "ConnectTimeout": config.connect_timeout,
        **kwargs,
    }
    return {option: _said(value) for option, value in asked.items() if value is not None}


def _said(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
