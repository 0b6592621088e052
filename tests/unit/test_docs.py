"""The documents say what the code says, and their links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from scale.cli import drawing
from scale.client import ScaleClient
from scale.job.submission import Submission
from scale.scheduler.status import Parts, document
from tests.conftest import NOW

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_the_states_are_drawn_as_the_code_is():
    assert (DOCS / "states.md").read_text() == drawing.states_page(), "run `make docs`"


def test_the_errors_are_told_as_the_catalogue_is():
    assert (DOCS / "reference" / "errors.md").read_text() == drawing.errors_page(), "run `make docs`"


def test_no_execution_comes_back_from_a_final_status():
    final = ("COMPLETED", "FAILED", "CANCELED")
    assert not [edge for edge in drawing.execution_edges() if edge[0].startswith(final) and edge[1].startswith("RUNNING")]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert not [link for link in links if "://" not in link and not (page.parent / link).exists()]


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name_of)
def test_every_page_can_be_found_from_the_index(page):
    index = (DOCS / "index.md").read_text()
    path = str(page.relative_to(DOCS))
    assert page.name == "index.md" or f"({path})" in index or (path.startswith("decisions/") and "(decisions/)" in index)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_path_of_the_machine_it_was_written_on(page):
    assert not re.findall(r"(?<![\w.])/(?:work|tmp|root)/\S*", page.read_text())


def test_no_two_decisions_have_the_same_number():
    numbers = [int(page.name.partition("-")[0]) for page in sorted((DOCS / "decisions").glob("*.md"))]
    assert len(set(numbers)) == len(numbers)


def test_every_dependency_is_explained():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.match(r"[\w.-]+", line).group() for line in wanted}
    page = (DOCS / "decisions" / "0003-dependencies.md").read_text()
    told = {name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`([\w.-]+)`", row)}
    assert told == names


def test_the_table_of_addresses_is_as_the_urls_are():
    page = (DOCS / "reference" / "rest.md").read_text()
    told = set(re.findall(r"^\| ([A-Z]+) \| `(/[^`]*)` \|", page, re.MULTILINE))
    known = set(addresses(get_resolver()))
    former = {(method, path) for method, path in known if path.startswith("/api/v6/")}
    assert told == known - former
    assert {(method, path.replace("v6", "v7")) for method, path in former} == {
        one for one in told if one[1].startswith("/api/v7/")
    }


def addresses(resolver, before="/"):
    """Every method and address of the API; the front page and the admin site are Django's own."""
    for pattern in resolver.url_patterns:
        assert isinstance(pattern.pattern, RoutePattern) or pattern.app_name == "admin"
        path = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from addresses(pattern, path)
        elif isinstance(pattern, URLPattern) and path != "/":
            view = getattr(pattern.callback, "view_class", None)
            methods = [name for name in view.http_method_names if hasattr(view, name)] if view else ["get"]
            yield from ((name.upper(), path) for name in methods if name not in ("head", "options"))


def test_every_key_of_the_status_document_is_explained():
    page = (DOCS / "reference" / "status.md").read_text()
    empty = Parts(NOW, "here", False, {"new_offers_per_sec": 0.0}, (), NOW, (), {}, ())
    missing = [key for key in keys_of(document(empty)) if f"`{key}" not in page and f"{key}`" not in page]
    assert not missing


def keys_of(value, before=""):
    for key, inner in value.items():
        if isinstance(inner, dict) and inner and key not in ("resources", "state", "metrics", "database_update"):
            yield from keys_of(inner, f"{before}{key}.")
        else:
            yield f"{before}{key}"


def test_the_page_about_submitting_shows_every_field_with_its_default():
    page = (DOCS / "how-to" / "submit.md").read_text()
    assert not [name for name in Submission.model_fields if f'"{name}": ' not in page]
    shown = re.search(r"--json '(\{.*?\})'", page, re.DOTALL).group(1)
    stated = Submission.model_validate_json(shown)
    assert stated == Submission(command=stated.command)


def test_the_licence_is_the_apache_licence():
    text = (ROOT / "LICENSE").read_text()
    assert text.split()[:6] == ["Apache", "License", "Version", "2.0,", "January", "2004"]
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_client_that_the_documents_use_has_what_they_call():
    calls = {name for page in PAGES for name in re.findall(r"\bscale\.(wait|submit|logs|jobs?|status)\(", page.read_text())}
    assert calls
    assert not [name for name in calls if not hasattr(ScaleClient, name)]


def test_every_test_that_a_page_names_is_there():
    root = DOCS.parent
    for page in DOCS.rglob("*.md"):
        for path, _, name in re.findall(r"`((?:tests|benchmarks)/[\w/.]+)(::(\w+))?`", page.read_text()):
            assert (root / path).exists(), f"{page.name} names {path}"
            assert not name or f"def {name}(" in (root / path).read_text(), f"{page.name} names {path}::{name}"
