"""Options that several commands share: a class names them once, and a command takes the whole class as one value."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from typing import Any, get_type_hints

Command = Callable[..., None]


def taking(**groups: type) -> Callable[[Command], Command]:
    """Let a command take, in the place of each parameter named here, the options that are the fields of a dataclass."""

    def decorate(command: Command) -> Command:
        shown = [option for parameter in _parameters(command) for option in _spread(parameter, groups)]

        @functools.wraps(command)
        def run(**given: Any) -> None:
            made = {
                name: group(**{field.name: given.pop(field.name) for field in fields(group)}) for name, group in groups.items()
            }
            command(**given, **made)

        run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]  # inspect looks there first
        run.__annotations__ = {option.name: option.annotation for option in shown}
        return run

    return decorate


def _parameters(command: Command) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in inspect.signature(command).parameters.items():
        yield parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)


def _spread(parameter: inspect.Parameter, groups: dict[str, type]) -> Iterator[inspect.Parameter]:
    if parameter.name not in groups:
        yield parameter
        return
    group = groups[parameter.name]
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        yield inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hints[field.name])
