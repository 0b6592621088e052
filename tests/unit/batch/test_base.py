"""What all dialects have from their base: scripts, ids, commands, and that one job which cannot be read spoils no poll."""

from __future__ import annotations

import logging
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.batch import (
    PBSIO,
    SGEIO,
    BaseSchedulerIO,
    CancelResult,
    CancelStatus,
    DependencyType,
    InvalidFieldError,
    InvalidJobIDError,
    OutputParsingError,
    QJob,
    QResources,
    QState,
    ShellIO,
    SlurmIO,
    SlurmState,
    UnsupportedResourcesError,
)
from scale.batch import quantities as q
from scale.batch.checks import verbatim_lines
from scale.batch.dialects.base import each, in_portions, optional, state_of
from tests.unit.batch.asking import told

CONTROL = [*map(chr, range(32)), "\x7f", "\x85", "\u2028", "\u2029"]
TEXT_FIELDS = [
    "queue_name",
    "job_name",
    "account",
    "qos",
    "priority",
    "output_filepath",
    "error_filepath",
    "email_address",
    "project",
]
COUNT_FIELDS = ["memory_per_thread", "nodes", "processes", "processes_per_node", "threads_per_process", "gpus_per_job"]
COUNT_FIELDS += ["time_limit", "njobs"]
ALL = frozenset(TEXT_FIELDS + COUNT_FIELDS) | {
    "process_placement",
    "rerunnable",
    "dependencies",
    "hold",
    "licenses",
    "constraints",
}


class PlainIO(BaseSchedulerIO):
    """A batch system of one host: lines of `id state`."""

    name = "plain"
    prefix = "#PLAIN"
    directives = {field: f"--{field}={{}}" for field in TEXT_FIELDS + COUNT_FIELDS} | {"hold": "--hold", "nice": "--nice={}"}
    supported_qresources_keys = ALL - {"project"}
    job_id_pattern = re.compile(r"\d+")

    def options_of(self, resources):
        return {name: value for name, value in resources.given().items() if name in self.directives}

    def submit_words(self):
        return ("plain-submit",)

    def cancel_argv(self, ids):
        return ("plain-cancel", *ids)

    def live_argvs(self, ids, user):
        if not ids:
            return [("plain-list", *(["-u", user] if user else []))]
        return [("plain-list", *portion) for portion in in_portions(ids, 2)]

    def history_argvs(self, ids):
        return [("plain-history", *ids)]

    def submitted_id(self, said):
        return said.strip()

    def read_cancel(self, output):
        return CancelResult(exit_code=output.exit_code, stderr=output.stderr, status=CancelStatus.SUCCESSFUL)

    def read_jobs(self, output):
        return each(output.stdout.splitlines(), _job)

    def read_history(self, output):
        return self.read_jobs(output)


def _job(line):
    if not line:
        return None
    number, _, code = line.partition(" ")
    if not number.isdigit():
        raise OutputParsingError(f"job {number!r} is no number")
    state, sub_state = state_of(SlurmState, code)
    return QJob(job_id=number, state=state, sub_state=sub_state, native_state=code)


PLAIN = PlainIO()


# --- scripts


def test_an_empty_line_parts_the_header_from_the_commands():
    asked = QResources(processes=2, job_name="x")
    assert PLAIN.get_submission_script(["cd there", "run"], asked).split("\n") == [
        *("#!/bin/bash", "#PLAIN --job_name=x", "#PLAIN --processes=2", "", "cd there", "run")
    ]


@pytest.mark.parametrize("nothing", [None, {}, QResources()])
def test_without_a_header_the_commands_follow_at_once(nothing):
    assert PLAIN.generate_header(nothing) == ""
    assert PLAIN.get_submission_script("run", nothing) == "#!/bin/bash\nrun"


def test_a_name_alone_needs_no_placement():
    assert PLAIN.generate_header(QResources(job_name="x")) == "#PLAIN --job_name=x"


def test_options_may_come_by_their_names():
    given = {"nice": 0, "hold": True, "job_name": "x", "account": None, "qos": "", "queue_name": False}
    assert PLAIN.generate_header(given) == "#PLAIN --job_name=x\n#PLAIN --hold\n#PLAIN --nice=0"


