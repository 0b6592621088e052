"""Job types made and changed over REST: from manifests, with revisions, errors and secrets."""

from __future__ import annotations

import json
import logging
import math
from copy import deepcopy
from datetime import timedelta

import pytest
from django.core.serializers import serialize
from hypothesis import HealthCheck, given, settings

from scale.error.models import Error
from scale.job.models import JobType, JobTypeRevision
from scale.present import sealer
from scale.seed import CHECKS, Level
from scale.storage.models import Workspace
from tests.api.answers import fields_at_fault, words
from tests.unit.seed import corpus
from tests.unit.seed.corpus import COMPLETE, CONFIGURED, GONE, LEAST, changed
from tests.unit.seed.test_garbage import garbage, interfaces

PAGE = "job-types/cloud-mask/2.1.0-rc1/"
SECRET = CONFIGURED["settings"]["catalog-key"]
VALID = {"is_valid": True, "errors": [], "warnings": []}
BODY = {"manifest": COMPLETE, "configuration": CONFIGURED}


@pytest.fixture(autouse=True)
def _workspaces(clock):
    now = clock.now()
    for name, is_active in corpus.WORKSPACES.items():
        Workspace.objects.create(name=name, is_active=is_active, created=now, last_modified=now)


@pytest.fixture
def mask(staff) -> JobType:
    assert staff.post("job-types/", BODY).status_code == 201
    return JobType.objects.get(name="cloud-mask")


def another(version, name="cloud-mask", **job):
    return {**BODY, "manifest": {**COMPLETE, "job": {**COMPLETE["job"], "name": name, "jobVersion": version, **job}}}


def codes_and_pointers(answer):
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]
    return [(error["code"], error["pointer"]) for error in answer.json()["errors"]]


# --- to make one


def test_a_manifest_makes_a_job_type_that_has_a_page(staff, alice):
    answer = staff.post(
        "job-types/", {**BODY, "docker_image": "mask:1", "icon_code": "f013", "max_tries": 5, "auto_update": True}
    )
    assert (answer.status_code, answer["Location"]) == (201, f"/api/v7/{PAGE}")
    made = answer.json()
    assert alice.get(PAGE).json() == made
    assert (made["name"], made["version"], made["title"], made["revision_num"]) == ("cloud-mask", "2.1.0-rc1", "Cloud mask", 1)
    assert (made["docker_image"], made["icon_code"], made["max_tries"]) == ("mask:1", "f013", 5)
    assert (made["is_active"], made["deprecated"], made["is_paused"], made["paused"]) == (True, None, False, None)
    assert made["manifest"] == COMPLETE


def test_the_least_that_is_stated_is_enough(staff):
    made = staff.post("job-types/", {"manifest": LEAST, "docker_image": None, "configuration": None}).json()
    assert (made["docker_image"], made["configuration"]) == ("", {})


def test_one_that_is_paused_and_not_active_from_the_first_says_since_when(staff):
    made = staff.post("job-types/", {**BODY, "is_active": False, "is_paused": True}).json()
    assert made["deprecated"] == made["paused"] == made["created"] == "2026-01-31T12:00:00Z"


@pytest.mark.parametrize("version", ["1.0.0-rc1+5", "1.0.0--.x-y+a.-b", "0.0.0"])
def test_every_semantic_version_has_an_address(staff, version):
    answer = staff.post("job-types/", another(version))
    page = answer["Location"].removeprefix("/api/v7/")
    assert page == f"job-types/cloud-mask/{version}/"
    assert staff.get(page).json()["version"] == version
    assert staff.patch(page, {"is_paused": True}).status_code == 200


SAYABLE = [row for row in corpus.INVALID if row.value not in (math.inf, math.nan)]  #: in JSON
CONFIGURATIONS = [row for row in corpus.INVALID_CONFIGURATIONS if row.where or row.value is not None]  #: null is none


def test_a_manifest_with_one_fault_is_refused_with_code_and_pointer(staff):
    answers = [staff.post("job-types/", {**BODY, "manifest": changed(COMPLETE, row.where, row.value)}) for row in SAYABLE]
    told = [(row.says, codes_and_pointers(answer)) for row, answer in zip(SAYABLE, answers, strict=True)]
    assert told == [(row.says, [(row.code, f"/manifest{row.pointer}")]) for row in SAYABLE]
    assert not JobType.objects.filter(is_builtin=False).exists()


