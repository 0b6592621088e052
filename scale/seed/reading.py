"""Reads manifests and configurations: from raw JSON to a value and a report, whatever the JSON is."""

from __future__ import annotations

from typing import NamedTuple

from scale.kernel.errors import Fault, Invalid
from scale.seed.checks import faults
from scale.seed.configuration import JobConfiguration, Workspaces, codes_of_places, disagreements
from scale.seed.document import is_too_large
from scale.seed.doubts import doubts
from scale.seed.findings import Report
from scale.seed.manifest import Interface, Manifest
from scale.seed.shape import TOO_LARGE, read


class InvalidDocument(Invalid):
    """The manifest or the configuration breaks a rule; the report says which."""

    def __init__(self, report: Report) -> None:
        self.report = report
        super().__init__(Fault(finding.pointer, f"{finding.code}: {finding.message}") for finding in report.errors)

    @property
    def told(self) -> list[dict[str, str]]:
        """With the code of each, and its place in both of the ways in which the API tells places."""
        return [finding.fault for finding in self.report.errors]


class ManifestReading(NamedTuple):
    manifest: Manifest | None  #: if there are no errors
    report: Report

    def value(self) -> Manifest:
        """
        :raises InvalidDocument: with every error
        """
        if self.manifest is None:
            raise InvalidDocument(self.report)
        return self.manifest


class ConfigurationReading(NamedTuple):
    configuration: JobConfiguration | None  #: if there are no errors
    report: Report

    def value(self) -> JobConfiguration:
        """
        :raises InvalidDocument: with every error
        """
        if self.configuration is None:
            raise InvalidDocument(self.report)
        return self.configuration


def read_manifest(raw: object) -> ManifestReading:
    """Read a manifest. Raises nothing: all that is wrong is in the report."""
    if is_too_large(raw):
        return ManifestReading(None, Report.of([TOO_LARGE]))
    manifest, of_shape = read(Manifest, raw)
    report = Report.of([*of_shape, *faults(raw), *doubts(raw, manifest)])
    return ManifestReading(manifest if report.is_valid else None, report)


def read_configuration(raw: object, interface: Interface | None, workspaces: Workspaces) -> ConfigurationReading:
    """Read a configuration against a manifest; None if that is not known, so that what is wrong here is told all the same."""
    if is_too_large(raw):
        return ConfigurationReading(None, Report.of([TOO_LARGE]))
    configuration, of_shape = read(JobConfiguration, raw)
    report = Report.of([*codes_of_places(of_shape), *disagreements(raw, interface, workspaces)])
    return ConfigurationReading(configuration if report.is_valid else None, report)
