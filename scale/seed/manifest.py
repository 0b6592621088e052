"""A Seed 1.0.0 manifest as a value: what a job type is, what its program takes, gives and needs, and what its exit codes mean."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from scale.error.catalog import BY_NAME, BuiltinError, Category
from scale.kernel.reading import Text
from scale.kernel.resources import Resources
from scale.seed.names import SeedImage, variable
from scale.seed.parts import MAX_AMOUNT, MAX_INT, Amount, Label, Many, Part, Passable, Whole
from scale.seed.versions import SemVer

#: what every job gets at least; MiB but for cpus
LEAST = {"cpus": 0.25, "mem": 128.0, "disk": 0.0}
SHARED_MEM = "sharedmem"
UNKNOWN_MEDIA_TYPE = "application/octet-stream"

Name = Annotated[str, Field(pattern="^[a-zA-Z0-9-]+$", max_length=250)]
VariableName = Annotated[str, Field(pattern="^[a-zA-Z_][a-zA-Z0-9_-]*$", max_length=250)]
VolumeName = Annotated[str, Field(pattern="^[a-zA-Z0-9][a-zA-Z0-9_.-]*$", max_length=250)]
JsonType = Literal["array", "boolean", "integer", "number", "object", "string"]
Path = Annotated[Text, Field(min_length=1, max_length=4096)]

_VARIABLE = "Becomes a variable: letters, digits, `-` and `_`, not a digit first, at most 250 characters."
_TYPE = "One of array, boolean, integer, number, object, string."


class Maintainer(Part):
    name: Label = Field(description="A person or a group, not empty, at most 250 characters.")
    email: Label = Field(description="Where they are reached, not empty, at most 250 characters.")
    organization: Text | None = Field(None, description="Text.")
    url: Text | None = Field(None, description="Text.")
    phone: Text | None = Field(None, description="Text.")


class FileInput(Part):
    name: VariableName = Field(description=_VARIABLE)
    required: bool = Field(True, description="Whether a job must have it: true or false.")
    media_types: Many[Text] = Field((), description="A list of the media types that are taken; an empty one takes all.")
    multiple: bool = Field(False, description="Whether it may be several files: true or false. The variable is then a directory.")
    partial: bool = Field(
        False, description="Whether only parts of it are read, so that it is linked to, not copied: true or false."
    )


class JsonInput(Part):
    name: VariableName = Field(description=_VARIABLE)
    type: JsonType = Field(description=_TYPE)
    required: bool = Field(True, description="Whether a job must have it: true or false.")


class FileOutput(Part):
    name: Label = Field(description="Text, not empty, at most 250 characters.")
    pattern: Path = Field(description="Which files it is: a glob pattern below OUTPUT_DIR.")
    media_type: Text = Field(UNKNOWN_MEDIA_TYPE, description="A media type, such as `image/tiff`.")
    multiple: bool = Field(False, description="Whether it may be several files: true or false.")
    required: bool = Field(True, description="Whether the job fails without it: true or false.")


class JsonOutput(Part):
    name: Label = Field(description="Text, not empty, at most 250 characters.")
    type: JsonType = Field(description=_TYPE)
    key: Label | None = Field(None, description="The member of `seed.outputs.json`, if it is not `name`: text, not empty.")
    required: bool = Field(True, description="Whether the job fails without it: true or false.")

    @property
    def member(self) -> str:
        """Where it stands in `seed.outputs.json`."""
        return self.key or self.name


class Inputs(Part):
    files: Many[FileInput] = Field((), description="A list of objects.")
    json_: Many[JsonInput] = Field((), alias="json", description="A list of objects.")


class Outputs(Part):
    files: Many[FileOutput] = Field((), description="A list of objects.")
    json_: Many[JsonOutput] = Field((), alias="json", description="A list of objects.")


class MountPoint(Part):
    name: VolumeName = Field(description="Letters, digits, `_`, `.` and `-`, a letter or digit first, at most 250 characters.")
    path: Path = Field(description="Where the program finds it: an absolute path.")
    mode: Literal["ro", "rw"] = Field("ro", description="`ro` or `rw`.")


class Setting(Part):
    name: VariableName = Field(description=_VARIABLE)
    secret: bool = Field(False, description="Whether its value may never be shown: true or false.")


class Interface(Part):
    """What goes into the program, and what comes out."""

    command: Passable = Field("", description="Text of at most 131,071 bytes; `${INPUT}` in it is a variable of the program.")
    inputs: Inputs = Field(Inputs(), description="An object of `files` and `json`.")
    outputs: Outputs = Field(Outputs(), description="An object of `files` and `json`.")
    mounts: Many[MountPoint] = Field((), description="A list of objects.")
    settings: Many[Setting] = Field((), description="A list of objects.")

    @property
    def secrets(self) -> frozenset[str]:
        """The names of settings whose values may never be shown."""
        return frozenset(setting.name for setting in self.settings if setting.secret)

    @property
    def variables(self) -> dict[str, str]:
        """What the program finds in its environment for which input or setting: variable to name."""
        named: tuple[FileInput | JsonInput | Setting, ...] = (*self.inputs.files, *self.inputs.json_, *self.settings)
        return {variable(part.name): part.name for part in named}


class Scalar(Part):
    name: VariableName = Field(description="A name such as cpus, mem or gpus; capitals do not count.")
    value: Amount = Field(description=f"A number from 0 to {MAX_AMOUNT:g}; MiB for mem, disk and sharedMem; whole for gpus.")
    input_multiplier: Amount = Field(0, description=f"How much more for each MiB of input: a number from 0 to {MAX_AMOUNT:g}.")

    @property
    def resource(self) -> str:
        return self.name.lower()

    def amount(self, input_mib: float) -> float:
        """For input of this size; a whole number where the size counts. Exact, so that 0.1 of 30 MiB are 3, not 4."""
        if not self.input_multiplier:
            return float(self.value)
        return float(ceil(_exact(self.input_multiplier) * _exact(input_mib) + _exact(self.value)))


def _exact(number: float) -> Fraction:
    return Fraction(repr(number))


class ResourceNeeds(Part):
    scalar: Many[Scalar] = Field((), description="A list of objects.")


class JobError(NamedTuple):
    """Why a job of this type failed, as its own program says."""

    name: str
    title: str
    description: str
    category: Category


class ExitCode(Part):
    """What an exit code means."""

    code: Whole = Field(
        ge=-MAX_INT, le=MAX_INT, description="The exit code: a whole number; those of failed programs are 1 to 255."
    )
    name: Annotated[Text, Field(min_length=1, max_length=50)] = Field(description="Text, not empty, at most 50 characters.")
    title: Annotated[Text, Field(max_length=50)] = Field("", description="At most 50 characters; else it is the name.")
    description: Annotated[Text, Field(max_length=250)] = Field("", description="At most 250 characters.")
    category: Literal["job", "data"] = Field("job", description="Whose fault it is: `job` or `data`.")

    @property
    def error(self) -> JobError:
        category = Category.DATA if self.category == "data" else Category.ALGORITHM
        return JobError(self.name, self.title or self.name, self.description, category)


class Job(Part):
    name: Name = Field(description="Letters, digits and dashes, at most 250 characters.")
    job_version: SemVer = Field(description="A semantic version, such as 1.0.0 or 2.1.0-rc1, at most 50 characters.")
    package_version: SemVer = Field(description="A semantic version, such as 1.0.0 or 2.1.0-rc1, at most 50 characters.")
    title: Label = Field(description="Text, not empty, at most 250 characters.")
    description: Text = Field(description="Text.")
    maintainer: Maintainer = Field(description="An object with `name` and `email`.")
    timeout: Whole = Field(ge=0, le=MAX_INT, description=f"Seconds that the program may run: a whole number from 0 to {MAX_INT}.")
    tags: Many[Text] = Field((), description="A list of texts.")
    resources: ResourceNeeds = Field(ResourceNeeds(), description="An object of `scalar`.")
    interface: Interface = Field(Interface(), description="An object.")
    errors: Many[ExitCode] = Field((), description="A list of objects.")


class Manifest(Part):
    """A job type, as its author describes it."""

    seed_version: Literal["1.0.0"] = Field(description='"1.0.0".')
    job: Job = Field(description="An object.")

    @property
    def image(self) -> SeedImage:
        """How its image would be named by the standard."""
        return SeedImage(self.job.name, self.job.job_version, self.job.package_version)

    @property
    def interface(self) -> Interface:
        return self.job.interface

    def resources(self, input_mib: float = 0) -> Resources:
        """What an execution needs of a node for input of this size, shared memory aside; at least room for the input."""
        needs = self._amounts(input_mib)
        needs.pop(SHARED_MEM, None)
        needs["disk"] = max(needs["disk"], float(input_mib))
        return Resources(needs)

    def shared_mem(self, input_mib: float = 0) -> float:
        """MiB of shared memory; no node is asked for it."""
        return self._amounts(input_mib).get(SHARED_MEM, 0.0)

    def _amounts(self, input_mib: float) -> dict[str, float]:
        stated = {scalar.resource: scalar.amount(input_mib) for scalar in self.job.resources.scalar}
        return {name: max(amount, LEAST.get(name, 0.0)) for name, amount in (LEAST | stated).items()}

    @cached_property
    def _errors(self) -> Mapping[int, JobError]:
        return {entry.code: entry.error for entry in self.job.errors}

    @property
    def errors(self) -> tuple[JobError, ...]:
        """The errors that this job type owns."""
        return tuple(self._errors.values())

    def error_of(self, exit_code: int | None) -> JobError | BuiltinError | None:
        """Why a program that ended so failed: its own error or `algorithm-unknown`; None if it did not, or nothing is known."""
        if not exit_code:
            return None
        return self._errors.get(exit_code, BY_NAME["algorithm-unknown"])


def schema() -> dict[str, Any]:
    """The JSON schema of a manifest, for editors and for programs that make some."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Manifest.model_json_schema(by_alias=True)}
