"""Where a job may run, and where of that it had better: what it asks of nodes, as values, as JSON and as text. Pure.

A node that has not got an attribute has no value that could be equal to anything or more than it. So it is refused by
``=``, ``in``, ``exists`` and the comparisons, and accepted by ``!=`` and ``not in``. Values are the same if they are written
the same; the comparisons go by the number that a value reads as.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

from scale.kernel.attributes import HOSTNAME, MAX_NUMBER, Value, number, read_name, read_value, token
from scale.kernel.reading import shown

MAX_VALUES: Final = 100  #: of one ``in``
_KEY_BYTES = 16  # nobody makes two sets of one key


class Op(StrEnum):
    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    IN = "in"
    NOT_IN = "not in"
    EXISTS = "exists"


class Strategy(StrEnum):
    """Which of several nodes that have room: the fullest, or the one with the most free."""

    PACK = "pack"
    SPREAD = "spread"


_COMPARED: Mapping[Op, Callable[[Any, Any], bool]] = {
    Op.LESS: operator.lt,
    Op.AT_MOST: operator.le,
    Op.GREATER: operator.gt,
    Op.AT_LEAST: operator.ge,
}
_OF_MANY = (Op.IN, Op.NOT_IN)


@dataclass(frozen=True, slots=True)
class Constraint:
    """What one attribute has to be like."""

    attribute: str
    op: Op
    values: tuple[Value, ...] = ()

    def accepts(self, value: Value | None) -> bool:
        """:param value: what a node has; None if it has not got the attribute"""
        if value is None:
            return self.op in (Op.NOT_EQUAL, Op.NOT_IN)
        if self.is_comparison:
            found = number(value)
            return found is not None and _COMPARED[self.op](found, self.values[0])
        return (token(value) in map(token, self.values)) is not self.accepts_others

    @property
    def accepts_others(self) -> bool:
        """Whether it accepts values that it does not name."""
        return self.op in (Op.NOT_EQUAL, Op.NOT_IN, Op.EXISTS)

    @property
    def is_comparison(self) -> bool:
        return self.op in _COMPARED

    def __str__(self) -> str:
        """The text that `parse_constraint` reads."""
        words = ",".join(map(_word, self.values))
        return f"{self.attribute}{self.op}{words}" if self.op[0] in "=!<>" else f"{self.attribute} {self.op} {words}".rstrip()

    @property
    def document(self) -> dict[str, Any]:
        """The JSON that `read_constraint` reads."""
        named = {"attribute": self.attribute, "op": self.op.value}
        if self.op is Op.EXISTS:
            return named
        return {**named, "value": list(self.values) if self.op in _OF_MANY else self.values[0]}


@dataclass(frozen=True, slots=True)
class Constraints:
    """All that a job asks of its node, hosts to use and to avoid among it."""

    each: tuple[Constraint, ...] = ()
    strategy: Strategy | None = None  #: None: the first node that has room

    def are_met_by(self, attributes: Mapping[str, Value]) -> bool:
        return all(one.accepts(attributes.get(one.attribute)) for one in self.each)

    def __str__(self) -> str:
        return " and ".join(shown(str(one)) for one in self.each)


def read_constraint(raw: object) -> Constraint:
    """Read one from its JSON or its text.

    :raises ValueError: with what is wrong
    """
    if isinstance(raw, str):
        return parse_constraint(raw)
    if not isinstance(raw, Mapping):
        raise ValueError('expected text such as "disk=ssd", or an object with attribute, op and value')  # noqa: TRY004 a fault
    if unknown := sorted(map(str, raw.keys() - {"attribute", "op", "value"})):
        raise ValueError(f"{shown(unknown[0])} is not known; known are: attribute, op, value")
    op = _read_op(raw.get("op"))
    if op is Op.EXISTS:
        if "value" in raw:
            raise ValueError("value: exists takes none")
        return _constraint(raw.get("attribute"), op, [])
    if "value" not in raw:
        raise ValueError("value: is required")
    value = raw["value"]
    if (op in _OF_MANY) is not isinstance(value, list):
        raise ValueError(f"value: expected a list of values for {op}" if op in _OF_MANY else f"value: {op} takes one, no list")
    return _constraint(raw.get("attribute"), op, value if isinstance(value, list) else [value])


def parse_constraint(text: str) -> Constraint:
    """Read ``disk=ssd``, ``mem_gb>=64``, ``rack in a,b``, ``rack not in "a,b",c``, ``gpu exists`` and the like.

    What is written as JSON writes a number is one (1.5, but neither 1.50 nor 007), and true and false are what they say, unless
    in double quotes.

    :raises ValueError: with what is wrong
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{shown(text)!r} is no constraint; write NAME=VALUE, NAME>64, NAME in A,B or NAME exists")
    op = Op(" ".join(found["op"].split()))
    rest = found["rest"].strip()
    words = _words(rest) if rest else []
    if op is Op.EXISTS and words:
        raise ValueError("exists takes no value")
    if op is not Op.EXISTS and not words:
        raise ValueError(f"a value is missing after {op}")
    if op not in _OF_MANY and len(words) > 1:
        raise ValueError(f"{op} takes one value; for one of several write `in`, for a comma double quotes")
    return _constraint(found["name"], op, words)