@pytest.mark.parametrize("off", [0, None, False, ""])
def test_a_switch_that_is_off_has_no_line(off):
    assert PLAIN.generate_header({"hold": off}) == ""


def test_options_of_the_dialect_override_what_is_asked_for():
    asked = QResources(processes=2, job_name="x", scheduler_kwargs={"job_name": "y", "nice": 5})
    assert PLAIN.generate_header(asked) == "#PLAIN --job_name=y\n#PLAIN --processes=2\n#PLAIN --nice=5"


@pytest.mark.parametrize(
    "given", [{"acount": "a", "zzz": 1}, QResources(processes=1, scheduler_kwargs={"acount": "a", "zzz": 1})]
)
def test_unknown_options_are_told_all_at_once_with_what_may_be_meant(given):
    with pytest.raises(ValueError, match="plain has no such option") as told:
        PLAIN.generate_header(given)
    assert str(told.value) == "acount: plain has no such option (did you mean 'account'?); zzz: plain has no such option"


@pytest.mark.parametrize("given", ["--hold", ["hold"], 7])
def test_options_that_are_neither_resources_nor_named_are_refused(given):
    with pytest.raises(InvalidFieldError, match="options: must be a QResources, or options by name"):
        PLAIN.generate_header(given)


def test_an_option_whose_name_is_no_text_is_told_as_any_other():
    with pytest.raises(InvalidFieldError, match="7: plain has no such option; zzz: plain has"):
        PLAIN.generate_header({7: 1, "zzz": 2})


def test_resources_are_had_in_options_before_they_are_written():
    asked = QResources(processes=1, job_name="x", account="a", scheduler_kwargs={"account": "b", "zzz": 1})
    assert PLAIN.check_convert_qresources(asked) == {"processes": 1, "job_name": "x", "account": "b", "zzz": 1}
    with pytest.raises(UnsupportedResourcesError, match="Keys not supported: project"):
        PLAIN.check_convert_qresources(resources=QResources(processes=1, project="p"))


def test_what_the_batch_system_cannot_give_is_named():
    with pytest.raises(UnsupportedResourcesError, match=r"^Keys not supported: project \(plain has nothing of the kind\)"):
        PLAIN.generate_header(QResources(processes=1, project="p"))


def test_fields_set_without_a_placement_are_refused():
    asked = QResources()
    asked.nodes = 2
    with pytest.raises(InvalidFieldError, match="process_placement: is None"):
        PLAIN.generate_header(asked)


def test_verbatim_lines_stand_at_the_end():
    given = {"qverbatim": "#PLAIN --odd\n\n# a comment", "job_name": "x"}
    assert PLAIN.generate_header(given) == "#PLAIN --job_name=x\n#PLAIN --odd\n# a comment"


@pytest.mark.parametrize("line", ["rm -rf x", "#PLAIN --a\nrm x", " #PLAIN --a", "#PLAIN\r\nrm x", "#PLAIN\x85rm"])
def test_a_verbatim_line_that_a_shell_would_run_is_refused(line):
    with pytest.raises(InvalidFieldError, match=r"^qverbatim: .*(start it with #PLAIN|control character)"):
        list(verbatim_lines("qverbatim", line, "#PLAIN"))


# --- what may get into a script


@pytest.mark.parametrize("field", TEXT_FIELDS)
@pytest.mark.parametrize("control", CONTROL, ids=repr)
def test_no_control_character_gets_into_a_script(field, control):
    asked = QResources(**{"processes": 1, field: f"a{control}b"})
    with pytest.raises(InvalidFieldError, match=f"^{field}: .*control character"):
        PLAIN.generate_header(asked)
    if field in PLAIN.directives:
        with pytest.raises(InvalidFieldError, match=f"^{field}: .*control character"):
            PLAIN.generate_header({field: f"a{control}b"})


@pytest.mark.parametrize("field", [field for field in TEXT_FIELDS if field != "project"])
@pytest.mark.parametrize(
    "text", ["a b", "a;b", "$(a)", "`a`", "a&b", "a|b", "a'b", 'a"b', "a\\b", "a>b", "a#b", "a*", "~a", "!a"]
)
def test_a_dialect_that_cannot_quote_takes_single_words_only(field, text):
    with pytest.raises(InvalidFieldError, match=f"^{field}: .*would end the word"):
        PLAIN.generate_header(QResources(**{"processes": 1, field: text}))


