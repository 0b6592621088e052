"""The data directory belongs to one `scale up` at a time, and its secrets to its owner alone."""

from __future__ import annotations

import pytest

from scale.cli.home import CannotStart, ensure_key, make_home, sole_use, write_private


def test_a_home_that_we_make_is_for_its_owner_only(tmp_path):
    make_home(tmp_path / "a" / "home")
    assert (tmp_path / "a" / "home").stat().st_mode & 0o777 == 0o700


def test_a_home_that_is_there_stays_as_it_is(tmp_path):
    tmp_path.chmod(0o755)
    make_home(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_home_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match=r"SCALE_HOME .*/file/home cannot be used: Not a directory"):
        make_home(tmp_path / "file" / "home")


def test_a_second_user_is_turned_away_until_the_first_has_left(tmp_path):
    with sole_use(tmp_path), pytest.raises(CannotStart, match=r"already runs in .*, as process \d+"), sole_use(tmp_path):
        pass
    with sole_use(tmp_path):
        pass


def test_a_secret_is_private_even_where_an_open_file_was(tmp_path):
    (tmp_path / "token").write_text("old")
    (tmp_path / "token").chmod(0o644)
    write_private(tmp_path / "token", "new")
    assert (tmp_path / "token").read_text() == "new"
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


def test_the_key_stays_the_same_from_start_to_start(tmp_path):
    ensure_key(tmp_path / "secret-key")
    key = (tmp_path / "secret-key").read_text()
    ensure_key(tmp_path / "secret-key")
    assert (tmp_path / "secret-key").read_text() == key
    assert len(key) >= 50
