"""`scale up` says what is in its way, before it starts anything."""

from __future__ import annotations

import socket

import pytest

from scale.cli.up import url_of
from scale.environment import Listen


def test_all_mistakes_in_the_settings_are_told_together(scale, monkeypatch):
    monkeypatch.setenv("SCALE_LISTEN", "8000")
    monkeypatch.setenv("SCALE_WEB_THREADS", "none")
    told = scale("up")
    assert told.exit_code == 2
    assert "SCALE_LISTEN" in told.stderr
    assert "SCALE_WEB_THREADS" in told.stderr


def test_a_port_that_is_taken_is_told_with_the_setting_to_change(scale, monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("SCALE_LISTEN", f"127.0.0.1:{other.getsockname()[1]}")
        told = scale("up")
    assert told.exit_code == 1
    assert "is taken by another program; set SCALE_LISTEN" in told.stderr
    assert not (tmp_path / "token").exists()


def test_an_address_of_another_machine_is_told_as_such(scale, monkeypatch):
    monkeypatch.setenv("SCALE_LISTEN", "192.0.2.1:8000")
    told = scale("up")
    assert told.exit_code == 1
    assert "cannot listen on 192.0.2.1:8000" in told.stderr


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("[::]", "http://[::1]:80"),
        ("[::1]", "http://[::1]:80"),
        ("node.example", "http://node.example:80"),
    ],
)
def test_the_address_to_use_is_one_that_can_be_reached_from_here(host, url):
    assert url_of(Listen(host=host, port=0), 80) == url