@pytest.mark.parametrize("field", COUNT_FIELDS)
@pytest.mark.parametrize("value", ["2 --uid=0", -1, True, 2.5, "2"])
def test_a_count_is_a_whole_number_above_zero(field, value):
    asked = QResources.no_constraints(1)
    setattr(asked, field, value)
    with pytest.raises(InvalidFieldError, match=f"^{field}: must be a whole number above 0"):
        PLAIN.generate_header(asked)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("job_name", 7, "must be a text, not 7"),
        ("priority", 1.5, "must be a whole number or a text"),
        ("rerunnable", "yes", "must be True or False"),
        ("hold", 1, "must be True or False"),
        ("process_placement", "SCATTERED", "must be a member of ProcessPlacement"),
        ("dependencies", {"afterok": ["1"]}, "must be ids of jobs by DependencyType"),
        ("dependencies", "afterok:1", "must be ids of jobs by DependencyType"),
        ("dependencies", {DependencyType.AFTER_OK: ["1 2"]}, "'1 2' is no job id"),
        ("dependencies", {DependencyType.AFTER_OK: [1]}, "1 is no job id"),
        ("dependencies", {DependencyType.AFTER_OK: ["-1"]}, "'-1' is no job id"),
        ("licenses", ["a"], "must be counts by name"),
        ("licenses", {"a b": 1}, "must be counts by name"),
        ("licenses", {"a": 0}, "must be counts by name"),
        ("constraints", "avx", "must be a list of features"),
        ("constraints", ["a&b"], "must be a list of features"),
        ("constraints", [1], "must be a list of features"),
        ("scheduler_kwargs", {1: 2}, "must be options by name"),
        ("scheduler_kwargs", "--x", "must be options by name"),
    ],
)
def test_every_other_field_has_its_kind_too(field, value, told):
    asked = QResources.no_constraints(1)
    setattr(asked, field, value)
    with pytest.raises(InvalidFieldError, match=f"^{field}: ") as error:
        PLAIN.generate_header(asked)
    assert told in str(error.value)


def test_a_control_character_in_an_inner_text_is_told_by_its_field():
    asked = QResources(processes=1, licenses={"a\n": 1}, constraints=["b\n"], dependencies={"after": ["1\n"]})
    with pytest.raises(InvalidFieldError) as told:
        PLAIN.generate_header(asked)
    assert {fault.field for fault in told.value.faults} == {"licenses", "constraints", "dependencies"}


def test_all_faults_of_the_resources_are_told_together():
    asked = QResources(processes=-1, job_name="a\nb", njobs=1.5)
    with pytest.raises(InvalidFieldError) as told:
        PLAIN.generate_header(asked)
    assert {fault.field for fault in told.value.faults} == {"processes", "job_name", "njobs"}


@given(st.dictionaries(st.sampled_from(TEXT_FIELDS), st.text(max_size=12), max_size=4))
def test_whatever_is_asked_for_each_line_of_the_header_is_one_directive_of_one_word(asked):
    try:
        header = PLAIN.generate_header(QResources.no_constraints(1, **asked))
    except UnsupportedResourcesError:
        return
    assert header.splitlines() == header.split("\n")
    for line in header.split("\n"):
        directive = line.removeprefix("#PLAIN ")
        assert directive != line
        assert shlex.split(directive) == [directive]


# --- ids and commands


@pytest.mark.parametrize("job", [7, "7", " 7 ", QJob(job_id="7")])
def test_a_job_is_named_by_itself_or_its_id(job):
    assert PLAIN.job_id(job) == "7"
    assert PLAIN.get_cancel_cmd(job) == "plain-cancel 7"
    assert PLAIN.get_job_cmd(job) == "plain-list 7"


@pytest.mark.parametrize("job", [None, "", 0, QJob(), "  "])
def test_a_job_without_an_id_is_refused(job):
    with pytest.raises(ValueError, match="has no job id"):
        PLAIN.get_cancel_cmd(job)


@pytest.mark.parametrize("job", ["7; rm x", "x", "7\n8", "-7", "7.a"])
def test_an_id_that_the_batch_system_never_gives_is_refused(job):
    with pytest.raises(InvalidJobIDError, match=r"is no job id of plain; it should match \\d\+"):
        PLAIN.get_job_cmd(job)


