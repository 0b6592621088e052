"""What every host of a batch system has to do: here, as another user, and by a real ssh."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scale.batch import RemoteConfig, RemoteHost
from scale.batch.errors import CommandFailedError
from scale.batch.hosts import HostTrouble, InvalidHostError, LocalHost, SSHHost
from scale.batch.remote import options_of
from tests.clusters.packages import Missing
from tests.clusters.sshd import Sshd

#: whatever a shell would do something with
NASTY = [
    "a b",
    "$(id)",
    "`id`",
    "'",
    '"',
    "\\",
    "a\nb",
    "*",
    "~",
    "!",
    "-rf",
    ";",
    "|",
    "&&",
    "#",
    "",
    "é",
    "${HOME}",
    "\t",
    "\x01",
]


class HostContract:
    def test_a_command_tells_what_it_said_and_how_it_ended(self, host):
        assert host.execute(["sh", "-c", "echo out; echo err >&2; exit 3"]) == ("out\n", "err\n", 3)

    def test_it_runs_in_the_directory_that_was_asked_for(self, host, tmp_path):
        place = tmp_path / "a 'quoted' $place"
        assert host.mkdir(place)
        assert host.execute(["pwd"], workdir=place).stdout == f"{place}\n"

    def test_an_argument_arrives_as_it_was_given(self, host):
        said = host.execute(["printf", "<%s>", *NASTY]).stdout
        assert said == "".join(f"<{word}>" for word in NASTY)

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(words=st.lists(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])), max_size=5))
    def test_whatever_is_in_an_argument(self, host, words):
        assert host.execute(["printf", "<%s>", "", *words]).stdout == "".join(f"<{word}>" for word in ["", *words])

    def test_a_file_is_read_as_it_was_written(self, host, tmp_path):
        place, text = tmp_path / "it's a $script", "#!/bin/bash\necho '$HOME' \\\n\n"
        host.write_text_file(place, text)
        assert host.read_text_file(place) == text
        host.write_text_file(place, "short")
        assert host.read_text_file(place) == "short"

    def test_what_cannot_be_written_or_read_says_why(self, host, tmp_path):
        with pytest.raises(CommandFailedError, match="No such file"):
            host.write_text_file(tmp_path / "nowhere" / "file", "")
        with pytest.raises(CommandFailedError, match="No such file"):
            host.read_text_file(tmp_path / "nothing")

    def test_directories_are_made_with_those_above_them(self, host, tmp_path):
        assert host.mkdir(tmp_path / "a" / "b")
        assert host.mkdir(tmp_path / "a" / "b")
        assert not host.mkdir(tmp_path / "a" / "b", exist_ok=False)
        assert host.mkdir(tmp_path / "c" / "d", exist_ok=False)
        assert not host.mkdir(tmp_path / "e" / "f", recursive=False)
        assert host.mkdir(tmp_path / "a", recursive=False)
        (tmp_path / "file").touch()
        assert not host.mkdir(tmp_path / "file")
        assert not host.mkdir(tmp_path / "file" / "b", exist_ok=False)

    def test_a_command_that_does_not_end_is_given_up(self, impatient):
        with pytest.raises(HostTrouble, match=r"^sleep (by ssh to 127\.0\.0\.1 )?did not end within 0\.5 seconds"):
            impatient.execute(["sleep", "20"])

    def test_what_it_is_to_know_is_in_the_environment(self, host):
        assert host.execute(["printenv", "SLURM_CONF"]).stdout == "/a place/it's\n"


KNOWN = {"SLURM_CONF": "/a place/it's"}


class TestLocalHost(HostContract):
    @pytest.fixture
    def host(self):
        return LocalHost(environment=KNOWN)

    @pytest.fixture
    def impatient(self):
        return LocalHost(timeout=0.5)

    def test_a_program_that_is_not_there_is_trouble(self, host):
        with pytest.raises(HostTrouble, match="no-such-program cannot be run"):
            host.execute(["no-such-program"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
class TestAsAnotherUser(HostContract):
    @pytest.fixture
    def host(self, tmp_path):
        for folder in (tmp_path, *tmp_path.parents[:3]):
            folder.chmod(0o777)
        return LocalHost(user="nobody", environment=KNOWN)

    @pytest.fixture
    def impatient(self):
        return LocalHost(user="nobody", timeout=0.5)

    def test_nothing_of_ours_goes_along(self, host, monkeypatch):
        monkeypatch.setenv("SCALE_SECRET", "of ours")
        said = host.execute(["sh", "-c", "id -un; echo $HOME; echo $SCALE_SECRET; id -G"]).stdout
        assert said.splitlines()[:3] == ["nobody", "/nonexistent", ""]
        assert "0" not in said.splitlines()[3].split()

    def test_a_place_that_user_may_not_enter_is_not_entered(self, host, tmp_path):
        (tmp_path / "ours").mkdir(mode=0o700)
        assert host.execute(["pwd"], workdir=tmp_path / "ours").exit_code != 0

    def test_somebody_whom_nobody_knows_is_refused(self):
        with pytest.raises(InvalidHostError, match="knows no user 'no such user'"):
            LocalHost(user="no such user")

    def test_a_place_that_is_not_that_users_cannot_be_written(self, host, tmp_path):
        (tmp_path / "ours").write_text("safe")
        (tmp_path / "ours").chmod(0o600)
        with pytest.raises(CommandFailedError, match="Permission denied"):
            host.write_text_file(tmp_path / "ours", "taken")


@pytest.fixture(scope="module")
def sshd():
    try:
        with Sshd() as server:
            yield server
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def beside(sshd):
    host = SSHHost("127.0.0.1", sshd.root, port=sshd.port, options=sshd.options, environment=KNOWN)
    yield host
    host.close()


@pytest.mark.slow
class TestSSHHost(HostContract):
    @pytest.fixture
    def host(self, beside):
        return beside

    @pytest.fixture
    def impatient(self, sshd):
        return SSHHost("127.0.0.1", sshd.root, port=sshd.port, options=sshd.options, timeout=0.5)

    def test_all_commands_go_through_one_connection(self, host):
        connections = {host.execute(["sh", "-c", "echo $SSH_CONNECTION"]).stdout for _ in range(5)}
        assert len(connections) == 1

    def test_a_directory_that_is_not_there_fails_as_a_command_does(self, host, tmp_path):
        assert host.execute(["touch", "here"], workdir=tmp_path / "nowhere").exit_code != 0

    @pytest.mark.parametrize("name", ["", "-oProxyCommand=touch /tmp/x", "a b", "a\nb"])
    def test_a_name_that_is_no_hosts_is_refused(self, name, tmp_path):
        with pytest.raises(InvalidHostError, match="names no host"):
            SSHHost(name, tmp_path)

    def test_a_host_that_does_not_answer_is_trouble_and_comes_back(self, sshd, tmp_path):
        with Sshd() as other:
            host = SSHHost("127.0.0.1", other.root, port=other.port, options=other.options)
            assert host.execute(["true"]).exit_code == 0
            host.close()
            other.stop()
            with pytest.raises(HostTrouble, match="Connection refused"):
                host.execute(["true"])

    def test_a_host_that_shows_another_key_is_not_spoken_to(self, sshd, tmp_path):
        (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {(sshd.root / 'user.pub').read_text()}")
        options = {**sshd.options, "UserKnownHostsFile": str(tmp_path / "known_hosts")}
        with pytest.raises(HostTrouble, match=r"(?s)^true by ssh to 127\.0\.0\.1 failed: .* IDENTIFICATION HAS CHANGED"):
            SSHHost("127.0.0.1", sshd.root / "other", port=sshd.port, options=options).execute(["true"])

    def test_a_command_that_ends_as_ssh_does_is_trouble(self, host):
        with pytest.raises(HostTrouble, match=r"sh by ssh to .* failed: odd"):
            host.execute(["sh", "-c", "echo odd >&2; exit 255"])

    def test_a_strange_key_is_not_let_in(self, sshd, tmp_path):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
        host = SSHHost("127.0.0.1", tmp_path, port=sshd.port, options={**sshd.options, "IdentityFile": str(tmp_path / "key")})
        with pytest.raises(HostTrouble, match="Permission denied"):
            host.execute(["true"])


@pytest.mark.slow
def test_a_host_by_the_names_of_qtoolkit(sshd, tmp_path):
    """Bash as at a login is between, and takes nothing away from an argument."""
    asked = {**sshd.options, "key_filename": sshd.options["IdentityFile"], "timeout": 20, "compress": False}
    del asked["IdentityFile"]
    host = RemoteHost(RemoteConfig(host="127.0.0.1", port=sshd.port, forward_agent=False, connect_kwargs=asked))
    assert host.execute(["printf", "<%s>", *NASTY], tmp_path).stdout == "".join(f"<{word}>" for word in NASTY)
    assert host.mkdir(tmp_path / "a b")
    host.write_text_file(tmp_path / "a b" / "file", "text\n")
    assert host.read_text_file(tmp_path / "a b" / "file") == "text\n"
    host.close()


@pytest.mark.parametrize(("options", "seconds"), [({}, "15"), ({"ServerAliveInterval": "60"}, "60")])
def test_a_host_that_goes_away_without_a_word_is_missed(tmp_path, monkeypatch, options, seconds):
    (tmp_path / "ssh").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    said = SSHHost("login", tmp_path, options=options).execute(["true"]).stdout.splitlines()
    assert [word for word in said if word.startswith("ServerAlive")] == [f"ServerAliveInterval={seconds}"]
    assert said[-3:] == ["--", "login", "exec true"]


def test_what_ssh_has_not_is_refused_by_its_name():
    with pytest.raises(
        InvalidHostError, match=r"connect_kwargs: ssh has no passphrase, password; there are key_filename, timeout"
    ):
        RemoteHost(RemoteConfig(host="login", connect_kwargs={"password": "x", "passphrase": "y", "timeout": 3}))


def test_a_remote_host_is_told_to_ssh_in_its_words():
    asked = RemoteConfig(host="login", user="alice", port=2222, gateway="gate", connect_timeout=5, forward_agent=True)
    assert options_of(asked) == {"ProxyJump": "gate", "ConnectTimeout": "5", "ForwardAgent": "yes"}
    assert RemoteHost(asked).config is asked
