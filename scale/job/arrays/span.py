"""How many jobs a submission asks for, and what their indices are. Pure."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from scale.kernel.reading import Body

MAX_MEMBERS = 10_000
MAX_INDEX = 2**31 - 1
_INDEX = "SCALE_ARRAY_INDEX"


class Indices(Body):
    """The indices of an array: so many, one after the other."""

    count: int = Field(ge=1, le=MAX_MEMBERS)
    first: int = Field(0, ge=0, le=MAX_INDEX)

    @model_validator(mode="after")
    def _last_one_fits(self) -> Self:
        if self.first + self.count - 1 > MAX_INDEX:
            raise ValueError(f"the last index would be larger than {MAX_INDEX}")
        return self


class Arrayed(Body):
    """What may be asked for once or as an array."""

    count: int | None = Field(
        None, ge=1, le=MAX_MEMBERS, description=f"So many jobs, as an array; each finds its index, from 0 on, in `{_INDEX}`."
    )
    array: Indices | None = Field(None, description="The same, with the first index.")

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        if self.count is not None and self.array is not None:
            raise ValueError("state count or array, not both")
        return self

    @property
    def indices(self) -> range | None:
        """Of the members; None if it is no array."""
        asked = self.array or (None if self.count is None else Indices(count=self.count))
        return None if asked is None else range(asked.first, asked.first + asked.count)

    @property
    def jobs(self) -> int:
        """How many it asks for."""
        return 1 if self.indices is None else len(self.indices)


def array_variables(array_id: int, index: int, size: int) -> dict[str, str]:
    """What a member finds in its environment."""
    return {"SCALE_ARRAY_ID": str(array_id), _INDEX: str(index), "SCALE_ARRAY_SIZE": str(size)}