def document_of(
    constraints: Iterable[Constraint] = (),
    hosts: Iterable[str] = (),
    avoid_hosts: Iterable[str] = (),
    strategy: Strategy | None = None,
) -> dict[str, Any] | None:
    """What a job keeps of it: the same for the same wishes, and None where there are none."""
    stated: dict[str, Any] = {
        "constraints": [one.document for _, one in sorted({str(one): one for one in constraints}.items())],
        "hosts": sorted(set(hosts)),
        "avoid_hosts": sorted(set(avoid_hosts)),
        "placement": strategy.value if strategy else None,
    }
    return {name: value for name, value in stated.items() if value} or None


def constraints_of(document: Mapping[str, Any]) -> Constraints:
    """What `document_of` made a document of."""
    each = [read_constraint(one) for one in document.get("constraints", ())]
    each += [Constraint(HOSTNAME, op, tuple(document[name])) for name, op in _HOSTS if name in document]
    return Constraints(tuple(each), Strategy(document["placement"]) if "placement" in document else None)


_HOSTS = (("hosts", Op.IN), ("avoid_hosts", Op.NOT_IN))


def key_of(document: Mapping[str, Any]) -> str:
    """Names a document; short, and another one for another document."""
    return blake2b(json.dumps(document, sort_keys=True).encode(), digest_size=_KEY_BYTES).hexdigest()


def _constraint(name: object, op: Op, values: Sequence[object]) -> Constraint:
    attribute = read_name(name)
    if not 0 < len(values) <= MAX_VALUES and op is not Op.EXISTS:
        raise ValueError(f"value: expected 1 to {MAX_VALUES} values, not {len(values)}")
    known = tuple(map(read_value, values))
    if op in _OF_MANY:
        known = tuple(sorted({token(value): value for value in known}.values(), key=_word))
    if op in _COMPARED:
        if (limit := number(known[0])) is None:
            raise ValueError(f"{op} compares numbers, and {shown(_word(known[0]))} is none")
        known = (read_value(limit),)
    return Constraint(attribute, op, known)


def _read_op(op: object) -> Op:
    try:
        return Op(op)  # type: ignore[arg-type]  # whatever it is
    except ValueError:
        raise ValueError(f"op: expected one of: {', '.join(Op)}") from None


_TEXT = re.compile(r"\s*(?P<name>[\w.-]+)\s*(?P<op>!=|<=|>=|[=<>]|(?<=\s)(?:not\s+in|in|exists)(?=\s|$))(?P<rest>.*)", re.DOTALL)
_WORD = re.compile(r'\s*(?P<word>"(?:[^"\\]|\\.)*"\s*|[^",]+)(?P<comma>,|$)')
_SAYS = {"true": True, "false": False}
_BARE = re.compile(r'[^",=<>!\s](?:[^",]*[^",\s])?')


def _words(text: str) -> list[Value]:
    values: list[Value] = []
    at, has_more = 0, True
    while has_more:
        found = _WORD.match(text, at)
        if found is None:
            raise ValueError(f"{shown(text[at:])!r}: expected a value, in double quotes if it holds a comma or a quote")
        values.append(_read_word(found["word"].strip()))
        at, has_more = found.end(), bool(found["comma"])
    return values


def _read_word(word: str) -> Value:
    if word.startswith('"'):
        try:
            return str(json.loads(word))
        except ValueError:
            raise ValueError(f"{shown(word)}: expected a text as JSON writes it") from None
    if not _BARE.fullmatch(word):
        raise ValueError(f"{shown(word)!r}: a value that begins with an operator is put in double quotes")
    if word in _SAYS:
        return _SAYS[word]
    found = number(word)
    return found if found is not None and abs(found) <= MAX_NUMBER and token(found) == word else word


def _word(value: Value) -> str:
    """As `_read_word` reads it."""
    if not isinstance(value, str):
        return json.dumps(value)
    return value if _BARE.fullmatch(value) else json.dumps(value, ensure_ascii=False)
