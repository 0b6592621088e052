"""The Seed standard: manifests of job types, configurations of their jobs, and what is wrong with either. Import it from here."""

from scale.seed.configuration import JobConfiguration, Mount, OutputWorkspaces, Workspaces
from scale.seed.findings import CHECKS, Check, Finding, Level, Report
from scale.seed.manifest import Interface, JobError, Manifest, schema
from scale.seed.names import SeedImage, allocated, seed_image, variable
from scale.seed.reading import ConfigurationReading, InvalidDocument, ManifestReading, read_configuration, read_manifest
from scale.seed.versions import compare, in_order, newest

__all__ = [
    "CHECKS",
    "Check",
    "ConfigurationReading",
    "Finding",
    "Interface",
    "InvalidDocument",
    "JobConfiguration",
    "JobError",
    "Level",
    "Manifest",
    "ManifestReading",
    "Mount",
    "OutputWorkspaces",
    "Report",
    "SeedImage",
    "Workspaces",
    "allocated",
    "compare",
    "in_order",
    "newest",
    "read_configuration",
    "read_manifest",
    "schema",
    "seed_image",
    "variable",
]