def test_a_configuration_with_one_fault_is_refused_with_code_and_pointer(staff):
    bodies = [{**BODY, "configuration": changed(CONFIGURED, row.where, row.value)} for row in CONFIGURATIONS]
    told = [
        (row.says, codes_and_pointers(staff.post("job-types/", body))) for row, body in zip(CONFIGURATIONS, bodies, strict=True)
    ]
    assert told == [(row.says, [(row.code, f"/configuration{row.pointer}")]) for row in CONFIGURATIONS]


def test_the_corpus_breaks_every_check():
    told = {row.code for row in SAYABLE + CONFIGURATIONS}
    assert len(SAYABLE) > 60
    assert told == {check.code for check in CHECKS if check.level is Level.ERROR}


def test_an_error_is_told_with_what_would_be_right(staff):
    body = {"manifest": changed(COMPLETE, "/job/title", GONE), "configuration": {**CONFIGURED, "priority": 0}}
    missing, priority = staff.post("job-types/", body).json()["errors"]
    assert missing == {
        "field": "manifest.job.title",
        "message": "`title` is missing; expected: text, not empty, at most 250 characters",
        "code": "JSON_VALIDATION_ERROR",
        "pointer": "/manifest/job/title",
    }
    assert (priority["field"], priority["code"]) == ("configuration.priority", "INVALID_PRIORITY")


