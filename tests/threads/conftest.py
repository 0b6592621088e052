"""Threads take turns a thousand times as often as they would, so that a race has its chance."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True)
def _threads_take_turns_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 1000)
    yield
    sys.setswitchinterval(before)
