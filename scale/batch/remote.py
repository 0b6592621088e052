"""RemoteHost and RemoteConfig, by the names of qtoolkit: what they say, said to the ssh client of this machine (SSHHost)."""

from __future__ import annotations

import tempfile
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
    connect_kwargs: Mapping[str, Any] | None = None  #: `key_filename`, `timeout`, `compress`
    login_shell: bool = True
    root_dir: str | None = None  #: for whoever wants to know; nothing is done there


class RemoteHost(SSHHost):
    """Another machine, by ssh. The socket of its connection lies in a directory that goes when this does."""

    def __init__(self, config: RemoteConfig) -> None:
        self.config = config
        self._control = tempfile.TemporaryDirectory(prefix="scale-ssh-")
        super().__init__(
            config.host,
            self._control.name,
            user=config.user,
            port=config.port,
            options=_options(config),
            login_shell=config.login_shell,
        )


def _options(config: RemoteConfig) -> dict[str, str]:
    """In words of ssh_config."""
    kwargs = dict(config.connect_kwargs or {})
    if unknown := sorted(kwargs.keys() - _KWARGS.keys()):
        right = f"there are {', '.join(_KWARGS)}; who logs in has a key, for nobody is asked for a password"
        raise InvalidHostError(f"connect_kwargs: ssh has no {', '.join(unknown)}; {right}")
    asked = {
        "ProxyJump": config.gateway,
        "ForwardAgent": config.forward_agent,
        "ConnectTimeout": config.connect_timeout,
        **{_KWARGS[name]: value for name, value in kwargs.items()},
    }
    return {option: _said(value) for option, value in asked.items() if value is not None}


def _said(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
