"""What a manifest says as a value: needs by the size of the input, errors by exit code, variables, versions, images."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scale.error.catalog import BY_NAME, Category
from scale.seed import JobError, SeedImage, allocated, compare, in_order, newest, read_manifest, seed_image, variable
from tests.unit.seed.corpus import COMPLETE, LEAST, changed

MANIFEST = read_manifest(COMPLETE).value()


def needing(*scalars):
    return read_manifest(changed(LEAST, "/job/resources", {"scalar": list(scalars)})).value()


# --- resources


def test_what_is_left_out_is_what_every_job_gets():
    assert read_manifest(LEAST).value().resources() == {"cpus": 0.25, "mem": 128, "disk": 0}


def test_names_of_resources_lose_their_capitals_and_too_little_is_raised():
    assert needing({"name": "CPUs", "value": 0.1}, {"name": "Mem", "value": 64}).resources() == {
        "cpus": 0.25,
        "mem": 128,
        "disk": 0,
    }


@pytest.mark.parametrize(("input_mib", "mem"), [(0, 256), (0.1, 257), (1, 259), (10, 281), (100.5, 508)])
def test_the_size_of_the_input_counts_and_is_rounded_up(input_mib, mem):
    assert MANIFEST.resources(input_mib)["mem"] == mem


def test_rounding_up_is_not_fooled_by_fractions():
    assert 0.07 * 100 > 7
    assert needing({"name": "sharedMem", "value": 0, "inputMultiplier": 0.07}).shared_mem(100) == 7


def test_without_a_multiplier_a_fraction_stays():
    assert MANIFEST.resources(1000)["cpus"] == 1.5


@pytest.mark.parametrize(("stated", "needed"), [(0, 30), (10, 30), (31, 31)])
def test_the_input_has_room_on_the_disk(stated, needed):
    assert needing({"name": "disk", "value": stated}).resources(30)["disk"] == needed


def test_shared_memory_is_not_asked_of_a_node():
    assert "sharedmem" not in MANIFEST.resources()
    assert MANIFEST.shared_mem() == 64
    assert needing({"name": "sharedMem", "value": 1, "inputMultiplier": 2}).shared_mem(3) == 7
    assert needing().shared_mem(3) == 0


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_input_never_needs_less(one, other, value, multiplier):
    manifest = needing({"name": "mem", "value": value, "inputMultiplier": multiplier})
    less, more = (manifest.resources(size) for size in sorted((one, other)))
    assert all(less[name] <= more[name] for name in more)
    assert more["mem"] >= max(128, value)


# --- errors


@pytest.mark.parametrize(
    ("exit_code", "error"),
    [
        (None, None),
        (0, None),
        (1, JobError("no-scene", "No scene", "It is not one.", Category.DATA)),
        (2, JobError("diverged", "diverged", "", Category.ALGORITHM)),
        (3, JobError("gave-up", "gave-up", "", Category.ALGORITHM)),
        (77, BY_NAME["algorithm-unknown"]),
    ],
)
def test_an_exit_code_means_what_the_manifest_says(exit_code, error):
    assert MANIFEST.error_of(exit_code) == error


def test_a_mapped_exit_code_of_zero_is_still_no_error():
    zero = changed(COMPLETE, "/job/errors/0/code", 0)
    assert read_manifest(zero).value().error_of(0) is None


def test_a_job_type_owns_its_errors():
    assert [error.name for error in MANIFEST.errors] == ["no-scene", "diverged", "gave-up"]


# --- the interface


def test_the_variables_of_a_program_are_known():
    assert MANIFEST.interface.variables == {
        "SCENE": "SCENE",
        "LANDMARKS": "LANDMARKS",
        "THRESHOLD": "THRESHOLD",
        "CATALOG_URL": "CATALOG_URL",
        "CATALOG_KEY": "catalog-key",
    }
    assert (variable("db-host"), allocated("sharedMem")) == ("DB_HOST", "ALLOCATED_SHAREDMEM")


def test_the_secret_settings_are_known():
    assert MANIFEST.interface.secrets == {"catalog-key"}


def test_what_is_left_out_of_an_interface_has_its_default():
    interface = MANIFEST.interface
    scene, landmarks = interface.inputs.files
    assert (landmarks.required, landmarks.multiple, landmarks.partial, landmarks.media_types) == (False, True, False, ())
    assert (scene.media_types, scene.partial) == (("image/tiff",), True)
    assert [mount.mode for mount in interface.mounts] == ["ro", "rw"]
    assert [output.media_type for output in interface.outputs.files] == ["image/tiff", "application/octet-stream"]
    assert read_manifest(LEAST).value().interface.command == ""


def test_an_output_of_json_is_found_by_its_key_or_its_name():
    named = changed(COMPLETE, "/job/interface/outputs/json/0", {"name": "CLOUDS", "type": "integer"})
    assert MANIFEST.interface.outputs.json_[0].member == "cover"
    assert read_manifest(named).value().interface.outputs.json_[0].member == "CLOUDS"


def test_a_whole_number_may_be_written_with_a_point():
    assert read_manifest(changed(COMPLETE, "/job/timeout", 60.0)).value().job.timeout == 60


# --- versions


ORDER = [
    *("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1"),
    *("1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0-0", "2.0.0"),
]


def test_versions_come_in_the_order_of_the_standard():
    assert in_order(reversed(ORDER)) == ORDER
    assert all(compare(one, other) == -1 for one, other in pairwise(ORDER))
    assert (compare("2.0.0", "1.9.9"), compare("1.0.0", "1.0.0+5")) == (1, 0)


@pytest.mark.parametrize(
    ("versions", "last"),
    [
        ([], None),
        (["1.0.0"], "1.0.0"),
        (["1.9.0", "1.10.0"], "1.10.0"),
        (["1.0.0", "2.0.0-rc1"], "1.0.0"),
        (["2.0.0-a", "2.0.0-b"], "2.0.0-b"),
    ],
)
def test_the_newest_version_is_a_release_if_there_is_one(versions, last):
    assert newest(versions) == last


identifiers = st.from_regex(r"\A(?:0|[1-9][0-9]{0,3}|[0-9]{0,2}[a-zA-Z-][0-9a-zA-Z-]{0,4})\Z")
versions = st.builds(
    lambda numbers, pre, build: (
        ".".join(map(str, numbers)) + "-" * bool(pre) + ".".join(pre) + "+" * bool(build) + ".".join(build)
    ),
    st.tuples(*[st.integers(0, 99)] * 3),
    st.lists(identifiers, max_size=2),
    st.lists(st.from_regex(r"\A[0-9a-zA-Z-]{1,4}\Z"), max_size=1),
)


@given(versions)
def test_every_semantic_version_is_taken(version):
    assert read_manifest(changed(LEAST, "/job/jobVersion", version)).value().job.job_version == version


@given(st.lists(versions, max_size=6))
def test_the_order_of_versions_depends_on_nothing_else(some):
    assert in_order(some) == in_order(reversed(some))


# --- images


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("cloud-mask-2.1.0-rc1-seed:1.0.3", SeedImage("cloud-mask", "2.1.0-rc1", "1.0.3")),
        ("registry.example.org:5000/group/a-1.0.0-seed:0.0.1", SeedImage("a", "1.0.0", "0.0.1")),
        ("a-1.0.0-seed-1.0.0-seed:2.0.0", SeedImage("a", "1.0.0-seed-1.0.0", "2.0.0")),
        ("a-1.0.0-seed", None),
        ("a-1.0-seed:1.0.0", None),
        ("a:1.0.0", None),
        ("", None),
    ],
)
def test_the_name_of_a_seed_image_is_read(text, image):
    assert seed_image(text) == image


def test_a_manifest_names_its_image():
    assert str(MANIFEST.image) == "cloud-mask-2.1.0-rc1-seed:1.0.3"
    assert MANIFEST.image.is_reference


@given(st.from_regex(r"\A[a-z]{1,5}(-[a-z]{1,5})?\Z"), versions, versions)
def test_the_name_of_an_image_is_read_as_it_was_written(name, job_version, package_version):
    image = SeedImage(name, job_version, package_version)
    assert seed_image(str(image)) == image
