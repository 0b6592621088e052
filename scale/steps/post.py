"""The task after the job's program: finds its output, puts the files into their workspaces, and tells what there is on stdout.

The files of an execution appear in a workspace all at once, by one rename, in a directory that no other execution has; a post
that is run again, because nobody knows of the first one, gives the same.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import signal
import sys

from scale.steps.capture import Found, files_of, values_of
from scale.steps.common import FILESYSTEM, INVALID_RESULTS, MISSING_OUTPUT, Failed, copy, run, within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

VERSION = "1.0"
MOST = 8 << 20  #: bytes of what is told; the scheduler reads no more
_LONGEST_PATH, _LONGEST_NAME = 1000, 250  #: characters, of the columns of a file
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def collect(step: Mapping[str, Any]) -> None:
    """
    :raises Failed: with what is missing or wrong
    """
    directory = f"{step['directory']}/output"
    if os.path.realpath(directory) != os.path.join(os.path.realpath(step["directory"]), "output"):
        raise Failed(MISSING_OUTPUT, "the output directory has been replaced by a link")
    found = files_of(directory, step["outputs"])
    values = values_of(directory, step["json"])
    of_output = {output["name"]: output for output in step["outputs"]}
    files = [_told(step, of_output[one.output], one) for one in found]
    document = json.dumps({"version": VERSION, "files": files, "json": values})
    if len(document) > MOST:
        raise Failed(INVALID_RESULTS, f"what is to be said of the output has {len(document)} bytes, which is more than {MOST}")
    _put(step, list(zip(found, files, strict=True)))
    sys.stdout.write(document)
    sys.stdout.flush()


def _told(step: Mapping[str, Any], output: Mapping[str, Any], one: Found) -> dict[str, Any]:
    workspace = step["workspaces"].get(output["workspace"])
    if workspace is None:
        raise Failed(FILESYSTEM, f"there is no workspace for the output {one.output}")
    number = [other["name"] for other in step["outputs"]].index(one.output)
    path = f"{step['place']}/{_folder(step, number)}/{one.path}"
    if len(path) > _LONGEST_PATH or len(os.path.basename(path)) > _LONGEST_NAME or not path.isprintable():
        raise Failed(INVALID_RESULTS, f"the name of the output file {one.path!r} is too long, or not printable")
    return {
        "output": one.output,
        "workspace": output["workspace"],
        "workspace_id": workspace["id"],
        "path": path,
        "size": os.path.getsize(one.location),
        "media_type": output["media_type"],
        "meta_data": one.meta_data,
    }


def _folder(step: Mapping[str, Any], number: int) -> str:
    """The directory of an output: its name, if that is harmless and nobody else's."""
    names = ["".join(c if c in _SAFE else "_" for c in output["name"]).lstrip(".") for output in step["outputs"]]
    return names[number] if names[number] and names.count(names[number]) == 1 else f"{number}_{names[number]}"


def _put(step: Mapping[str, Any], files: Sequence[tuple[Found, Mapping[str, Any]]]) -> None:
    """All, or if something is in the way or somebody ends us, nothing."""
    made: dict[str, str] = {}
    try:
        for name, workspace in step["workspaces"].items():
            if some := [(one, told) for one, told in files if told["workspace"] == name]:
                final = _final(workspace["root"], step["place"])
                made[final] = _draft_of(final)
                _fill(made[final], step["place"], some)
        for final, draft in made.items():
            shutil.rmtree(final, ignore_errors=True)  # of a post before, whose end nobody has heard
            os.rename(draft, final)
            made[final] = final
            _sync(os.path.dirname(final))
    except BaseException:
        for left in made.values():
            shutil.rmtree(left, ignore_errors=True)
        raise


def _final(root: str, place: str) -> str:
    if not os.path.isdir(root):
        raise Failed(FILESYSTEM, f"the directory of the workspace, {root}, is not there")
    if within(root, place) is None:
        raise Failed(FILESYSTEM, f"{place} leads out of the workspace {root}")
    return os.path.join(root, place)


def _draft_of(final: str) -> str:
    return f"{os.path.dirname(final)}/.{os.path.basename(final)}.part"


def _fill(draft: str, place: str, files: Sequence[tuple[Found, Mapping[str, Any]]]) -> None:
    for killed in glob.glob(
        f"{glob.escape(os.path.dirname(draft))}/.exe_*.part"
    ):  # of this job, by a post that could not tidy up
        shutil.rmtree(killed, ignore_errors=True)
    os.makedirs(draft)
    for one, told in files:
        target = draft + told["path"].removeprefix(place)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _bring(one.location, target)
        _sync(target)


def _bring(source: str, target: str) -> None:
    """The file itself, where it has no other name; nobody writes to it any more, and its first name soon goes."""
    status = os.stat(source)
    if status.st_nlink == 1:
        try:
            os.chmod(source, status.st_mode | 0o400)  # the program may have closed it to itself
            os.link(source, target)
        except OSError:  # another file system, or one that has no hard links
            pass
        else:
            return
    copy(source, target, status.st_mode & 0o777 | 0o400)


def _sync(path: str) -> None:
    """Have the disk know it, before the database does."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _ended(*_: object) -> None:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _ended)
    sys.exit(run(collect))
