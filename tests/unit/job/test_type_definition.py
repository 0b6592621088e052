"""A job type's manifest and configuration, looked at together, and its secrets taken out."""

from __future__ import annotations

import pytest

from scale.job.types.definition import read_definition, take_secrets
from scale.seed import InvalidDocument, read_manifest
from tests.unit.seed.corpus import COMPLETE, CONFIGURED, LEAST, WORKSPACES, changed

INTERFACE = read_manifest(COMPLETE).value().interface  # its only secret is catalog-key
STARS = {"settings": {"CATALOG_URL": "u", "catalog-key": "*****"}}


def read(manifest, configuration, sealed=frozenset()):
    return read_definition(manifest, configuration, WORKSPACES, sealed)


def told(reading):
    return [(finding.code, finding.pointer) for finding in reading.report.errors]


def test_what_is_right_is_read():
    assert read(COMPLETE, CONFIGURED).value() == read_manifest(COMPLETE).manifest


def test_what_is_wrong_with_either_is_told_with_the_place_in_the_body():
    reading = read(changed(COMPLETE, "/job/title", 1), {"priority": 0})
    assert told(reading) == [("JSON_VALIDATION_ERROR", "/manifest/job/title"), ("INVALID_PRIORITY", "/configuration/priority")]
    with pytest.raises(InvalidDocument) as refused:
        reading.value()
    assert [(one["field"], one["code"]) for one in refused.value.told] == [
        ("manifest.job.title", "JSON_VALIDATION_ERROR"),
        ("configuration.priority", "INVALID_PRIORITY"),
    ]


def test_a_right_manifest_is_refused_with_a_wrong_configuration():
    with pytest.raises(InvalidDocument):
        read(COMPLETE, []).value()


def test_the_name_of_the_type_of_commands_is_taken():
    assert told(read(changed(LEAST, "/job/name", "command"), {})) == [("RESERVED_JOB_NAME", "/manifest/job/name")]


def test_stars_need_a_secret_behind_them():
    configuration = {**CONFIGURED, **STARS}
    assert told(read(COMPLETE, configuration)) == [("INVALID_SETTING", "/configuration/settings/catalog-key")]
    assert told(read(COMPLETE, configuration, {"catalog-key"})) == []
    assert told(read(LEAST, {"settings": {"open": "*****"}})) == []
    assert told(read([], {"settings": []})) == [
        ("JSON_VALIDATION_ERROR", "/manifest"),
        ("JSON_VALIDATION_ERROR", "/configuration/settings"),
    ]


def test_secrets_are_taken_out_and_stars_put_in():
    parted = take_secrets(CONFIGURED, INTERFACE, ())
    assert parted.configuration == {
        **{name: value for name, value in CONFIGURED.items() if name != "version"},
        "settings": {**CONFIGURED["settings"], "catalog-key": "*****"},
    }
    assert parted.stated == {"catalog-key": CONFIGURED["settings"]["catalog-key"]}
    assert parted.kept == frozenset()


def test_stars_keep_what_is_sealed_whatever_the_manifest_says_now():
    for interface in (INTERFACE, read_manifest(LEAST).value().interface):
        parted = take_secrets(STARS, interface, {"catalog-key"})
        assert parted == (STARS, {}, frozenset({"catalog-key"}))


def test_without_settings_there_is_nothing_to_take():
    assert take_secrets({"priority": 1}, INTERFACE, {"catalog-key"}) == ({"priority": 1}, {}, frozenset())
