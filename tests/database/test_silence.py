"""What becomes of a statement that PostgreSQL needs too long for."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from psycopg2.extensions import set_wait_callback

from scale.silence import LONGEST, bear_no_silence_for_ever


@pytest.fixture
def _impatient():
    connection.close()
    bear_no_silence_for_ever(0.5)
    yield
    set_wait_callback(None)
    connection_created.disconnect(dispatch_uid=LONGEST)
    connection.close()


def ask(statement: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.on_postgresql
@pytest.mark.usefixtures("_impatient")
def test_the_server_ends_it_and_the_session_goes_on():
    session = ask("SELECT pg_backend_pid()")
    with pytest.raises(OperationalError):
        ask("SELECT pg_sleep(60)")
    assert ask("SELECT pg_backend_pid()") == session