def test_an_id_can_be_looked_at_before_it_is_used():
    assert PLAIN.is_valid_job_id("7")
    assert PLAIN.is_valid_job_id(job_id=7)
    assert not any(map(PLAIN.is_valid_job_id, ["", "7; rm x", "-7", "7\n"]))


@pytest.mark.parametrize("io", [SlurmIO(), PBSIO(), SGEIO(), ShellIO()], ids=lambda io: io.name)
def test_what_ids_are_like_is_told(io):
    with pytest.raises(InvalidJobIDError, match=f"'x y' is no job id of {io.name}; it should be like ") as told:
        io.job_id("x y")
    likes = re.findall(r"\d[^\s,:]*", str(told.value).partition("like")[2])
    assert likes
    assert all(map(io.is_valid_job_id, likes))


@pytest.mark.parametrize("job", [7.0, b"7", True, [7]])
def test_an_id_of_another_kind_is_refused(job):
    with pytest.raises(InvalidJobIDError, match="is no job id of sge"):
        SGEIO().job_id(job)


def test_ids_need_not_be_checked_but_never_become_options_or_commands():
    unchecked = PlainIO(check_job_ids=False)
    assert unchecked.get_cancel_cmd("12_[1-3].host") == "plain-cancel '12_[1-3].host'"
    for id_ in ("-u root", "7;x", "$x", "7 8", "-7"):
        with pytest.raises(InvalidJobIDError):
            unchecked.get_cancel_cmd(id_)


def test_ids_are_asked_for_once_each():
    assert PLAIN.generate_ids_list([1, "2", QJob(job_id="1")]) == ["1", "2"]
    assert PLAIN.generate_ids_list(3) == ["3"]
    assert PLAIN.generate_ids_list(None) == []


def test_commands_as_texts_are_the_arguments_quoted():
    assert shlex.split(PLAIN.get_submit_cmd("my script; rm x")) == ["plain-submit", "my script; rm x"]
    assert PLAIN.get_submit_cmd() == "plain-submit submit.script"
    assert PLAIN.get_jobs_list_cmd() == "plain-list"
    assert PLAIN.get_jobs_list_cmd(user="alice") == "plain-list -u alice"
    assert PLAIN.get_jobs_list_cmd([1, 2, 3]) == "plain-list 1 2 && plain-list 3"


def test_jobs_and_a_user_are_not_asked_for_together():
    with pytest.raises(ValueError, match="not for both"):
        PLAIN.get_jobs_list_cmd([1], "alice")


@pytest.mark.parametrize("name", ["", "-x", "a b", "a;b", "a\n"])
def test_a_user_is_a_login(name):
    with pytest.raises(InvalidFieldError, match="is no login"):
        PLAIN.get_jobs_list_cmd(user=name)


# --- outputs


def test_outputs_come_as_texts_or_bytes():
    assert PLAIN.parse_submit_output(0, b"7\n", b"").job_id == "7"
    assert PLAIN.parse_cancel_output(0, "", b"caf\xc3\xa9 \xff").stderr == "café \ufffd"
    assert PLAIN.parse_job_output(0, b"7 R", None).state is QState.RUNNING
    assert PLAIN.parse_job_output(0, "", "") is None
    assert PLAIN.parse_history_output(0, "7 CD", "") == [
        QJob(job_id="7", state=QState.DONE, sub_state=SlurmState.COMPLETED, native_state="CD")
    ]


def test_a_job_that_cannot_be_read_spoils_no_poll(caplog):
    with caplog.at_level(logging.WARNING):
        jobs = PLAIN.parse_jobs_list_output(0, "1 R\n\nx?\n2 CD\n3 ZZ", "")
    assert [(job.job_id, job.state) for job in jobs] == [("1", QState.RUNNING), ("2", QState.DONE), ("3", QState.UNDETERMINED)]
    assert jobs[2].sub_state is None
    assert jobs[2].native_state == "ZZ"
    assert "A job is left out: job 'x?' is no number" in caplog.text
    assert "'ZZ' is no SlurmState that we know" in caplog.text


