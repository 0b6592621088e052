"""What the schema of a manifest cannot say: names that collide, paths that lead astray. The errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from scale.kernel.reading import shown
from scale.seed.document import at, objects, texts
from scale.seed.findings import Finding, Place
from scale.seed.names import OURS, OUTPUT_DIR, SET_BY_SCALE
from scale.seed.places import ERRORS, MOUNTS, OUTPUTS, SCALARS, exit_codes, variables

#: words that stand in the place of a job type's name in addresses of the API
RESERVED = ("pending", "running", "status", "system-failures", "validation")


def faults(raw: object) -> Iterator[Finding]:
    """What makes a manifest invalid, looked for in the raw document, so that a fault elsewhere hides nothing."""
    for check in _FAULTS:
        yield from check(raw)


# --- the same thing twice


def _twice(found: Iterable[tuple[Place, str]], code: str, what: str) -> Iterator[Finding]:
    """Every one that has the name of one before it."""
    seen: dict[str, Place] = {}
    for place, name in found:
        if name in seen:
            yield Finding(code, place, f"there are two {what} {shown(name)!r}", "give one of them another, or leave it out")
        seen.setdefault(name, place)


def _mount_names(raw: object) -> Iterator[Finding]:
    return _twice(texts(raw, *MOUNTS, member="name"), "DUPLICATE_MOUNT_NAMES", "mounts named")


def _mount_paths_twice(raw: object) -> Iterator[Finding]:
    paths = ((place, path.rstrip("/")) for place, path in texts(raw, *MOUNTS, member="path") if _is_mount_path(path))
    return _twice(paths, "DUPLICATE_MOUNT_PATHS", "mounts at")


def _output_names(raw: object) -> Iterator[Finding]:
    found = (name for where in OUTPUTS for name in texts(raw, *where, member="name"))
    return _twice(found, "DUPLICATE_OUTPUT_NAMES", "outputs named")


def _error_names(raw: object) -> Iterator[Finding]:
    return _twice(texts(raw, *ERRORS, member="name"), "DUPLICATE_ERROR_NAMES", "errors named")


def _error_codes(raw: object) -> Iterator[Finding]:
    found = ((place, str(code)) for place, code in exit_codes(raw))
    return _twice(found, "DUPLICATE_ERROR_CODES", "errors of the exit code")


# --- variables of the program


def _collisions(raw: object) -> Iterator[Finding]:
    taken: dict[str, str] = {}
    for place, name, what in variables(raw):
        is_ours = name in SET_BY_SCALE or (name.startswith(OURS) and "resources" not in place)
        holder = taken.get(name) or ("set by Scale" if is_ours else None)
        if holder:
            wrong = f"{what} would be the variable {shown(name)}, which is {holder}"
            yield Finding("NAME_COLLISION_ERROR", place, wrong, "give it another name; capitals, `-` and `_` make no difference")
        taken.setdefault(name, what)


# --- the job itself


def _reserved(raw: object) -> Iterator[Finding]:
    name = at(raw, "job", "name")
    if isinstance(name, str) and name in RESERVED:
        wrong = f"`name` is {name!r}, and /job-types/{name}/ is an address of its own"
        yield Finding("RESERVED_JOB_NAME", ("job", "name"), wrong, f"take a name that is none of: {', '.join(RESERVED)}")


# --- resources


def _whole_gpus(raw: object) -> Iterator[Finding]:
    for where, scalar in objects(raw, *SCALARS):
        value = scalar.get("value")
        if str(scalar.get("name")).lower() == "gpus" and isinstance(value, float) and value % 1 > 0:
            yield Finding("JSON_VALIDATION_ERROR", (*where, "value"), "`value` of gpus is a fraction", "expected: a whole number")


# --- paths and media types


def _is_mount_path(path: str) -> bool:
    return path.startswith("/") and ".." not in path.split("/") and bool(path.strip("/"))


def _mount_paths(raw: object) -> Iterator[Finding]:
    for place, path in texts(raw, *MOUNTS, member="path"):
        if not _is_mount_path(path):
            wrong = f"{shown(path)!r} is no path for a mount"
            yield Finding("INVALID_MOUNT_PATH", place, wrong, "expected an absolute path without `..`, below the root")


def _patterns(raw: object) -> Iterator[Finding]:
    for place, pattern in texts(raw, *OUTPUTS[0], member="pattern"):
        if pattern.startswith("/") or ".." in pattern.split("/"):
            wrong = f"the pattern {shown(pattern)!r} leads out of {OUTPUT_DIR}"
            yield Finding(
                "INVALID_OUTPUT_PATTERN", place, wrong, "expected one below it, such as `*.tif`, without `/` in front or `..`"
            )


_FAULTS: tuple[Callable[[object], Iterator[Finding]], ...] = (
    _reserved,
    _whole_gpus,
    _collisions,
    _mount_names,
    _mount_paths_twice,
    _mount_paths,
    _output_names,
    _patterns,
    _error_names,
    _error_codes,
)
