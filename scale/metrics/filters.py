"""Which loads and which plots a caller wants to see. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from scale.kernel.reading import Text
from scale.parameters import Bounded, Id


class LoadFilter(Bounded):
    longest: ClassVar[timedelta] = timedelta(days=31)

    job_type_id: tuple[Id, ...] = ()
    job_type_name: tuple[Text, ...] = ()


class PlotFilter(Bounded):
    longest: ClassVar[timedelta] = timedelta(days=366)

    choice_id: tuple[Id, ...] = Field((), description="One line each; without any, one of all together.")
    column: tuple[Text, ...] = Field((), description="Without a column or a group: all.")
    group: tuple[Text, ...] = ()
