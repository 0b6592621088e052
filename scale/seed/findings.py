"""What is found in a manifest or a configuration: each finding with a code, a place, what is wrong and what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from scale.kernel.reading import shown

MOST = 100  #: findings of each level in one report; an answer is for a reader
_LONGEST_PART = 100  #: characters of a name in a pointer; longer ones stay in the sentence, shortened

Place = tuple[str | int, ...]  #: names and numbers on the way down a document


class Level(StrEnum):
    ERROR = "error"  #: the document is refused
    WARNING = "warning"  #: the document is taken, and is hardly what was meant


class Check(NamedTuple):
    """One thing that is looked at."""

    code: str
    level: Level
    about: str  #: which document: the manifest or the configuration
    wrong: str  #: what is wrong when it is found


def _manifest(level: Level, code: str, wrong: str) -> Check:
    return Check(code, level, "manifest", wrong)


def _configuration(level: Level, code: str, wrong: str) -> Check:
    return Check(code, level, "configuration", wrong)


_E, _W = Level.ERROR, Level.WARNING
CHECKS = (
    _manifest(_E, "JSON_VALIDATION_ERROR", "It is not as the schema and the table of fields say; gpus are whole."),
    _manifest(_E, "NAME_COLLISION_ERROR", "Two of settings, inputs, resources and what Scale sets would be the same variable."),
    _manifest(_E, "RESERVED_JOB_NAME", "The name of the job stands for something else in addresses of the API."),
    _manifest(_E, "DUPLICATE_MOUNT_NAMES", "Two mounts have the same name."),
    _manifest(_E, "DUPLICATE_MOUNT_PATHS", "Two mounts stand at the same path."),
    _manifest(_E, "INVALID_MOUNT_PATH", "The path of a mount is not absolute, has `..` in it, or is the root."),
    _manifest(_E, "DUPLICATE_OUTPUT_NAMES", "Two outputs, files or JSON, have the same name."),
    _manifest(_E, "INVALID_OUTPUT_PATTERN", "The pattern of an output leads out of OUTPUT_DIR."),
    _manifest(_E, "DUPLICATE_ERROR_NAMES", "Two errors have the same name."),
    _manifest(_E, "DUPLICATE_ERROR_CODES", "Two errors have the same exit code."),
    _manifest(_W, "NO_COMMAND", "There is no command; only an image could know what to run."),
    _manifest(_W, "UNKNOWN_VARIABLE", "The command names a variable that there is not, and that is much like one that there is."),
    _manifest(_W, "NO_TIMEOUT", "The timeout is 0: fit only for a job that never ends."),
    _manifest(_W, "HIDDEN_VARIABLE", "An input or a setting takes the place of a variable that programs rely on, such as PATH."),
    _manifest(_W, "UNKNOWN_RESOURCE", "A resource is none of cpus, mem, disk, gpus and sharedMem; few nodes have others."),
    _manifest(_W, "LOW_RESOURCE", "Less is asked for than every job gets."),
    _manifest(_W, "INVALID_MEDIA_TYPE", "A media type is not of the form `type/subtype`."),
    _manifest(_W, "SINGLE_PATTERN", "An output may have several files, and its pattern fits only one."),
    _manifest(_W, "UNREACHABLE_EXIT_CODE", "No failed program ends with this exit code: those that can are 1 to 255."),
    _manifest(_W, "INVALID_IMAGE_NAME", "No registry takes an image named `name-jobVersion-seed:packageVersion` of these."),
    _configuration(_E, "JSON_VALIDATION_ERROR", "It is not as the schema says."),
    _configuration(_E, "INVALID_PRIORITY", "The priority is not a whole number from 1 on."),
    _configuration(_E, "INVALID_SETTING", "The value of a setting is not text, or a text that no process can be given."),
    _configuration(_E, "DUPLICATE_SETTING", "Two settings would be the same variable."),
    _configuration(_E, "MISSING_WORKSPACE", "An output of files has no workspace, neither its own nor a default."),
    _configuration(_E, "INVALID_WORKSPACE", "There is no workspace of this name."),
    _configuration(_W, "DEPRECATED_WORKSPACE", "The workspace is no longer active."),
    _configuration(_W, "UNKNOWN_OUTPUT", "A workspace is named for an output of files that the manifest does not have."),
    _configuration(_W, "MISSING_MOUNT", "A mount of the manifest is not configured; jobs will fail with `missing-mount`."),
    _configuration(_W, "UNKNOWN_MOUNT", "The manifest has no such mount."),
    _configuration(_W, "MISSING_SETTING", "A setting of the manifest is not configured; jobs will fail with `missing-setting`."),
    _configuration(_W, "UNKNOWN_SETTING", "The manifest has no such setting."),
)  # fmt: skip
_LEVELS = {check.code: check.level for check in CHECKS}


class Finding(NamedTuple):
    """One thing that is wrong."""

    code: str
    place: Place
    wrong: str
    right: str

    @property
    def level(self) -> Level:
        return _LEVELS[self.code]

    @property
    def pointer(self) -> str:
        """Where it is, as a JSON pointer (RFC 6901); of a name that nobody can print, where the object is that has it."""
        return "".join(f"/{_escaped(part)}" for part in _printable(self.place))

    @property
    def message(self) -> str:
        return f"{self.wrong}; {self.right}"

    def under(self, *above: str) -> Finding:
        """The same, where the document is a part of another."""
        return self._replace(place=(*above, *self.place))

    @property
    def answer(self) -> dict[str, str]:
        """The same in the form of the API: `name` and `description` as in the original, and the place."""
        return {"name": self.code, "description": self.message, "pointer": self.pointer}

    @property
    def fault(self) -> dict[str, str]:
        """The same as one of the errors of a problem document."""
        field = ".".join(map(str, _printable(self.place)))
        return {"field": field, "message": self.message, "code": self.code, "pointer": self.pointer}


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, errors and warnings apart, each in the order of their places."""

    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    left_out: int = 0  #: findings beyond the first hundred of a level

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Report:
        found = sorted(set(findings), key=_order)
        errors = [finding for finding in found if finding.level is Level.ERROR]
        warnings = [finding for finding in found if finding.level is Level.WARNING]
        left_out = len(errors[MOST:]) + len(warnings[MOST:])
        return cls(tuple(errors[:MOST]), tuple(warnings[:MOST]), left_out)

    @property
    def is_valid(self) -> bool:
        return not self.errors

    def under(self, *above: str) -> Report:
        return Report(
            tuple(finding.under(*above) for finding in self.errors),
            tuple(finding.under(*above) for finding in self.warnings),
            self.left_out,
        )

    def __add__(self, other: Report) -> Report:
        return Report(self.errors + other.errors, self.warnings + other.warnings, self.left_out + other.left_out)

    @property
    def answer(self) -> dict[str, object]:
        """The same in the form of the API."""
        return {
            "is_valid": self.is_valid,
            "errors": [finding.answer for finding in self.errors],
            "warnings": [finding.answer for finding in self.warnings],
        }


def _order(finding: Finding) -> tuple[object, ...]:
    """Numbers as numbers, so that item 10 comes after item 2."""
    return [(isinstance(part, str), part) for part in finding.place], finding.code, finding.wrong


def _printable(place: Sequence[str | int]) -> Sequence[str | int]:
    for depth, part in enumerate(place):
        if isinstance(part, str) and (len(part) > _LONGEST_PART or shown(part) != part):
            return place[:depth]
    return place


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
