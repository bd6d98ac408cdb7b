"""Custom tags, taught on the embedding of an imported network."""

from pathlib import Path

import numpy as np
import pytest

from app.domain import ModelRef, Waveform
from app.errors import SetupError
from app.evaluation.scoring import PREFERENCE
from app.inference.stacked_engine import choose_whole
from app.probing.encoder import Encoder
from app.probing.examples import Examples
from app.probing.probe import train_probe
from app.probing.teaching import TeachResult, check_name, teach
from app.store.registry.verification import verify
from app.store.storage.store import Store
from tests.probing.test_teaching import TAGS, embedded_in, quiet, write_songs
from tests.support.network_imports import FRONT_END, converting_here, import_backbone, import_head
from tests.support.toy import RATE, toy_sound


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("imported")
    write_songs(root / "songs")
    return root


@pytest.fixture(scope="module")
def models(root: Path) -> Store:
    models = Store(root / "models")
    (root / "wide.toml").write_text(
        FRONT_END.replace("= 2000", f"= {RATE}").replace("1000.0", f"{RATE / 2}")
    )
    with converting_here():
        import_backbone(models, root, front_end=str(root / "wide.toml"))
        import_head(models, root, "headed")
    return models


@pytest.fixture(scope="module")
def encoder(models: Store, root: Path) -> Encoder:
    return Encoder(models, "backbone", root / "cache")


@pytest.fixture(scope="module")
def taught(models: Store, encoder: Encoder, root: Path) -> TeachResult:
    songs = embedded_in(root / "songs", encoder, root / "cache").songs
    return teach(models, encoder, songs, name="own", precision=0.8, on_progress=quiet)


def test_the_probe_is_published_as_a_head_on_the_imported_network(
    models: Store, taught: TeachResult
):
    assert taught.evaluation.song.roc_auc_macro.value > 0.95
    assert taught.manifest.backbone == encoder_ref(models)
    assert taught.manifest.source.licence == "CC0-1.0"
    assert taught.manifest.source.commercial_use
    assert taught.manifest.vocabulary.name == "own"
    verify(models, taught.manifest)


def encoder_ref(models: Store) -> ModelRef:
    return next(ref for ref in models.refs() if ref.name == "backbone")


def test_the_head_scores_like_the_probe(
    models: Store, encoder: Encoder, taught: TeachResult, root: Path
):
    songs = embedded_in(root / "songs", encoder, root / "cache").songs
    probe = train_probe(Examples.of(songs, taught.manifest.tags.names))
    samples = np.rint(toy_sound("low", 99).astype(np.float32) * 32_768).astype(np.int16)
    waveform = Waveform(samples / np.float32(32_768), RATE)

    given = choose_whole(models, taught.manifest, PREFERENCE).scores(waveform)

    expected = probe.scores(encoder.embed(samples, "0" * 64).windows)
    np.testing.assert_allclose(given, expected, atol=1e-4)
    assert set(taught.manifest.tags.names) == set(TAGS)


def test_tags_may_be_taught_again_under_the_same_name(models: Store, taught: TeachResult):
    check_name(models, taught.manifest.name, TAGS)
    with pytest.raises(SetupError, match="the name of another model"):
        check_name(models, "headed", TAGS)


def test_a_head_has_no_embedding_to_teach_on(models: Store, tmp_path: Path):
    with pytest.raises(SetupError, match=r"headed/1: .* has no embedding; choose backbone/1"):
        Encoder(models, "headed", tmp_path)
