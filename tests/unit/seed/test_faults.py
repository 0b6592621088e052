"""What is refused of manifests and configurations, and what is doubted: each with its code and its place."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from scale.seed import CHECKS, InvalidDocument, Level, read_configuration, read_manifest
from scale.seed.findings import MOST, Finding, Report
from tests.unit.seed import corpus
from tests.unit.seed.corpus import COMPLETE, CONFIGURED, LEAST, WORKSPACES, changed, labels

INTERFACE = read_manifest(COMPLETE).value().interface


def told(findings):
    return [(finding.code, finding.pointer) for finding in findings]


def configured(raw, interface=INTERFACE):
    return read_configuration(raw, interface, WORKSPACES)


@pytest.mark.parametrize("manifest", [COMPLETE, LEAST], ids=["complete", "least"])
def test_a_manifest_that_is_right_has_no_errors(manifest):
    reading = read_manifest(manifest)
    assert reading.report.errors == ()
    assert told(reading.report.warnings) == ([] if manifest is COMPLETE else [("NO_COMMAND", "/job/interface/command")])
    assert reading.value().job.name == manifest["job"]["name"]


def test_a_configuration_that_is_right_has_nothing_said_of_it():
    reading = configured(CONFIGURED)
    assert reading.report == Report()
    assert reading.value().priority == 50


@pytest.mark.parametrize("row", corpus.INVALID, ids=labels(corpus.INVALID))
def test_a_manifest_with_one_fault_is_refused_with_its_code_and_place(row):
    reading = read_manifest(changed(COMPLETE, row.where, row.value))
    assert told(reading.report.errors) == [(row.code, row.pointer)]
    assert reading.manifest is None


def test_the_corpus_of_invalid_manifests_is_large_and_breaks_every_check():
    assert len(corpus.INVALID) > 100
    assert {row.code for row in corpus.INVALID} == codes("manifest", Level.ERROR)


@pytest.mark.parametrize("row", corpus.DOUBTFUL, ids=labels(corpus.DOUBTFUL))
def test_a_doubtful_manifest_is_taken_with_a_warning(row):
    reading = read_manifest(changed(COMPLETE, row.where, row.value))
    assert told(reading.report.warnings) == [(row.code, row.pointer)]
    assert reading.report.is_valid
    assert reading.manifest is not None


@pytest.mark.parametrize("row", corpus.FINE, ids=labels(corpus.FINE))
def test_what_is_unusual_and_right_is_taken_with_nothing_said(row):
    assert read_manifest(changed(COMPLETE, row.where, row.value)).report == Report()


def test_every_warning_about_a_manifest_has_an_example():
    assert {row.code for row in corpus.DOUBTFUL} == codes("manifest", Level.WARNING)


@pytest.mark.parametrize("row", corpus.INVALID_CONFIGURATIONS, ids=labels(corpus.INVALID_CONFIGURATIONS))
def test_a_configuration_with_one_fault_is_refused_with_its_code_and_place(row):
    reading = configured(changed(CONFIGURED, row.where, row.value))
    assert (row.code, row.pointer) in told(reading.report.errors)
    assert {pointer for _, pointer in told(reading.report.errors)} <= {row.pointer, "/output_workspaces"}
    assert reading.configuration is None


@pytest.mark.parametrize("row", corpus.DOUBTFUL_CONFIGURATIONS, ids=labels(corpus.DOUBTFUL_CONFIGURATIONS))
def test_a_doubtful_configuration_is_taken_with_a_warning(row):
    reading = configured(changed(CONFIGURED, row.where, row.value))
    assert told(reading.report.warnings) == [(row.code, row.pointer)]
    assert reading.configuration is not None


def test_every_check_of_a_configuration_has_an_example():
    assert {row.code for row in corpus.INVALID_CONFIGURATIONS} == codes("configuration", Level.ERROR)
    assert {row.code for row in corpus.DOUBTFUL_CONFIGURATIONS} == codes("configuration", Level.WARNING)


def codes(about, level):
    return {check.code for check in CHECKS if (check.about, check.level) == (about, level)}


# --- all together


def broken_everywhere():
    manifest = deepcopy(COMPLETE)
    del manifest["job"]["title"]
    manifest["job"]["timeout"] = "long"
    manifest["job"]["interface"]["mounts"][1]["name"] = "models"
    manifest["job"]["interface"]["settings"][0]["name"] = "SCENE"
    manifest["job"]["errors"] += [{"code": number, "name": "no-scene"} for number in (10, 11)]
    manifest["job"]["resources"]["scalar"][0]["value"] = 0.1
    return manifest


def test_all_faults_are_told_together_in_the_order_of_their_places():
    report = read_manifest(broken_everywhere()).report
    assert told(report.errors) == [
        ("DUPLICATE_ERROR_NAMES", "/job/errors/3/name"),
        ("DUPLICATE_ERROR_NAMES", "/job/errors/4/name"),
        ("DUPLICATE_MOUNT_NAMES", "/job/interface/mounts/1/name"),
        ("NAME_COLLISION_ERROR", "/job/interface/settings/0/name"),
        ("JSON_VALIDATION_ERROR", "/job/timeout"),
        ("JSON_VALIDATION_ERROR", "/job/title"),
    ]
    assert told(report.warnings) == [("LOW_RESOURCE", "/job/resources/scalar/0/value")]


def test_the_order_of_members_changes_nothing():
    manifest = broken_everywhere()
    turned = {**manifest, "job": dict(reversed(manifest["job"].items()))}
    assert read_manifest(turned).report == read_manifest(manifest).report


def test_item_ten_is_told_after_item_two():
    manifest = changed(COMPLETE, "/job/tags", [1] * 11)
    assert [finding.place[-1] for finding in read_manifest(manifest).report.errors] == list(range(11))


def test_a_hundred_faults_are_told_and_the_others_counted():
    manifest = changed(COMPLETE, "/job/tags", [1] * 1000)
    report = read_manifest(manifest).report
    assert (len(report.errors), report.left_out) == (MOST, 900)


def test_a_hundred_warnings_are_told_and_the_others_counted():
    manifest = changed(COMPLETE, "/job/interface/inputs/files/0/mediaTypes", ["tiff"] * 150)
    report = read_manifest(manifest).report
    assert (len(report.warnings), report.left_out, report.is_valid) == (MOST, 50, True)


TOO_LARGE = {
    "list": [0] * 10_000,
    "object": {str(number): 0 for number in range(10_000)},
    "lists in lists": [[0] * 100] * 100,
    "text": "x" * 1_000_001,
    "name": {"x" * 1_000_001: 0},
}


@pytest.mark.parametrize("read", [read_manifest, configured], ids=["manifest", "configuration"])
@pytest.mark.parametrize("much", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_document_that_is_far_too_large_is_one_fault(much, read):
    (error,) = read({**COMPLETE, "more": much}).report.errors
    assert error.message == "the document is too large; expected at most 10000 values and 1000000 characters altogether"
    assert error.pointer == ""


# --- how it is said


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        ("/job/title", corpus.GONE, "`title` is missing; expected: text, not empty, at most 250 characters"),
        ("/job/titel", "x", "`titel` is not known; did you mean `title`?"),
        ("/job/maintainer/zip", "x", "`zip` is not known; known are: email, name, organization, phone, url"),
        ("/job/tags", [1], "item 0 of `tags` is not text; expected: text"),
        ("/job/errors/0", 1, "item 0 of `errors` is not an object; expected: an object"),
        ("", 1, "the document is not an object; expected: an object"),
        ("/job/title", "", "`title` is empty; expected: text, not empty, at most 250 characters"),
        ("/job/title", corpus.LONG, "`title` is too long; expected: text, not empty, at most 250 characters"),
        ("/job/interface/command", "x" * 131_072, "`command` has more than 131071 bytes; expected at most 131071 bytes"),
        (
            "/job/interface/settings/0/name",
            "scene",
            "the setting 'scene' would be the variable SCENE, which is the input 'SCENE';"
            " give it another name; capitals, `-` and `_` make no difference",
        ),
    ],
)  # fmt: skip
def test_a_message_says_what_is_wrong_and_what_would_be_right(where, value, message):
    (error,) = read_manifest(changed(COMPLETE, where, value)).report.errors
    assert error.message == message


def test_a_message_about_a_name_says_what_names_may_be():
    (error,) = read_configuration({"settings": {"": "1"}}, None, {}).report.errors
    assert error.message == "the name of `` is empty; expected: 1 to 250 characters, and no NUL"


@pytest.mark.parametrize("name", ["x" * 1000, "\ud800"], ids=["long", "surrogate"])
def test_a_name_that_nobody_can_print_is_pointed_at_by_its_object(name):
    (error,) = read_manifest({**COMPLETE, name: 1}).report.errors
    assert error.pointer == ""
    assert len(error.message) < 300
    assert json.dumps(error.message, ensure_ascii=False).encode()


def test_the_form_of_the_api_has_name_description_and_pointer():
    report = read_manifest(changed(COMPLETE, "/job/timeout", 0)).report.under("manifest")
    assert report.answer == {
        "is_valid": True,
        "errors": [],
        "warnings": [
            {
                "name": "NO_TIMEOUT",
                "description": "`timeout` is 0, which is no time at all; state how many seconds the program may run",
                "pointer": "/manifest/job/timeout",
            }
        ],
    }


def test_reports_are_added():
    of_manifest = read_manifest(changed(COMPLETE, "/job/title", 1)).report.under("manifest")
    of_configuration = read_configuration({"priority": 0}, None, {}).report.under("configuration")
    both = of_manifest + of_configuration
    assert told(both.errors) == [
        ("JSON_VALIDATION_ERROR", "/manifest/job/title"),
        ("INVALID_PRIORITY", "/configuration/priority"),
    ]
    assert not both.is_valid


@pytest.mark.parametrize("read", [read_manifest, configured], ids=["manifest", "configuration"])
def test_who_wants_the_value_of_an_invalid_document_gets_every_error(read):
    with pytest.raises(InvalidDocument) as refused:
        read({"other": 1, "version": 1}).value()
    assert "/other" in {fault.field for fault in refused.value.faults}
    assert all(fault.message.startswith("JSON_VALIDATION_ERROR: ") for fault in refused.value.faults if fault.field == "/other")
    assert not refused.value.report.is_valid


def test_a_pointer_escapes_what_has_a_meaning_in_it():
    assert Finding("NO_TIMEOUT", ("a/b", 0, "~c"), "", "").pointer == "/a~1b/0/~0c"


# --- configurations


def test_what_the_manifest_does_not_have_is_not_asked_for_without_one():
    assert configured({"settings": {"A": "1"}, "mounts": {}}, None).report == Report()


def test_outputs_of_json_need_no_workspace():
    only_json = changed(COMPLETE, "/job/interface/outputs/files", [])
    reading = configured({}, read_manifest(only_json).value().interface)
    assert reading.report.errors == ()
    assert {code for code, _ in told(reading.report.warnings)} == {"MISSING_MOUNT", "MISSING_SETTING"}


def test_an_object_of_workspaces_that_is_none_is_told_of_once():
    reading = configured(changed(CONFIGURED, "/output_workspaces", "products"))
    assert told(reading.report.errors) == [("JSON_VALIDATION_ERROR", "/output_workspaces")]


def test_each_output_may_have_a_workspace_of_its_own():
    workspaces = {"outputs": {"MASK": "products", "TILES": "tiles"}}
    configuration = configured(changed(CONFIGURED, "/output_workspaces", workspaces)).value()
    assert [configuration.output_workspaces.of(name) for name in ("MASK", "TILES", "OTHER")] == ["products", "tiles", None]


def test_an_output_without_one_goes_to_the_default():
    assert configured(CONFIGURED).value().output_workspaces.of("MASK") == "products"


@pytest.mark.parametrize(
    ("workspaces", "right"),
    [({}, "create it first"), ({"old": False}, "create it first"), ({"b": True, "a": True}, "choose one of: a, b")],
)
def test_who_names_an_unknown_workspace_is_told_which_there_are(workspaces, right):
    (error,) = read_configuration({"output_workspaces": {"default": "x"}}, None, workspaces).report.errors
    assert error.right == right


def test_an_empty_configuration_has_defaults():
    configuration = read_configuration({}, None, {}).value()
    assert (configuration.version, configuration.priority, configuration.settings, configuration.mounts) == ("7", 100, {}, {})


def test_secret_settings_can_be_masked():
    configuration = configured(CONFIGURED).value()
    assert configuration.masked(INTERFACE.secrets).settings == {"CATALOG_URL": "https://example.org", "catalog-key": "*****"}
    assert configuration.settings["catalog-key"] == "hush"


def test_no_report_and_no_text_of_a_configuration_shows_the_value_of_a_setting():
    assert "hush" not in repr(configured(CONFIGURED).value())
    wrong = configured(changed(CONFIGURED, "/settings", {"A": "hush\0", "B": "hush" * 40_000, "C": ["hush"], "D": "hush"}))
    assert len(wrong.report.errors) == 3
    assert "hush" not in repr(wrong)
