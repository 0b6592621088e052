"""Settings are read once; every mistake is told, and no secret with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scale.environment import Environment, InvalidEnvironment


def faults(**variables: str) -> dict[str, str]:
    with pytest.raises(InvalidEnvironment) as mistake:
        Environment.read(variables)
    return {fault.field.rstrip("."): fault.message for fault in mistake.value.faults}


def test_nothing_needs_to_be_set():
    environment = Environment.read({})
    assert str(environment.listen) == "127.0.0.1:8000"
    assert environment.engines == ("local",)
    assert environment.database["ENGINE"] == "django.db.backends.sqlite3"
    assert environment.database["NAME"] == str(environment.home / "scale.sqlite3")


def test_an_empty_variable_counts_as_unset():
    assert Environment.read({"SCALE_LISTEN": "", "SCALE_LOCAL_CPUS": ""}) == Environment.read({})


def test_variables_of_others_are_nobodys_business():
    assert Environment.read({"PATH": "/bin", "SCALE_URL": "http://x", "SCALE_TOKEN": "t"}) == Environment.read({})


def test_all_mistakes_are_told_together():
    found = faults(SCALE_LISTEN="8000", SCALE_WEB_THREADS="0", SCALE_LOG_LEVEL="LOUD", SCALE_ENGINES=",", SCALE_LOCAL_CPUS="nan")
    assert set(found) == {"SCALE_LISTEN", "SCALE_WEB_THREADS", "SCALE_LOG_LEVEL", "SCALE_ENGINES", "SCALE_LOCAL_CPUS"}


def test_a_mistake_says_what_would_be_right_and_what_was_given():
    assert faults(SCALE_LISTEN="8000")["SCALE_LISTEN"] == "'8000' is not host:port, such as 127.0.0.1:8000 (got '8000')"


def test_a_name_that_is_nearly_right_is_a_mistake():
    assert faults(SCALE_LISTN="127.0.0.1:1")["SCALE_LISTN"] == "there is no such setting; did you mean SCALE_LISTEN?"


def test_no_mistake_repeats_a_secret():
    with pytest.raises(InvalidEnvironment) as mistake:
        Environment.read({"SCALE_ADMIN_PASSWORD": "hush", "SCALE_DATABASE_URL": "mysql://me:hush@host/db"})
    assert len(mistake.value.faults) == 2
    assert "hush" not in str(mistake.value)


@pytest.mark.parametrize(
    "url", ["postgres://me:hush@host:port/db", "postgres://me:hu/sh@host:5432/db", "postgres://me:hu[sh@host/db"]
)
def test_a_database_that_is_no_url_is_a_mistake_like_any_other_and_told_without_the_password(url):
    said = faults(SCALE_DATABASE_URL=url)["SCALE_DATABASE_URL"]
    assert said.startswith("no URL; the port is a number")
    assert "hu" not in said


def test_a_value_shows_no_secret_of_its_own():
    shown = repr(Environment.read({"SCALE_ADMIN_PASSWORD": "hush-hush", "SCALE_SECRET_KEY": "hush-hush"}))
    assert "hush" not in shown


@pytest.mark.parametrize(
    ("given", "host", "port"),
    [
        ("127.0.0.1:80", "127.0.0.1", 80),
        (":8000", "0.0.0.0", 8000),
        ("[::1]:8000", "[::1]", 8000),
        ("node.example:0", "node.example", 0),
    ],
)
def test_where_to_listen(given, host, port):
    listen = Environment.read({"SCALE_LISTEN": given}).listen
    assert (listen.host, listen.port) == (host, port)


@pytest.mark.parametrize("given", ["8000", "host:", "host:http", "host:65536", "host:-1"])
def test_where_nobody_can_listen(given):
    assert any(field.startswith("SCALE_LISTEN") for field in faults(SCALE_LISTEN=given))


def test_a_list_is_separated_by_commas():
    assert Environment.read({"SCALE_ALLOWED_HOSTS": "a, b.example,"}).allowed_hosts == ("a", "b.example")
    assert "SCALE_ENGINES" in faults(SCALE_ENGINES="local,local")


def test_an_engine_that_is_not_installed_is_told_with_those_that_are():
    with pytest.raises(InvalidEnvironment, match=r"no engine 'slurm'; installed are: .*local"):
        Environment.read({"SCALE_ENGINES": "local,slurm"})


def test_a_fault_names_the_variable_and_not_a_part_of_it():
    assert set(faults(SCALE_LISTEN="127.0.0.1:99999")) == {"SCALE_LISTEN"}


def test_the_home_is_absolute_wherever_we_stand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Environment.read({"SCALE_HOME": "data"}).home == tmp_path / "data"
    assert Environment.read({"SCALE_HOME": "~/data"}).home == Path("/home/somebody/data")


def test_the_database_may_be_postgresql():
    database = Environment.read({"SCALE_DATABASE_URL": "postgres://me:pw@db:5433/scale"}).database
    assert (database["ENGINE"], database["HOST"], database["PORT"]) == ("django.db.backends.postgresql", "db", 5433)


def test_the_web_server_answers_to_loopback_its_own_name_and_what_is_added():
    hosts = Environment.read({"SCALE_LISTEN": "10.1.2.3:8000", "SCALE_ALLOWED_HOSTS": "scale.example"}).hosts
    assert {"localhost", "127.0.0.1", "[::1]", "10.1.2.3", "scale.example"} <= set(hosts)


def test_the_settings_load_with_none_of_them_set():
    bare = {name: value for name, value in os.environ.items() if not name.startswith("SCALE_")}
    loaded = subprocess.run([sys.executable, "-c", "import scale.settings"], env=bare, capture_output=True, check=False)
    assert loaded.returncode == 0, loaded.stderr.decode()