def test_a_value_that_cannot_be_read_is_left_out(caplog):
    assert optional(q.slurm_duration, "1:00", "elapsed") == 60
    assert optional(q.slurm_duration, None, "elapsed") is None
    assert optional(q.slurm_duration, "soon", "elapsed") is None
    assert "A value is left out: elapsed is 'soon'" in caplog.text


def test_a_job_is_no_part_of_another_where_a_batch_system_has_none():
    assert PlainIO().whole("12") == "12"
    assert told(PlainIO(), "12", "12_1", "12") == ["12"]
    assert told(PlainIO(), "12", "12_1") == []


# --- what all dialects keep


DIALECTS = [SlurmIO(), PBSIO(), SGEIO(), ShellIO()]


@pytest.mark.parametrize("io", DIALECTS, ids=lambda io: io.name)
@pytest.mark.parametrize(
    ("script", "word"), [("-x.sh", "./-x.sh"), (Path("/a b/c"), "/a b/c"), (None, "submit.script"), ("$(s)", "$(s)")]
)
def test_a_scripts_name_is_one_word_and_no_option(io, script, word):
    assert io.submit_argv(script)[-1] == word
    assert shlex.split(io.get_submit_cmd(script))[-1] == word


@pytest.mark.parametrize("io", DIALECTS, ids=lambda io: io.name)
def test_a_field_that_is_zero_asks_for_nothing(io):
    nothing = dict.fromkeys(("time_limit", "memory_per_thread", "gpus_per_job", "threads_per_process", "njobs", "priority"), 0)
    placed = {} if io.name == "shell" else {"processes": 2}
    assert io.generate_header(QResources(**placed, **nothing)) == io.generate_header(QResources(**placed))


@pytest.mark.parametrize("io", DIALECTS[1:3], ids=lambda io: io.name)
def test_a_name_is_made_fit_wherever_it_comes_from(io):
    asked = QResources(processes=1, job_name="a b/@")
    assert io.generate_header({"job_name": "a b/@"}) in io.generate_header(asked)


@pytest.mark.parametrize("io", DIALECTS[1:3], ids=lambda io: io.name)
@pytest.mark.parametrize("priority", [5000, "-9999", "high", "1.5"])
def test_a_priority_that_there_is_not_is_refused(io, priority):
    with pytest.raises(InvalidFieldError, match=r"priority: must be a whole number from -102\d to 102\d, not"):
        io.generate_header(QResources(processes=1, priority=priority))


@pytest.mark.parametrize(
    ("io", "said"),
    [
        (DIALECTS[0], "hours left: 500\nSubmitted batch job 12\n"),
        (DIALECTS[0], "500\nsbatch: submitted batch job 12 on cluster one\nmind the gap\n"),
        (DIALECTS[0], "hours left: 500\n12;one\n"),
        (DIALECTS[2], '500\nYour job 12 ("a 7") has been submitted\n'),
        (DIALECTS[2], "hours left: 500\n12.1-3:1\n"),
    ],
)
def test_what_a_hook_of_the_site_says_is_no_job_id(io, said):
    assert io.parse_submit_output(0, said, "").job_id == "12"


def test_jobs_are_told_by_their_ids_where_the_command_tells_of_all():
    listed = [f"<job_list><JB_job_number>{n}</JB_job_number><state>r</state></job_list>" for n in (4, 5, 6)]
    said = f"<job_info><queue_info>{''.join(listed)}</queue_info></job_info>"
    assert DIALECTS[2].parse_job_output(0, said, "", job_id="5").job_id == "5"
    assert DIALECTS[2].parse_job_output(0, said, "", job_id="7") is None
    assert [job.job_id for job in DIALECTS[2].parse_jobs_list_output(0, said, "", job_ids=["6", "4"])] == ["6", "4"]


def test_ten_thousand_ids_are_looked_up_not_compared():
    """Each with each would be a hundred million, and minutes."""
    asked = [f"12_{task}" for task in range(10_000)] + [f"13_[{task}-{task + 3}]" for task in range(0, 8_000, 4)]
    jobs = [QJob(job_id=f"{whole}_{task}") for whole in (12, 13) for task in range(5_000, 15_000)]
    found = DIALECTS[0].told_of(asked, jobs)
    assert sum(map(len, found.values())) == 5_000 + 3_000
