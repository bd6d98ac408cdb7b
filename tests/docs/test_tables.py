"""The tables of the documentation agree with the code."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest

from app.api.problems import STATUS
from app.api.schemas.feedback import FeedbackIn
from app.api.schemas.parameters import SuggestParameters, TaggramParameters
from app.api.schemas.recommendations import RecommendationsIn, RecommendationsOut
from app.api.schemas.upload_tokens import UploadTokenRequest
from app.catalogue.run_metrics import collect_run
from app.errors import Kind
from app.front_ends import FrontEnd
from app.metrics import Metrics
from app.settings import Settings
from app.spectra import Spectrum
from app.store.importers.front_ends.presets import presets, read_front_end
from app.store.manifest.manifest import read_store
from app.store.storage.store import Store
from app.tagging.pooling import Pooling
from app.tagging.vocabulary_file import read_vocabulary
from app.training.loop.networks import check
from app.training.recipe.schema import read_recipe
from app.training.sweep.plan import Sweep, combine, read_sweep
from testing.server import Server
from tests.conftest import REPOSITORY
from tests.docs.pages import DOCS, GUIDES, README, block, code, doc, first_cells, section

OF_THE_TESTS = {"needs_browser"}
"""Named in CONTRIBUTING.md; no setting of the service."""

OTHER_NAMES = {"taggram_client", "taggram_url"}
"""A generated package and a field: no metrics."""

WEB = "".join(path.read_text() for path in sorted((REPOSITORY / "app" / "web").glob("*.js")))


def _defaults() -> list[tuple[str, str]]:
    """Pair each setting with its default, if the table shows a value."""
    rows = re.findall(r"^\| (`TAGGRAM.+?) \| (.+?) \|", doc("operating"), re.MULTILINE)
    pairs = []
    for names, values in rows:
        shown = re.split(r"(?<=`), (?=`)", values)
        listed = re.findall(r"`(\w+)`", names)
        if all(re.fullmatch(r"`[^`]+`", value) for value in shown):
            pairs += zip(listed, (value.strip("`") for value in shown), strict=True)
    return pairs


def test_every_setting_is_listed_and_no_other() -> None:
    listed = [name for name in first_cells(doc("operating")) if name.startswith("TAGGRAM_")]
    assert sorted(listed) == sorted(f"TAGGRAM_{name.upper()}" for name in Settings.model_fields)


def test_every_setting_named_anywhere_exists() -> None:
    text = "".join(page.read_text() for page in GUIDES)
    named = {name.lower() for name in re.findall(r"TAGGRAM_([A-Z0-9_]+)", text)}
    assert named - OF_THE_TESTS == set(Settings.model_fields)


@pytest.mark.parametrize(("name", "default"), _defaults())
def test_each_setting_has_the_default_that_is_listed(
    name: str, default: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = name.removeprefix("TAGGRAM_").lower()
    monkeypatch.delenv(name, raising=False)
    unset = getattr(Settings(_env_file=None), field)
    monkeypatch.setenv(name, default)
    assert getattr(Settings(_env_file=None), field) == unset


def test_every_kind_of_error_is_listed_with_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \| (.+?) \|$", doc("http-api"), re.MULTILINE)
    listed = {(kind, int(code)) for code, kinds in rows for kind in re.findall(r"`(\w+)`", kinds)}
    assert listed == {(kind.value, status) for kind, status in STATUS.items()}


def test_every_kind_of_error_is_explained() -> None:
    explained = first_cells(section(doc("troubleshooting"), "Errors of the API"))
    assert sorted(explained) == sorted(Kind)


def test_every_metric_is_listed_and_no_other() -> None:
    run = generate_latest(collect_run(None, is_success=True))
    exposition = (Metrics().exposition() + run).decode()
    exposed = re.findall(r"^# TYPE (taggram_\w+)", exposition, re.MULTILINE)
    listed = first_cells(section(doc("operating"), "Metrics"))
    in_rows = {name for name in listed if name.startswith("taggram_")}
    assert in_rows == {name for name in exposed if not name.endswith("_created")}


def test_every_metric_named_anywhere_is_listed() -> None:
    text = "".join(page.read_text() for page in DOCS)
    listed = first_cells(section(doc("operating"), "Metrics"))
    named = set(re.findall(r"\btaggram_[a-z_]+", text)) - OTHER_NAMES
    assert {re.sub("_(bucket|count|sum)$", "", name) for name in named} <= set(listed)


def test_every_route_is_listed_and_no_other(stub: Server) -> None:
    paths = stub.http.get("/openapi.json").json()["paths"]
    served = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    listed = first_cells(section(doc("http-api"), "Routes").partition("\n\nWithout API keys")[0])
    assert {route.partition("?")[0] for route in listed} == served


def test_the_parameters_of_suggestions_have_the_defaults_listed() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (?:`([\w.]+)`)?.*? \|",
        section(doc("http-api"), "Suggest tags"),
        re.MULTILINE,
    )
    fields = SuggestParameters.model_fields
    listed = {name: default for name, default in rows if name in fields}
    assert listed.keys() == fields.keys()
    shown = {name: default for name, default in listed.items() if default}
    assert SuggestParameters.model_validate(shown) == SuggestParameters()


def test_the_parameters_of_taggrams_are_listed() -> None:
    named = {name.partition("=")[0] for name in code(section(doc("http-api"), "Taggrams"))}
    assert TaggramParameters.model_fields.keys() <= named


def test_every_pooling_is_explained() -> None:
    assert set(Pooling) <= set(first_cells(section(doc("http-api"), "Suggest tags")))


def test_the_bodies_shown_are_accepted(stub: Server) -> None:
    feedback = block(doc("http-api"), "json", '"shown"')
    FeedbackIn.model_validate_json(feedback)
    assert stub.http.post("/feedback", json=json.loads(feedback)).is_success
    UploadTokenRequest.model_validate_json(block(doc("http-api"), "json", '"origin"'))
    outcomes = block(doc("http-api"), "json", '"outcomes"')
    assert stub.http.post("/feedback", json=json.loads(outcomes)).is_success
    RecommendationsIn.model_validate_json(block(doc("http-api"), "json", '"exclude"'))
    RecommendationsOut.model_validate_json(block(doc("http-api"), "json", '"unknown_tracks"'))


def test_the_vocabulary_shown_is_accepted(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(block(doc("models"), "yaml", "our-subgenres"))
    families = {m.tags.family: set(m.tags.names) for m in read_store(Store(store)).values()}
    accepted, shown = read_vocabulary(path, families), yaml.safe_load(path.read_text())
    assert (accepted.tags.keys(), accepted.genres.keys()) == (
        shown["tags"].keys(),
        shown["genres"].keys(),
    )


def test_every_extra_is_listed_and_no_other() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    listed = first_cells(section(doc("getting-started"), "Install the wheel"))
    assert set(listed) == project["optional-dependencies"].keys()


def test_every_recipe_is_listed_and_no_other() -> None:
    shipped = {path.stem for path in (REPOSITORY / "app/training/recipe/built_in").glob("*.yaml")}
    assert set(first_cells(section(doc("training"), "Recipes and runs"))) == shipped


def test_every_model_to_pull_is_listed_and_no_other() -> None:
    shipped = {path.stem for path in (REPOSITORY / "app/store/importers/available").glob("*.toml")}
    assert set(first_cells(section(doc("models"), "Pull more models"))) == shipped


def test_every_key_and_preset_of_front_ends_is_listed_and_no_other() -> None:
    keys = [field.name for table in (FrontEnd, Spectrum) for field in fields(table)]
    listed = first_cells(section(doc("models"), "Front ends"))
    assert sorted(listed) == sorted([*keys, *presets()])


def test_the_front_end_shown_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(block(doc("models"), "toml", "[front_end]"))
    assert read_front_end(str(path)) == read_front_end("discogs-effnet")


def test_every_key_of_sweeps_is_listed_and_the_sweep_shown_is_accepted(tmp_path: Path) -> None:
    text = section(doc("training"), "Compare front ends and settings")
    assert sorted(set(first_cells(text))) == sorted(Sweep.model_fields)
    path = tmp_path / "mels.toml"
    path.write_text(block(text, "toml", "[choices]"))
    candidates = combine(read_sweep(path), read_recipe("thesis"), str(path))
    assert len(candidates) == 2**6
    for candidate in (candidates[0], candidates[-1]):
        check(candidate.recipe.phases[0], 50)


def test_every_architecture_is_listed_and_no_other() -> None:
    files = (REPOSITORY / "app/models/architectures").glob("*.py")
    shipped = {path.stem for path in files} - {"__init__"}
    assert set(first_cells(section(doc("benchmarks"), "Architectures"))) == shipped


def test_the_element_has_what_is_listed() -> None:
    page = doc("signup-element")
    attributes = first_cells(section(page, "Attributes"))
    parts = [name for name in code(section(page, "Looks")) if re.fullmatch(r"[a-z-]+", name)]
    names = [*attributes, *first_cells(section(page, "Events")), *parts]
    missing = [name for name in names if name.removeprefix("tag-suggest:") not in WEB]
    assert not missing


def test_the_markup_shown_is_that_of_the_element() -> None:
    listed = set(first_cells(section(doc("signup-element"), "Attributes")))
    for page in (README.read_text(), doc("signup-element")):
        markup = block(page, "html", "<tag-suggest")
        [script] = re.findall(r'src="https://tags\.example/(.+?)"', markup)
        assert (REPOSITORY / "app" / script).is_file()
        [element] = re.findall(r"<tag-suggest (.+?)>", markup)
        assert {word.partition("=")[0] for word in element.split()} <= listed


def test_the_documented_texts_are_texts_of_the_element() -> None:
    shown = block(doc("signup-element"), "js", "element.words")
    english = (REPOSITORY / "app/web/words-en.js").read_text()
    keys = set(re.findall(r"(\w+): (?:\"|\{)", shown)) - {"one", "other"}
    assert keys
    assert all(re.search(rf"^\s+{key}:", english, re.MULTILINE) for key in keys)


def test_the_functions_of_the_architecture_exist() -> None:
    rows = re.findall(r"^\| .+ \| `([\w.]+)` \| `(app/.+?)` \|$", doc("architecture"), re.MULTILINE)
    assert rows
    for function, path in rows:
        source = (REPOSITORY / path).read_text()
        *classes, name = function.split(".")
        assert all(re.search(rf"^class {each}\b", source, re.MULTILINE) for each in classes)
        assert re.search(rf"^\s*(?:async )?def {name}\b", source, re.MULTILINE), function
