"""Lets a scheduler write for as long as its term is the newest: every transaction of it begins with that question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from scale.database import recurring
from scale.engines.protocol import Term
from scale.kernel.errors import ScaleError
from scale.scheduler.models import Leader


class Deposed(ScaleError):
    """Another scheduler leads now."""


class Fence:
    """What a scheduler writes through, from the beginning of its term to the next one's.

    The question takes a share of the leader's row until the commit. Whoever takes over writes that row, and so waits
    for what was asked before; what is asked after that hears of the new term.
    """

    def __init__(self, term: Term) -> None:
        self.term = term
        share = " FOR SHARE" if connection.features.has_select_for_update else ""
        self._question = f"SELECT term FROM {Leader._meta.db_table} WHERE id = 1{share}"  # noqa: S608 no value stands in it

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction.

        :raises Deposed: there is a newer term; nothing is written
        """
        with transaction.atomic():
            with recurring() as cursor:
                cursor.execute(self._question)
                row = cursor.fetchone()
            if row is None or row[0] != self.term.number:
                raise Deposed(f"term {self.term.number} is over: term {row[0] if row else 'none'} has begun")
            yield
