"""How jobs of a type are configured: mounts, settings, workspaces of outputs, priority; whether that fits the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from typing import Annotated, Literal

from pydantic import Field, model_validator

from scale.kernel.reading import Text, shown
from scale.seed.document import at, could_stand, members
from scale.seed.findings import Finding, Place
from scale.seed.manifest import Interface, Path
from scale.seed.names import variable
from scale.seed.parts import MAX_ARGUMENT, MAX_INT, MAX_TOGETHER, Label, Named, Part, Passable, Whole

PRIORITY = 100
HIDDEN = "*****"  #: in the place of a secret

#: workspaces by name, and whether each is active
Workspaces = Mapping[str, bool]


class Mount(Part):
    """What stands behind a mount of the manifest: a directory of the node, or a volume of the container engine."""

    type: Literal["host", "volume"] = Field(description="`host` or `volume`.")
    host_path: Path | None = Field(None, alias="host_path", description="Of `host`: an absolute path on the node.")
    driver: Label | None = Field(None, description="Of `volume`: the driver, or the container engine's own.")
    driver_opts: Named[Text] = Field({}, alias="driver_opts", description="Of `volume`: texts by name.")

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Mount:
        if self.type == "host":
            if not (self.host_path or "").startswith("/"):
                raise ValueError("of type host has no absolute `host_path`")
            if self.driver is not None or self.driver_opts:
                raise ValueError("of type host has a driver, which only volumes have")
        elif self.host_path is not None:
            raise ValueError("of type volume has a `host_path`, which only the type host has")
        return self


class OutputWorkspaces(Part):
    default: Label | None = Field(None, description="The workspace of outputs that have none of their own.")
    outputs: Named[Label] = Field({}, description="Workspaces by the name of an output of files.")

    def of(self, output: str) -> str | None:
        """Where an output goes."""
        return self.outputs.get(output, self.default)


class JobConfiguration(Part):
    """What an operator states beside the manifest."""

    version: Literal["6", "7"] = Field("7", description='"6" or "7"; both are the same here.')
    mounts: Named[Mount] = Field({}, description="An object of mounts by the manifest's names.")
    output_workspaces: OutputWorkspaces = Field(
        OutputWorkspaces(), alias="output_workspaces", description="An object of `default` and `outputs`."
    )
    priority: Annotated[Whole, Field(ge=1, le=MAX_INT)] = Field(
        PRIORITY, description=f"A whole number from 1 to {MAX_INT}; the lowest goes first."
    )
    settings: Named[Passable] = Field(
        {},
        repr=False,
        description="An object of texts by the manifest's names; each with its name of at most 131,071 bytes, together 524,288.",
    )

    def masked(self, secrets: Set[str]) -> JobConfiguration:
        """The same, with nothing to be seen of these settings."""
        return self.model_copy(update={"settings": {n: HIDDEN if n in secrets else v for n, v in self.settings.items()}})


def codes_of_places(findings: list[Finding]) -> Iterator[Finding]:
    """Faults of shape that have a code of their own."""
    for finding in findings:
        match finding.place:
            case ("priority",):
                yield finding._replace(code="INVALID_PRIORITY")
            case ("settings", _):
                yield finding._replace(code="INVALID_SETTING")
            case _:
                yield finding


def disagreements(raw: object, interface: Interface | None, workspaces: Workspaces) -> Iterator[Finding]:
    """Where a raw configuration fits neither the manifest nor the workspaces; without a manifest, as far as can be said."""
    yield from _same_variable(raw)
    yield from _too_long(raw)
    yield from _workspaces(raw, workspaces)
    if interface is not None:
        for check in _AGAINST_THE_MANIFEST:
            yield from check(raw, interface)


def _same_variable(raw: object) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for place, _ in members(raw, "settings"):
        name = str(place[-1])
        if variable(name) in seen:
            wrong = f"the settings {shown(seen[variable(name)])!r} and {shown(name)!r} are the same variable"
            yield Finding("DUPLICATE_SETTING", place, wrong, "leave one of them out")
        seen.setdefault(variable(name), name)


def _too_long(raw: object) -> Iterator[Finding]:
    """A setting reaches its program as one text, with its name, and all of them together."""
    texts = [(place, value) for place, value in members(raw, "settings") if isinstance(value, str)]
    sizes = {place: len(f"{variable(str(place[-1]))}={value}".encode(errors="replace")) for place, value in texts}
    for place, value in texts:
        if sizes[place] > MAX_ARGUMENT >= len(value.encode(errors="replace")):
            wrong = f"with its name and '=' it has {sizes[place]} bytes, and one variable has at most {MAX_ARGUMENT}"
            yield Finding("INVALID_SETTING", place, wrong, "keep it in a file, and its path in the setting")
    if sum(sizes.values()) > MAX_TOGETHER:
        wrong = f"all settings together have {sum(sizes.values())} bytes, and a program is given at most {MAX_TOGETHER}"
        yield Finding("INVALID_SETTING", ("settings",), wrong, "keep what is long in files, and their paths in settings")


def _workspaces(raw: object, workspaces: Workspaces) -> Iterator[Finding]:
    for place, name in _named_workspaces(raw):
        if name not in workspaces:
            yield Finding("INVALID_WORKSPACE", place, f"there is no workspace {shown(name)!r}", _there_are(workspaces))
        elif not workspaces[name]:
            right = "choose one that is, or make it active again"
            yield Finding("DEPRECATED_WORKSPACE", place, f"the workspace {shown(name)!r} is not active", right)


def _there_are(workspaces: Workspaces) -> str:
    active = sorted(name for name, is_active in workspaces.items() if is_active)
    return f"choose one of: {', '.join(active[:10])}" if active else "create it first"


def _named_workspaces(raw: object) -> Iterator[tuple[Place, str]]:
    where = ("output_workspaces", "default")
    found = [(where, at(raw, *where)), *members(raw, "output_workspaces", "outputs")]
    yield from ((place, name) for place, name in found if isinstance(name, str) and name)


def _without_workspace(raw: object, interface: Interface) -> Iterator[Finding]:
    where = ("output_workspaces", "outputs")
    own = at(raw, *where)
    if at(raw, "output_workspaces", "default") is not None or not could_stand(raw, *where):
        return
    for output in interface.outputs.files:
        if not isinstance(own, dict) or output.name not in own:
            wrong = f"the output {shown(output.name)!r} has no workspace"
            yield Finding("MISSING_WORKSPACE", ("output_workspaces",), wrong, "name one for it in `outputs`, or a `default`")


def _unknown(code: str, what: str, where: Place, known: Callable[[Interface], Set[str]]) -> Check:
    def check(raw: object, interface: Interface) -> Iterator[Finding]:
        names = known(interface)
        for place, _ in members(raw, *map(str, where)):
            if place[-1] not in names:
                right = f"it has: {', '.join(sorted(map(shown, names))[:10])}" if names else "it has none"
                yield Finding(code, place, f"the manifest has no {what} {shown(str(place[-1]))!r}", right)

    return check


def _missing(code: str, what: str, where: str, known: Callable[[Interface], Set[str]]) -> Check:
    def check(raw: object, interface: Interface) -> Iterator[Finding]:
        stated = {place[-1] for place, _ in members(raw, where)}
        for name in sorted(known(interface) - stated if could_stand(raw, where, "") else ()):
            yield Finding(code, (where, name), f"the {what} {shown(name)!r} is not configured", f"state it in `{where}`")

    return check


def _mounts(interface: Interface) -> Set[str]:
    return {mount.name for mount in interface.mounts}


def _settings(interface: Interface) -> Set[str]:
    return {setting.name for setting in interface.settings}


def _file_outputs(interface: Interface) -> Set[str]:
    return {output.name for output in interface.outputs.files}


Check = Callable[[object, Interface], Iterator[Finding]]
_AGAINST_THE_MANIFEST: tuple[Check, ...] = (
    _without_workspace,
    _unknown("UNKNOWN_OUTPUT", "output of files", ("output_workspaces", "outputs"), _file_outputs),
    _missing("MISSING_MOUNT", "mount", "mounts", _mounts),
    _unknown("UNKNOWN_MOUNT", "mount", ("mounts",), _mounts),
    _missing("MISSING_SETTING", "setting", "settings", _settings),
    _unknown("UNKNOWN_SETTING", "setting", ("settings",), _settings),
)
