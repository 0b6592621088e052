"""What holds for Grid Engine, PBS and the bare shell: nothing of a job gets out of its word, nothing garbled fails a poll."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.batch import (
    PBSIO,
    SGEIO,
    CancelStatus,
    CommandFailedError,
    OutputParsingError,
    QJob,
    QResources,
    QState,
    QueueManager,
    ShellIO,
    SlurmIO,
    SubmissionStatus,
    scheduler_mapping,
)
from scale.kernel.errors import BadRequest

OUTPUTS = Path(__file__).with_name("outputs")
DIALECTS = [SGEIO(across_nodes="mpi-{}"), PBSIO(), ShellIO()]
TEXTS = ["queue_name", "job_name", "account", "priority", "output_filepath", "error_filepath", "email_address", "project"]
NASTY = st.text(st.sampled_from(list("ab1 \t\n\r\0\x85\u2028'\"\\#;&|<>()$`*?!~{}[],:=%@^/-")), min_size=1, max_size=12)
#: pieces that mean something to somebody
PIECES = [
    *(
        "\n",
        "\r",
        "\r\n",
        "\v",
        "\f",
        "\0",
        "\x1c",
        "\x1e",
        "\x85",
        "\u2028",
        "\u2029",
        "\udcff",
        "\ufeff",
        "\u202e",
        "\\",
        "'",
        '"',
        " ",
    ),
    *(
        "#SBATCH --hold",
        "#PBS -h",
        "#$ -h",
        "#SCALE name x",
        "EOF",
        "$(id)",
        "`id`",
        "${HOME}",
        "%j",
        "%A_%a",
        "%s",
        "$$",
        "{}",
        "{0}",
    ),
    *(
        "--wrap=x",
        "-",
        "--",
        "!",
        "é",
        "日本",
        "=",
        ",",
        ":",
        "[1-3]",
        "^array_index^",
        "$JOB_ID",
        "12.x",
        "Job Id: ",
        "<",
        "]]>",
        "z",
    ),
    *(
        '{"Jobs": {"1.x": ',
        "1",
        "}",
        "Submitted batch job ",
        "<job_info>",
        "jobnumber ",
        "=====\n",
        "end 1.2 0 1",
        "9" * 20,
        "\t",
    ),
]
FOUL = st.lists(st.sampled_from(PIECES) | st.characters(), min_size=1, max_size=6).map("".join)
EVERY = [*DIALECTS, SlurmIO(mark="<mark>")]
SAID = {
    "qstat -xml": (SGEIO().parse_jobs_list_output, "sge_8.1.9_qstat.xml"),
    "qacct": (SGEIO().parse_history_output, "sge_8.1.9_qacct.txt"),
    "qstat json": (PBSIO().parse_jobs_list_output, "pbs_22.05_qstat.json"),
    "qstat text": (PBSIO().parse_jobs_list_output, "pbs_13_qstat.txt"),
    "shell": (ShellIO().parse_jobs_list_output, "shell.txt"),
}


@pytest.mark.parametrize("io", DIALECTS, ids=lambda io: io.name)
@given(field=st.sampled_from(TEXTS), text=NASTY)
def test_no_text_gets_out_of_its_word(io, field, text):
    some = {} if isinstance(io, ShellIO) else {"processes": 1}
    try:
        script = io.get_submission_script("true", QResources(**some, **{field: text}))
    except BadRequest:
        return
    plain = io.get_submission_script("true", QResources(**some)).split("\n\n")[0].removesuffix("\ntrue").splitlines()
    head, _, commands = script.rpartition("\n\n") if "\n\n" in script else (script.removesuffix("\ntrue"), "", "true")
    lines = [line for line in head.splitlines() if line not in plain]
    assert commands == "true"
    assert len(lines) <= 1 + (field == "email_address")
    for line in lines:
        if isinstance(io, ShellIO):
            assert line.split(" ", 2)[2] == text
        else:
            assert len(shlex.split(line.removeprefix(io.prefix), comments=True)) == 2


@pytest.mark.parametrize("io", DIALECTS, ids=lambda io: io.name)
@given(text=NASTY)
def test_no_option_of_ones_own_gets_out_of_its_word(io, text):
    for option in io.directives:
        with contextlib.suppress(BadRequest):
            header = io.generate_header({option: text})
            assert all(line.startswith(io.prefix) for line in header.splitlines())
            assert len(header.splitlines()) <= 1


@pytest.mark.parametrize("io", EVERY, ids=lambda io: io.name)
@given(field=st.sampled_from(TEXTS), value=FOUL, variable=FOUL, place=FOUL)
def test_nothing_of_a_job_is_a_line_of_its_own(io, field, value, variable, place):
    """Whoever takes for the end of a line whatever Unicode, Python or a batch system may take for one."""
    some = {} if isinstance(io, ShellIO) else {"processes": 1}
    manager = QueueManager(io)
    with contextlib.suppress(BadRequest):
        asked = QResources(**some, **{field: value})
        lines = manager.get_submission_script("true", asked, environment={"environ": {"A": variable}}).splitlines()
        starts = ("#!/bin/bash", io.prefix, "export A=", "true", "#$ -")
        assert all(line.startswith(starts) for line in lines if line)
    with contextlib.suppress(BadRequest):
        lines = manager.get_submission_script("true", None, place).splitlines()
        assert all(line.startswith(("#!", "#$ -", "cd ", "true")) for line in lines if line)


@pytest.mark.parametrize("io", EVERY, ids=lambda io: io.name)
@given(code=st.integers(-300, 300), said=st.binary(max_size=60) | FOUL.map(lambda text: text.encode(errors="replace")))
def test_whatever_is_said_is_an_answer_or_trouble(io, code, said):
    """Never an error of ours: whoever polls goes on."""
    for first, second in ((said, b""), (b"", said), (said, said)):
        assert io.parse_submit_output(code, first, second).status in SubmissionStatus
        assert io.parse_cancel_output(code, first, second).status in CancelStatus
        for read in (io.parse_jobs_list_output, io.parse_history_output):
            with contextlib.suppress(OutputParsingError, CommandFailedError):
                assert all(job.state in QState for job in read(code, first, second))


@pytest.mark.parametrize("io", DIALECTS, ids=lambda io: io.name)
@given(text=NASTY)
def test_no_id_is_anything_but_an_id(io, text):
    with contextlib.suppress(BadRequest):
        assert io.job_id_pattern.fullmatch(io.job_id(text))


@pytest.mark.parametrize("of", SAID)
@given(data=st.data())
def test_an_output_that_was_cut_off_or_garbled_gives_jobs_or_says_what_is_wrong(of, data):
    read, file = SAID[of]
    said = (OUTPUTS / file).read_text()
    start = data.draw(st.integers(0, len(said)))
    end = data.draw(st.integers(start, min(len(said), start + 200)))
    put = data.draw(st.text(max_size=5) | st.sampled_from(["<", "\n", "9" * 30, '"', "}", "&lt;", "]]>", "¹²"]))
    garbled = data.draw(st.sampled_from([said[:start], said[:start] + put + said[end:]]))
    with contextlib.suppress(OutputParsingError, CommandFailedError):
        for job in read(0, garbled.encode(errors="replace"), b""):
            assert isinstance(job, QJob)
            assert isinstance(job.state, QState)
            assert QJob.from_json(job.to_json()) == job


def test_a_text_that_was_cut_off_tells_nothing_wrong():
    """A list of PBS in text has no end that could be missed; but no number is told that was cut."""
    said = (OUTPUTS / "pbs_13_qstat.txt").read_text()
    whole = {job.job_id: job.exit_status for job in PBSIO().parse_jobs_list_output(0, said, "")}
    for cut in range(1, len(said)):
        with contextlib.suppress(OutputParsingError):
            for job in PBSIO().parse_jobs_list_output(0, said[:cut], ""):
                assert job.exit_status in (None, whole[job.job_id])
    with pytest.raises(OutputParsingError, match="cut off"):
        PBSIO().parse_jobs_list_output(0, "Job Id: 10.he", "")


@pytest.mark.parametrize("of", ["qstat -xml", "qstat json"])
def test_an_output_that_was_cut_off_anywhere_is_not_taken_for_fewer_jobs(of):
    read, file = SAID[of]
    said = (OUTPUTS / file).read_text().rstrip()
    for cut in range(1, len(said)):
        with pytest.raises(OutputParsingError):
            read(0, said[:cut], "")


def test_every_dialect_is_found_by_its_name():
    assert {name: scheduler_mapping[name] for name in ("pbs", "sge", "shell")} == {"pbs": PBSIO, "sge": SGEIO, "shell": ShellIO}
