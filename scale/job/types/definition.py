"""What makes a job type: its manifest and its configuration, looked at together, and secrets taken out of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Set
from typing import Any, NamedTuple

from scale.seed import (
    Finding,
    Interface,
    InvalidDocument,
    Manifest,
    Report,
    Workspaces,
    read_configuration,
    read_manifest,
    variable,
)
from scale.seed.configuration import HIDDEN

COMMAND = "command"


class Reading(NamedTuple):
    """What was read of a definition, and what there is to say of it, by places in the body of a request."""

    manifest: Manifest | None  #: if that has no errors
    report: Report

    def value(self) -> Manifest:
        """
        :raises InvalidDocument: with every error of manifest and configuration
        """
        if self.manifest is None or not self.report.is_valid:
            raise InvalidDocument(self.report)
        return self.manifest


class Secrets(NamedTuple):
    """A configuration without its secrets, and those."""

    configuration: dict[str, Any]  #: with HIDDEN in their place
    stated: dict[str, str]  #: settings by name, in clear
    kept: frozenset[str]  #: settings that stay as they are sealed


def read_definition(manifest: object, configuration: object, workspaces: Workspaces, sealed: Set[str]) -> Reading:
    """Read both. Raises nothing: all that is wrong is in the report.

    :param sealed: the settings of which there is a secret already
    """
    of_manifest = read_manifest(manifest)
    interface = of_manifest.manifest.interface if of_manifest.manifest else None
    of_configuration = read_configuration(configuration, interface, workspaces)
    report = (
        (of_manifest.report + Report.of(_not_ours(of_manifest.manifest))).under("manifest")
        + of_configuration.report.under("configuration")
        + Report.of(_nothing_behind(configuration, interface, sealed)).under("configuration")
    )
    return Reading(of_manifest.manifest, report)


def take_secrets(configuration: Mapping[str, Any], interface: Interface, sealed: Collection[str]) -> Secrets:
    """Part a valid configuration from its secrets. What is sealed once stays so, whatever the manifest says of it later."""
    hidden = {variable(name) for name in interface.secrets}
    settings: Mapping[str, str] = configuration.get("settings", {})
    kept = frozenset(name for name, value in settings.items() if value == HIDDEN and name in sealed)
    stated = {name: value for name, value in settings.items() if variable(name) in hidden and name not in kept}
    shown = {name: HIDDEN if name in stated or name in kept else value for name, value in settings.items()}
    rest = {name: value for name, value in configuration.items() if name not in ("version", "settings")}
    return Secrets({**rest, "settings": shown} if settings else rest, stated, kept)


def _not_ours(manifest: Manifest | None) -> Iterator[Finding]:
    if manifest and manifest.job.name == COMMAND:
        wrong = f"`name` is {COMMAND!r}, the type of commands that are submitted without one"
        yield Finding("RESERVED_JOB_NAME", ("job", "name"), wrong, "take another name")


def _nothing_behind(raw: object, interface: Interface | None, sealed: Set[str]) -> Iterator[Finding]:
    """Stars in the place of a secret that nobody has stated yet."""
    settings = raw.get("settings") if isinstance(raw, dict) else None
    hidden = {variable(name) for name in interface.secrets} if interface else set()
    for name, value in settings.items() if isinstance(settings, dict) else ():
        if value == HIDDEN and variable(name) in hidden and name not in sealed:
            wrong = f"`{HIDDEN}` keeps a secret that is there, and there is none"
            yield Finding("INVALID_SETTING", ("settings", name), wrong, "state its value")
