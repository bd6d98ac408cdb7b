"""What is checked before the service starts: the store, the models together, the vocabularies."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain import Backend, Precision
from app.errors import Kind, ManifestError, RequestError, SetupError, VocabularyError, WeightsError
from app.inference import selection
from app.inference.pool import EngineSpec
from app.services import Services
from app.settings import Settings
from app.stages import StageClock
from app.tagging.tagger import Track
from testing.stub_engine import load_stub_engine

MODELS = ("msd-vgg", "mtt-vgg")


@pytest.fixture
def copy(store: Path, tmp_path: Path) -> Path:
    """A store of two models to spoil."""
    for model in MODELS:
        shutil.copytree(store / model, tmp_path / "store" / model)
    return tmp_path / "store"


def services(store: Path, *models: str, **settings: object) -> Services:
    built = Services(
        Settings(_env_file=None, model_store=str(store), models=models or MODELS, **settings)
    )
    asyncio.run(built.close())
    return built


def edit(manifest: Path, old: str, new: str) -> None:
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new, 1))


def test_models_are_served_in_the_order_named_and_the_first_is_the_default(
    copy: Path,
) -> None:
    catalog = services(copy, "mtt-vgg", "msd-vgg").catalog

    assert [model.name for model in catalog.models] == ["mtt-vgg", "msd-vgg"]
    assert catalog.projection("raw", None).models[0].name == "mtt-vgg"


def test_the_newest_version_of_a_model_is_served(copy: Path) -> None:
    for version in ("2", "10"):
        shutil.copytree(copy / "mtt-vgg" / "1", copy / "mtt-vgg" / version)
        edit(
            copy / "mtt-vgg" / version / "manifest.toml",
            'version = "1"',
            f'version = "{version}"',
        )

    assert str(services(copy, "mtt-vgg").catalog.models[0].ref) == "mtt-vgg/10"


def test_an_unpublished_model_is_refused_with_the_published_ones(copy: Path) -> None:
    with pytest.raises(ManifestError, match=r"'msd-musicnn'.*msd-vgg, mtt-vgg"):
        services(copy, "msd-vgg", "msd-musicnn")


def test_a_store_without_models_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=f"{tmp_path}.*TAGGRAM_MODEL_STORE"):
        services(tmp_path)


def lose(weights: Path) -> None:
    weights.unlink()


def flip_a_bit(weights: Path) -> None:
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)


def cut_short(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("spoil", "state"), [(lose, "missing"), (flip_a_bit, "altered"), (cut_short, "altered")]
)
def test_weights_that_differ_from_the_published_ones_are_refused(
    spoil: Callable[[Path], None], state: str, copy: Path
) -> None:
    spoil(copy / "mtt-vgg" / "1" / "weights.safetensors")

    with pytest.raises(WeightsError, match=f"mtt-vgg/1 are {state}.*taggram models pull"):
        services(copy)
    services(copy, "msd-vgg")  # which are in place


def test_an_invalid_vocabulary_is_refused_with_file_and_line(copy: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "own.yaml"
    wrong.write_text("name: own\nversion: 1\ndescription: Ours.\ntags:\n  calm: {msd: [calm]}\n")

    with pytest.raises(VocabularyError, match=r"own\.yaml:5: .*'calm'"):
        services(copy, vocabulary_files=(wrong,))


def test_a_vocabulary_may_name_raw_tags_of_published_models_that_are_not_loaded(
    copy: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "name: own\nversion: 1\ndescription: Ours.\n"
        "tags:\n  calm: {msd: [ambient], mtt: [slow]}\n  fast: {mtt: [fast]}\n"
    )

    catalog = services(copy, "msd-vgg", vocabulary_files=(own,)).catalog

    assert catalog.projection("own", None).tags == ("calm",)


def test_nothing_is_tagged_before_the_models_are_loaded(copy: Path) -> None:
    with pytest.raises(RequestError) as refusal:
        _ = services(copy).runtime

    assert refusal.value.kind is Kind.NOT_READY


@pytest.mark.parametrize(
    "precision",
    [Precision.FLOAT32, pytest.param(Precision.BF16, marks=pytest.mark.thorough)],
)
def test_models_use_the_engine_of_the_settings_share_a_front_end_and_are_named_by_the_metrics(
    precision: Precision, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How close bf16 comes to the published scores depends on the CPU.
    monkeypatch.setattr(selection, "check_golden", lambda *_, **__: None)
    built = services(copy, engine=Backend.TENSORFLOW, precision=precision)

    built.load()

    assert sorted(map(str, built.choices)) == ["msd-vgg/1", "mtt-vgg/1"]
    assert set(built.choices.values()) == {EngineSpec(Backend.TENSORFLOW, precision)}
    exposed = built.metrics.exposition().decode()
    for model in MODELS:
        assert f'{{engine="tensorflow",model="{model}",precision="{precision}"' in exposed
    assert len({id(engine.extractor) for engine in built.runtime.pool.loaded.values()}) == 1


def test_a_model_with_other_scores_is_not_served(copy: Path) -> None:
    edit(copy / "mtt-vgg" / "1" / "manifest.toml", "0.069121", "0.969121")
    built = services(copy, engine=Backend.TENSORFLOW, precision=Precision.FLOAT32)

    with pytest.raises(SetupError, match=r"mtt-vgg/1: the golden input's scores differ by"):
        built.load()
    with pytest.raises(RequestError, match="not_ready"):
        _ = built.runtime.tagger
    assert not built.choices


def test_predictions_are_counted_from_0_before_the_service_is_ready(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(_env_file=None, model_store=str(copy), models=MODELS)
    built = Services(settings, load_stub_engine)

    def expect(*_: object) -> None:
        with pytest.raises(RequestError, match="not_ready"):
            _ = built.runtime
        expected.append(True)

    expected: list[bool] = []
    monkeypatch.setattr(built.metrics.predictions, "expect", expect)
    built.load()
    asyncio.run(built.close())

    assert expected


def test_a_loaded_service_analyses_files_and_can_be_closed(copy: Path, clip: Path) -> None:
    async def scenario() -> None:
        settings = Settings(
            _env_file=None,
            model_store=str(copy),
            models=MODELS,
            max_batch_windows=2,
            max_wait_ms=0,
            max_queued_windows=1,
        )
        built = Services(settings, load_stub_engine)
        built.load()
        track, models = Track(clip.open("rb"), "0" * 64), built.catalog.models
        taggrams, known = await built.runtime.tagger.infer(track, models, StageClock())
        assert not known
        assert [taggram.scores.shape for taggram in taggrams] == [(4, 50)] * 2
        again, known = await built.runtime.tagger.infer(track, models, StageClock())
        assert known
        assert [taggram.key for taggram in again] == [taggram.key for taggram in taggrams]
        assert [(taggram.key.model, taggram.key.precision) for taggram in again] == [
            (model.ref, built.choices[model.ref].precision) for model in models
        ]
        figures = dict(
            line.rsplit(" ", 1) for line in built.metrics.exposition().decode().splitlines()
        )
        assert figures["taggram_batch_windows_sum"] == "8.0"
        in_twos = figures['taggram_batch_windows_bucket{le="2.0"}']
        assert in_twos == figures["taggram_batch_windows_count"]
        await built.close()
        with pytest.raises(RequestError, match="not_ready"):
            await built.runtime.tagger.infer(Track(track.file, "1" * 64), models, StageClock())
        track.file.close()

    asyncio.run(scenario())