@pytest.mark.parametrize("name", ["command", "validation", "status", "pending", "running", "system-failures"])
def test_a_name_that_stands_for_something_else_is_refused(staff, name):
    for version in ("1.0.0", "3.0.0"):
        answer = staff.post("job-types/", another(version, name))
        assert codes_and_pointers(answer) == [("RESERVED_JOB_NAME", "/manifest/job/name")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"manifest": GONE}, "manifest"),
        ({"colour": "red"}, "colour"),
        ({"docker_image": "a b"}, "docker_image"),
        ({"docker_image": 5}, "docker_image"),
        ({"icon_code": "x" * 21}, "icon_code"),
        ({"max_tries": 0}, "max_tries"),
        ({"max_scheduled": -1}, "max_scheduled"),
        ({"is_published": None}, "is_published"),
        ({"auto_update": "yes"}, "auto_update"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_field(staff, change, field):
    body = {name: value for name, value in ({**BODY} | change).items() if value is not GONE}
    assert fields_at_fault(staff.post("job-types/", json.dumps(body))) == [field]


def test_only_staff_make_job_types(alice):
    assert alice.post("job-types/", BODY).status_code == 403


FEW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(interfaces)
def test_a_made_up_manifest_is_taken_or_refused_and_never_a_trouble_of_ours(staff, interface):
    manifest = changed(LEAST, "/job/interface", interface)
    body = {"manifest": manifest, "configuration": {"output_workspaces": {"default": "products"}}}
    answer = staff.post("job-types/", body)
    assert answer.status_code in (200, 201) or {code for code, _ in codes_and_pointers(answer)} == {"NAME_COLLISION_ERROR"}


@FEW
@given(garbage)
def test_garbage_is_refused_and_judged_invalid(staff, raw):
    try:
        body = json.dumps({"manifest": raw, "configuration": raw}, allow_nan=False)
    except ValueError:
        return
    assert staff.post("job-types/", body).status_code == 400
    assert staff.post("job-types/validation/", body).json()["is_valid"] is False


# --- to change one


def test_what_is_posted_again_is_changed_and_what_is_left_out_stays(staff, mask):
    answer = staff.post("job-types/", {"manifest": COMPLETE, "max_scheduled": 7})
    assert (answer.status_code, answer.json()) == (200, VALID)
    shown = staff.get(PAGE).json()
    assert (shown["max_scheduled"], shown["revision_num"], shown["configuration"]["priority"]) == (7, 1, CONFIGURED["priority"])


def test_a_new_manifest_or_image_makes_a_revision_and_nothing_else_does(staff, mask, clock):
    titled = changed(COMPLETE, "/job/title", "Mask")
    for change, revision_num in [
        ({"manifest": COMPLETE, "is_published": True, "configuration": {**CONFIGURED, "priority": 1}}, 1),
        ({"manifest": titled}, 2),
        ({"docker_image": "mask:2"}, 3),
        ({"docker_image": "mask:2", "manifest": titled}, 3),
        ({"docker_image": None}, 4),
    ]:
        clock.move(timedelta(minutes=1))
        assert staff.patch(PAGE, change).json() == VALID
        assert staff.get(PAGE).json()["revision_num"] == revision_num
    page = staff.get(f"{PAGE}revisions/").json()
    assert [(one["revision_num"], one["docker_image"]) for one in page["results"]] == [(4, ""), (3, "mask:2"), (2, ""), (1, "")]
    assert set(page["results"][0]) == words("id job_type revision_num docker_image created")
    first = staff.get(f"{PAGE}revisions/1/").json()
    assert (first["manifest"], first["job_type"]["version"], first["created"]) == (COMPLETE, "2.1.0-rc1", "2026-01-31T12:00:00Z")
    assert staff.get(f"{PAGE}revisions/5/").status_code == staff.get("job-types/none/1.0.0/revisions/").status_code == 404


def test_everything_can_be_set_back_to_nothing(staff, mask):
    staff.patch(PAGE, {"max_scheduled": 3, "is_published": True, "icon_code": "f", "docker_image": "x"})
    staff.patch(PAGE, {"max_scheduled": None, "is_published": False, "icon_code": None, "docker_image": None})
    shown = staff.get(PAGE).json()
    assert [shown[key] for key in ("max_scheduled", "is_published", "icon_code", "docker_image")] == [None, False, None, ""]


def test_a_type_is_paused_and_deprecated_with_the_time(staff, mask):
    staff.patch(PAGE, {"is_paused": True, "is_active": False})
    shown = staff.get(PAGE).json()
    assert shown["paused"] == shown["deprecated"] == "2026-01-31T12:00:00Z"


def test_an_edit_is_looked_at_as_a_whole_and_refused_as_a_whole(staff, mask):
    more = deepcopy(COMPLETE)
    more["job"]["interface"]["outputs"]["files"].append({"name": "EXTRA", "pattern": "*.txt"})
    staff.patch(PAGE, {"configuration": {**CONFIGURED, "output_workspaces": {"outputs": {"MASK": "products", "TILES": "tiles"}}}})
    answer = staff.patch(PAGE, {"manifest": more, "is_paused": True})
    assert codes_and_pointers(answer) == [("MISSING_WORKSPACE", "/configuration/output_workspaces")]
    shown = staff.get(PAGE).json()
    assert (shown["manifest"], shown["is_paused"], shown["revision_num"]) == (COMPLETE, False, 1)


def test_a_warning_is_told_and_changes_nothing_else(staff, mask):
    told = staff.patch(PAGE, {"manifest": changed(COMPLETE, "/job/timeout", 0)}).json()
    assert (told["is_valid"], told["errors"]) == (True, [])
    assert [(one["name"], one["pointer"]) for one in told["warnings"]] == [("NO_TIMEOUT", "/manifest/job/timeout")]


def test_the_manifest_of_another_type_is_refused(staff, mask):
    answer = staff.patch(PAGE, another("3.0.0", "other"))
    assert fields_at_fault(answer) == ["manifest.job.name", "manifest.job.jobVersion"]


@pytest.mark.parametrize("body", [{}, [], {"version": "1.0.0"}, {"name": "x"}])
def test_a_change_of_nothing_or_of_what_cannot_change_is_refused(staff, mask, body):
    assert len(fields_at_fault(staff.patch(PAGE, json.dumps(body)))) == 1


def test_the_type_of_commands_keeps_what_defines_it(staff):
    page = "job-types/command/1.0.0/"
    for change in ({"manifest": COMPLETE}, {"configuration": {}}, {"docker_image": "x"}):
        assert fields_at_fault(staff.patch(page, change)) == [*change]
    assert staff.patch(page, {"max_tries": 2}).status_code == 200


# --- what is in force of it


def test_the_errors_of_a_type_are_among_the_errors_and_follow_its_manifest(staff, mask, clock):
    def told():
        page = staff.get("errors/?job_type_name=cloud-mask&order=name").json()
        return {one["name"]: (one["category"], one["title"], one["should_be_retried"]) for one in page["results"]}

    first = told()
    assert first["no-scene"] == ("DATA", "No scene", False)
    errors = [{"code": 1, "name": "no-scene", "title": "None"}, {"code": 3, "name": "new"}]
    clock.move(timedelta(minutes=1))
    staff.patch(PAGE, {"manifest": changed(COMPLETE, "/job/errors", errors)})
    assert told() == first | {"no-scene": ("ALGORITHM", "None", False), "new": ("ALGORITHM", "new", False)}
    assert Error.objects.get(name="no-scene").last_modified == clock.now()
    assert not Error.objects.filter(job_type_name="cloud-mask", is_builtin=True).exists()


def test_names_have_their_versions_the_newest_first_and_the_newest_release(staff, mask):
    for version in ("1.9.0", "1.10.0", "2.0.0-rc1", "1.10.0+5"):
        assert staff.post("job-types/", another(version, title=f"Mask {version}")).status_code == 201
    staff.post("job-types/", another("0.1.0-a", "early"))
    staff.patch("job-types/cloud-mask/1.9.0/", {"is_active": False})

    def told(query=""):
        page = staff.get(f"job-type-names/?{query}").json()
        return [(one["name"], one["latest_version"], one["versions"]) for one in page["results"]]

    versions = ["2.1.0-rc1", "2.0.0-rc1", "1.10.0+5", "1.10.0", "1.9.0"]
    command, early = ("command", "1.0.0", ["1.0.0"]), ("early", "0.1.0-a", ["0.1.0-a"])
    mask_told = ("cloud-mask", "1.10.0+5", versions)
    assert told() == [mask_told, command, early]
    assert told("order=-name") == [early, command, mask_told]
    assert told("page_size=1&page=3") == [early]
    assert told("keyword=1.9&is_active=false") == [("cloud-mask", "1.9.0", ["1.9.0"])]
    assert told(f"id={mask.pk}&is_system=f") == [("cloud-mask", "2.1.0-rc1", ["2.1.0-rc1"])]
    (shown, *_) = staff.get("job-type-names/").json()["results"]
    assert (shown["title"], shown["is_active"]) == ("Mask 1.10.0+5", True)

    page = staff.get("job-types/cloud-mask/").json()
    assert [one["version"] for one in page["results"]] == versions
    assert [one["version"] for one in staff.get("job-types/cloud-mask/?is_active=f").json()["results"]] == ["1.9.0"]
    assert staff.get("job-types/none/").status_code == 404
    order = staff.get("job-types/?keyword=mask&order=-title").json()["results"]
    assert [one["title"] for one in order] == sorted((one["title"] for one in order), reverse=True)
    assert fields_at_fault(staff.get("job-types/?order=colour")) == ["order"]


# --- secrets


def everything_stored() -> str:
    return serialize("json", [*JobType.objects.all(), *JobTypeRevision.objects.all()])


def test_a_secret_is_in_no_row_no_answer_and_no_log(staff, caplog):
    caplog.set_level(logging.DEBUG)
    answers = [staff.post("job-types/", BODY), staff.post("job-types/", BODY), staff.patch(PAGE, BODY), staff.get(PAGE)]
    answers += [staff.get(path) for path in ("job-types/", f"{PAGE}revisions/1/")]
    answers += [staff.post("job-types/", {**BODY, "configuration": {**CONFIGURED, "priority": 0}})]
    answers += [staff.post("job-types/validation/", {**BODY, "manifest": {}})]
    assert all(SECRET not in answer.content.decode() for answer in answers)
    assert SECRET not in everything_stored() + caplog.text
    assert answers[0].json()["configuration"]["settings"] == {**CONFIGURED["settings"], "catalog-key": "*****"}
    sealed = JobType.objects.get(name="cloud-mask").secrets
    assert {name: sealer().unseal(text) for name, text in sealed.items()} == {"catalog-key": SECRET}


def unsealed() -> dict[str, str]:
    return {name: sealer().unseal(text) for name, text in JobType.objects.get(name="cloud-mask").secrets.items()}


def test_what_an_answer_showed_may_be_sent_back_and_keeps_the_secret(staff, mask):
    shown = staff.get(PAGE).json()
    assert staff.patch(PAGE, {"configuration": shown["configuration"] | {"priority": 3}}).json() == VALID
    assert staff.post("job-types/validation/", {key: shown[key] for key in ("manifest", "configuration")}).json() == VALID
    assert unsealed() == {"catalog-key": SECRET}
    settings = {**CONFIGURED["settings"], "catalog-key": "new one"}
    staff.patch(PAGE, {"configuration": {**CONFIGURED, "settings": settings}})
    assert unsealed() == {"catalog-key": "new one"}


def test_a_secret_that_the_configuration_no_longer_names_is_forgotten(staff, mask):
    settings = {name: value for name, value in CONFIGURED["settings"].items() if name != "catalog-key"}
    staff.patch(PAGE, {"configuration": {**CONFIGURED, "settings": settings}})
    assert unsealed() == {}


def test_stars_without_a_secret_behind_them_are_refused(staff):
    settings = {**CONFIGURED["settings"], "catalog-key": "*****"}
    body = {**BODY, "configuration": {**CONFIGURED, "settings": settings}}
    fault = ("INVALID_SETTING", "/configuration/settings/catalog-key")
    assert codes_and_pointers(staff.post("job-types/", body)) == [fault]
    (error,) = staff.post("job-types/validation/", body).json()["errors"]
    assert (error["name"], error["pointer"]) == fault


def test_a_setting_that_becomes_secret_later_is_sealed_then(staff, mask):
    open_value = "not yet a secret"
    staff.patch(PAGE, {"configuration": {**CONFIGURED, "settings": {"CATALOG_URL": open_value, "catalog-key": "*****"}}})
    assert open_value in everything_stored()
    both = [{"name": "CATALOG_URL", "secret": True}, {"name": "catalog-key", "secret": True}]
    staff.patch(PAGE, {"manifest": changed(COMPLETE, "/job/interface/settings", both)})
    assert unsealed() == {"catalog-key": SECRET, "CATALOG_URL": open_value}
    assert open_value not in everything_stored()
    assert set(staff.get(PAGE).json()["configuration"]["settings"].values()) == {"*****"}


def test_what_was_secret_once_stays_sealed_until_it_is_stated_anew(staff, mask):
    none = [{"name": "CATALOG_URL"}, {"name": "catalog-key"}]
    staff.patch(PAGE, {"manifest": changed(COMPLETE, "/job/interface/settings", none)})
    assert unsealed() == {"catalog-key": SECRET}
    assert SECRET not in staff.get(PAGE).content.decode()


def test_a_secret_under_another_spelling_of_its_name_is_sealed_too(staff):
    settings = {"CATALOG_URL": "u", "CATALOG-KEY": SECRET}
    assert staff.post("job-types/", {**BODY, "configuration": {**CONFIGURED, "settings": settings}}).status_code == 201
    assert SECRET not in everything_stored()


# --- to ask beforehand


def test_whoever_asks_is_told_what_would_be_refused(alice):
    assert alice.post("job-types/validation/", BODY).json() == VALID
    told = alice.post("job-types/validation/", {"manifest": {}, "docker_image": "whatever"})
    assert told.status_code == 200
    assert told.json()["is_valid"] is False
    assert {error["pointer"] for error in told.json()["errors"]} == {"/manifest/job", "/manifest/seedVersion"}
    for body in ({}, {"manifest": None}, {"manifest": [], "configuration": 5}):
        assert alice.post("job-types/validation/", json.dumps(body)).json()["is_valid"] is False
    assert alice.post("job-types/validation/", "[]").status_code == 400
    told = alice.post("job-types/validation/", another("1.0.0", "command")).json()
    assert [error["name"] for error in told["errors"]] == ["RESERVED_JOB_NAME"]
    assert not JobType.objects.filter(is_builtin=False).exists()


def test_an_address_with_bytes_that_no_name_has_is_not_found(alice):
    for path in ("job-types/%00/", "job-types/a/%00/", "job-types/%ff/1.0.0/", "job-types/a/1/revisions/"):
        assert alice.get(path).status_code == 404
