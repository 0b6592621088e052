"""Manifests and configurations: one of each that is complete and right, and rows of changes that each break one thing."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

GONE = object()  #: in the place of a value: the member is taken out
LONG = "x" * 251
BAD = "JSON_VALIDATION_ERROR"

COMPLETE: dict[str, Any] = {
    "seedVersion": "1.0.0",
    "job": {
        "name": "cloud-mask",
        "jobVersion": "2.1.0-rc1",
        "packageVersion": "1.0.3",
        "title": "Cloud mask",
        "description": "Finds the clouds in a scene.",
        "tags": ["clouds", "raster"],
        "maintainer": {
            "name": "The mask group",
            "email": "masks@example.org",
            "organization": "An institute",
            "url": "https://example.org/masks",
            "phone": "555-0100",
        },
        "timeout": 1800,
        "resources": {
            "scalar": [
                {"name": "cpus", "value": 1.5},
                {"name": "mem", "value": 256, "inputMultiplier": 2.5},
                {"name": "sharedMem", "value": 64},
                {"name": "gpus", "value": 1.0},
            ]
        },
        "interface": {
            "command": "mask ${SCENE} --threshold ${THRESHOLD} --out ${OUTPUT_DIR}",
            "inputs": {
                "files": [
                    {"name": "SCENE", "mediaTypes": ["image/tiff"], "required": True, "multiple": False, "partial": True},
                    {"name": "LANDMARKS", "required": False, "multiple": True},
                ],
                "json": [{"name": "THRESHOLD", "type": "number", "required": False}],
            },
            "outputs": {
                "files": [
                    {"name": "MASK", "pattern": "mask.tif", "mediaType": "image/tiff"},
                    {"name": "TILES", "pattern": "tiles/*.png", "multiple": True, "required": False},
                ],
                "json": [{"name": "CLOUD_COVER", "type": "number", "key": "cover", "required": True}],
            },
            "mounts": [
                {"name": "models", "path": "/opt/models", "mode": "ro"},
                {"name": "scratch", "path": "/scratch", "mode": "rw"},
            ],
            "settings": [{"name": "CATALOG_URL"}, {"name": "catalog-key", "secret": True}],
        },
        "errors": [
            {"code": 1, "name": "no-scene", "title": "No scene", "description": "It is not one.", "category": "data"},
            {"code": 2, "name": "diverged", "category": "job"},
            {"code": 3, "name": "gave-up"},
        ],
    },
}
LEAST: dict[str, Any] = {
    "seedVersion": "1.0.0",
    "job": {
        "name": "a",
        "jobVersion": "0.0.1",
        "packageVersion": "0.0.1",
        "title": "A",
        "description": "",
        "maintainer": {"name": "A", "email": "a@example.org"},
        "timeout": 1,
    },
}


class Row(NamedTuple):
    """One change of a document, and what is to be found then."""

    says: str
    where: str  #: a JSON pointer
    value: Any
    code: str
    pointer: str


def changed(document: Any, where: str, value: Any) -> Any:
    """The document with another value there; `-` stands for one more of a list."""
    document = deepcopy(document)
    *above, last = where.split("/")[1:] or [""]
    if not where:
        return value
    inside = document
    for part in above:
        inside = inside[int(part) if isinstance(inside, list) else part]
    if value is GONE:
        del inside[int(last) if isinstance(inside, list) else last]
    elif isinstance(inside, list):
        inside[int(last) : int(last) + 1] = [value] if last != "-" else []
    else:
        inside[last] = value
    return document


def at(where: str, value: Any, code: str = BAD, pointer: str | None = None, says: str = "") -> Row:
    what = "gone" if value is GONE else str(value)[:40]
    return Row(says or f"{where or 'all'} = {what}", where, value, code, where if pointer is None else pointer)


JOB, FACE, NEEDS, WHO = "/job", "/job/interface", "/job/resources/scalar", "/job/maintainer"
IN, OUT = f"{FACE}/inputs", f"{FACE}/outputs"

INVALID = [
    # the document
    at("", None),
    at("", []),
    at("", "text"),
    at("", 1),
    at("/seedVersion", GONE),
    at("/seedVersion", "1.0.1"),
    at("/seedVersion", 1),
    at("/other", 1),
    at("/a~b", 1, pointer="/a~0b"),
    at("/job", GONE),
    at("/job", []),
    # the job
    *(at(f"{JOB}/{name}", GONE) for name in ("name", "jobVersion", "packageVersion")),
    *(at(f"{JOB}/{name}", GONE) for name in ("title", "description", "maintainer", "timeout")),
    at(f"{JOB}/name", ""),
    at(f"{JOB}/name", "cloud mask"),
    at(f"{JOB}/name", "cloud_mask"),
    at(f"{JOB}/name", "cloud-mask\n"),
    at(f"{JOB}/name", LONG),
    at(f"{JOB}/name", 7),
    *(at(f"{JOB}/name", name, "RESERVED_JOB_NAME") for name in ("validation", "pending", "running", "status", "system-failures")),
    *(at(f"{JOB}/jobVersion", text) for text in ("", "1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.0.0-")),
    *(at(f"{JOB}/jobVersion", text) for text in ("1.0.0-01", "1.0.0+", "1.0.0\n")),
    at(f"{JOB}/jobVersion", 1.0),
    at(f"{JOB}/jobVersion", "1.0.0-" + "a" * 45),
    at(f"{JOB}/packageVersion", "latest"),
    at(f"{JOB}/title", ""),
    at(f"{JOB}/title", LONG),
    at(f"{JOB}/title", None),
    at(f"{JOB}/title", "a\0b"),
    at(f"{JOB}/description", ["text"]),
    at(f"{JOB}/description", "a\ud800b"),
    at(f"{JOB}/tags", "one"),
    at(f"{JOB}/tags", [1], pointer=f"{JOB}/tags/0"),
    at(f"{JOB}/timeout", "60"),
    at(f"{JOB}/timeout", 1.5),
    at(f"{JOB}/timeout", -1),
    at(f"{JOB}/timeout", 2**31),
    at(f"{JOB}/timeout", True),
    at(f"{JOB}/timeout", float("inf")),
    at(f"{JOB}/more", {}),
    at(WHO, "Somebody"),
    at(f"{WHO}/name", GONE),
    at(f"{WHO}/name", ""),
    at(f"{WHO}/email", GONE),
    at(f"{WHO}/organization", 1),
    at(f"{WHO}/url", {}),
    at(f"{WHO}/phone", 5550100),
    at(f"{WHO}/fax", "555"),
    # resources
    at("/job/resources", []),
    at("/job/resources/vector", []),
    at(NEEDS, {}),
    at(f"{NEEDS}/0", "cpus"),
    at(f"{NEEDS}/0/name", GONE),
    at(f"{NEEDS}/0/name", "two words"),
    at(f"{NEEDS}/0/value", GONE),
    at(f"{NEEDS}/0/value", "1"),
    at(f"{NEEDS}/0/value", -1),
    at(f"{NEEDS}/0/value", 1e13),
    at(f"{NEEDS}/0/value", 10**400),
    at(f"{NEEDS}/0/value", float("nan")),
    at(f"{NEEDS}/1/inputMultiplier", -0.5),
    at(f"{NEEDS}/1/inputMultiplier", None),
    at(f"{NEEDS}/1/inputmultiplier", 1),
    at(f"{NEEDS}/3/value", 1.5, says="half a gpu"),
    at(f"{NEEDS}/3", {"name": "GPUS", "value": 0.5}, pointer=f"{NEEDS}/3/value", says="half a gpu in capitals"),
    at(f"{NEEDS}/3/name", "SHAREDMEM", "NAME_COLLISION_ERROR"),
    # the interface
    at(FACE, ""),
    at(f"{FACE}/cmd", "true"),
    at(f"{FACE}/command", ["mask"]),
    at(f"{FACE}/command", "x" * 131_072),
    at(f"{FACE}/command", "a\0"),
    at(f"{IN}/text", []),
    at(f"{IN}/files", {}),
    at(f"{IN}/files/0", None),
    at(f"{IN}/files/0/name", GONE),
    at(f"{IN}/files/0/name", "1ST"),
    at(f"{IN}/files/0/name", "A.B"),
    at(f"{IN}/files/0/required", "yes"),
    at(f"{IN}/files/0/required", 1),
    at(f"{IN}/files/0/mediaTypes", "image/tiff"),
    at(f"{IN}/files/0/mediaTypes", [1], pointer=f"{IN}/files/0/mediaTypes/0"),
    at(f"{IN}/files/0/mediaType", "image/tiff"),
    at(f"{IN}/files/0/multiple", None),
    at(f"{IN}/files/0/partial", 0),
    at(f"{IN}/json/0/type", GONE),
    at(f"{IN}/json/0/type", "float"),
    at(f"{IN}/json/0/default", 3),
    at(f"{OUT}/files/0/name", GONE),
    at(f"{OUT}/files/0/name", ""),
    at(f"{OUT}/files/0/pattern", GONE),
    at(f"{OUT}/files/0/pattern", ""),
    at(f"{OUT}/files/0/mediaType", ["image/tiff"]),
    at(f"{OUT}/files/0/count", "*"),
    at(f"{OUT}/files/0/pattern", "/etc/passwd", "INVALID_OUTPUT_PATTERN"),
    at(f"{OUT}/files/0/pattern", "a/../../b", "INVALID_OUTPUT_PATTERN"),
    at(f"{OUT}/json/0/type", "text"),
    at(f"{OUT}/json/0/key", ""),
    at(f"{OUT}/json/0/pattern", "*"),
    at(f"{OUT}/files/1/name", "MASK", "DUPLICATE_OUTPUT_NAMES"),
    at(f"{OUT}/json/0/name", "MASK", "DUPLICATE_OUTPUT_NAMES"),
    at(f"{FACE}/mounts/0/name", GONE),
    at(f"{FACE}/mounts/0/name", "a b"),
    at(f"{FACE}/mounts/0/path", GONE),
    at(f"{FACE}/mounts/0/mode", "wo"),
    at(f"{FACE}/mounts/0/source", "/"),
    at(f"{FACE}/mounts/1/name", "models", "DUPLICATE_MOUNT_NAMES"),
    at(f"{FACE}/mounts/1/path", "/opt/models/", "DUPLICATE_MOUNT_PATHS"),
    at(f"{FACE}/mounts/1/path", "scratch", "INVALID_MOUNT_PATH"),
    at(f"{FACE}/mounts/1/path", "/a/../b", "INVALID_MOUNT_PATH"),
    at(f"{FACE}/mounts/1/path", "/", "INVALID_MOUNT_PATH"),
    at(f"{FACE}/settings", "x"),
    at(f"{FACE}/settings/0/name", GONE),
    at(f"{FACE}/settings/0/name", "a=b"),
    at(f"{FACE}/settings/0/secret", "true"),
    at(f"{FACE}/settings/0/isSecret", True),
    at(f"{FACE}/settings/0/name", "CATALOG_KEY", "NAME_COLLISION_ERROR", f"{FACE}/settings/1/name"),
    at(f"{FACE}/settings/0/name", "scene", "NAME_COLLISION_ERROR"),
    at(f"{FACE}/settings/0/name", "allocated-mem", "NAME_COLLISION_ERROR"),
    at(f"{FACE}/settings/0/name", "output_dir", "NAME_COLLISION_ERROR"),
    at(f"{FACE}/settings/0/name", "INPUT_METADATA", "NAME_COLLISION_ERROR"),
    at(f"{FACE}/settings/0/name", "scale-job-id", "NAME_COLLISION_ERROR"),
    at(f"{FACE}/settings/0/name", "allocated-disk", "NAME_COLLISION_ERROR"),
    at(f"{IN}/json/0/name", "cuda-visible-devices", "NAME_COLLISION_ERROR"),
    at(f"{IN}/json/0/name", "LANDMARKS", "NAME_COLLISION_ERROR"),
    at(f"{IN}/files/1/name", "ALLOCATED_SHAREDMEM", "NAME_COLLISION_ERROR"),
    # errors
    at("/job/errors", {}),
    at("/job/errors/0/code", GONE),
    at("/job/errors/0/code", "1"),
    at("/job/errors/0/code", 1.5),
    at("/job/errors/1/code", True),
    at("/job/errors/0/code", 2**31),
    at("/job/errors/0/name", GONE),
    at("/job/errors/0/name", ""),
    at("/job/errors/0/name", "x" * 51),
    at("/job/errors/0/title", "x" * 51),
    at("/job/errors/0/description", LONG),
    at("/job/errors/0/category", "system"),
    at("/job/errors/0/retry", True),
    at("/job/errors/1/name", "no-scene", "DUPLICATE_ERROR_NAMES"),
    at("/job/errors/1/code", 1, "DUPLICATE_ERROR_CODES"),
    at("/job/errors/1/code", 1.0, "DUPLICATE_ERROR_CODES"),
]  # fmt: skip

#: taken, and told of
DOUBTFUL = [
    at(f"{FACE}/command", GONE, "NO_COMMAND"),
    at(f"{FACE}/command", " \n", "NO_COMMAND"),
    at(f"{FACE}/command", "mask ${SCENES}", "UNKNOWN_VARIABLE"),
    at(f"{FACE}/command", "mask $OUTPUTDIR", "UNKNOWN_VARIABLE"),
    at(f"{JOB}/timeout", 0, "NO_TIMEOUT"),
    at(f"{FACE}/settings/0/name", "PATH", "HIDDEN_VARIABLE"),
    at(f"{IN}/json/0/name", "ld-preload", "HIDDEN_VARIABLE"),
    at(f"{NEEDS}/0/name", "cpu", "UNKNOWN_RESOURCE"),
    at(f"{NEEDS}/0/name", "licences", "UNKNOWN_RESOURCE"),
    at(f"{NEEDS}/0/value", 0.1, "LOW_RESOURCE"),
    at(f"{NEEDS}/1", {"name": "MEM", "value": 64}, "LOW_RESOURCE", f"{NEEDS}/1/value"),
    at(f"{OUT}/files/0/mediaType", "tiff", "INVALID_MEDIA_TYPE"),
    at(f"{IN}/files/0/mediaTypes", ["image/tiff", "image"], "INVALID_MEDIA_TYPE", f"{IN}/files/0/mediaTypes/1"),
    at(f"{OUT}/files/1/pattern", "tiles", "SINGLE_PATTERN"),
    at("/job/errors/0/code", 0, "UNREACHABLE_EXIT_CODE"),
    at("/job/errors/0/code", 256, "UNREACHABLE_EXIT_CODE"),
    at("/job/errors/0/code", -1, "UNREACHABLE_EXIT_CODE"),
    at(f"{JOB}/name", "CloudMask", "INVALID_IMAGE_NAME", JOB),
    at(f"{JOB}/packageVersion", "1.0.0+5", "INVALID_IMAGE_NAME", JOB),
]

#: taken, with nothing said
FINE = [
    at(f"{NEEDS}/0", {"name": "cpus", "value": 0, "inputMultiplier": 0.01}),
    at(f"{NEEDS}/0", {"name": "CPUS", "value": 0.25}),
    at(f"{OUT}/files/1/pattern", "tile?.png"),
    at(f"{OUT}/files/1/pattern", "tile[0-9].png"),
    at(f"{OUT}/files/0/pattern", "..mask"),
    at(f"{FACE}/command", "for SCENES in a b; do echo $HOME $x; done"),
    at(f"{FACE}/mounts/0/path", "/opt/..models/"),
    at("/job/errors/0/code", 255),
    at(f"{JOB}/timeout", 1),
]

CONFIGURED: dict[str, Any] = {
    "version": "7",
    "mounts": {
        "models": {"type": "host", "host_path": "/srv/models"},
        "scratch": {"type": "volume", "driver": "local", "driver_opts": {"size": "10G"}},
    },
    "output_workspaces": {"default": "products", "outputs": {"TILES": "tiles"}},
    "priority": 50,
    "settings": {"CATALOG_URL": "https://example.org", "catalog-key": "hush"},
}
WORKSPACES = {"products": True, "tiles": True, "attic": False}

SPACES = "/output_workspaces"
INVALID_CONFIGURATIONS = [
    at("", None),
    at("", []),
    at("/version", "5"),
    at("/version", 7),
    at("/more", 1),
    at("/mounts", []),
    at("/mounts/models", "/srv"),
    at("/mounts/models/type", GONE),
    at("/mounts/models/type", "nfs"),
    at("/mounts/models/host_path", 1),
    at("/mounts/models/host_path", ""),
    at("/mounts/models/hostPath", "/srv"),
    at("/mounts/models/host_path", GONE, pointer="/mounts/models"),
    at("/mounts/models/host_path", "srv", pointer="/mounts/models"),
    at("/mounts/models/driver", "local", pointer="/mounts/models"),
    at("/mounts/scratch/host_path", "/srv", pointer="/mounts/scratch"),
    at("/mounts/scratch/driver", 1),
    at("/mounts/scratch/driver_opts", "size=10G"),
    at("/mounts/scratch/driver_opts", {"size": 10}, pointer="/mounts/scratch/driver_opts/size"),
    at(SPACES, "products"),
    at(f"{SPACES}/default", ""),
    at(f"{SPACES}/default", 1),
    at(f"{SPACES}/more", "products"),
    at(f"{SPACES}/outputs", ["tiles"]),
    at(f"{SPACES}/outputs/TILES", None),
    at(f"{SPACES}/default", "nowhere", "INVALID_WORKSPACE"),
    at(f"{SPACES}/outputs/TILES", "nowhere", "INVALID_WORKSPACE"),
    at(f"{SPACES}/default", GONE, "MISSING_WORKSPACE", SPACES),
    at(f"{SPACES}/default", None, "MISSING_WORKSPACE", SPACES),
    *(at("/priority", value, "INVALID_PRIORITY") for value in (0, -1, 1.5, "1", None, True, 2**31)),
    at("/settings", []),
    at("/settings/", "no name", "INVALID_SETTING"),
    at("/settings/a\0b", "1", "INVALID_SETTING"),
    at("/mounts/a\0b", {"type": "volume"}),
    at("/mounts/scratch/driver_opts/a\0b", "1"),
    at(f"{SPACES}/outputs/a\0b", "tiles"),
    at("/settings/CATALOG_URL", 1, "INVALID_SETTING"),
    at("/settings/CATALOG_URL", None, "INVALID_SETTING"),
    at("/settings/CATALOG_URL", "a\0b", "INVALID_SETTING"),
    at("/settings/CATALOG_URL", "x" * 131_072, "INVALID_SETTING"),
    at("/settings/CATALOG_URL", "x" * 131_060, "INVALID_SETTING"),
    at("/settings/CATALOG_URL", "\ud800", "INVALID_SETTING"),
    at("/settings", {f"S{number}": "ä" * 50_000 for number in range(6)}, "INVALID_SETTING"),
    at("/settings/CATALOG_KEY", "hush", "DUPLICATE_SETTING"),
]
DOUBTFUL_CONFIGURATIONS = [
    at(f"{SPACES}/default", "attic", "DEPRECATED_WORKSPACE"),
    at(f"{SPACES}/outputs/MAP", "tiles", "UNKNOWN_OUTPUT"),
    at("/mounts/models", GONE, "MISSING_MOUNT"),
    at("/mounts/other", {"type": "volume"}, "UNKNOWN_MOUNT"),
    at("/settings/catalog-key", GONE, "MISSING_SETTING"),
    at("/settings/OTHER", "1", "UNKNOWN_SETTING"),
]


def labels(rows: list[Row]) -> list[str]:
    return [ascii(row.says)[1:-1] for row in rows]
