"""A model's card: everything that is known of it, and nothing that does anything."""

import re

import pytest

from app.constant_q import ConstantQ
from app.front_ends import BandPass, FrontEnd
from app.models import architectures
from app.spectra import (
    Chroma,
    Decibels,
    LogFrequency,
    NaturalLog,
    Padding,
    Spectrum,
    Standardisation,
    Weighting,
    WindowFunction,
)
from app.store.card import card, inert
from app.store.manifest.front_end_words import front_end_words
from app.store.manifest.manifest import ModelSpec, read_store
from app.store.manifest.training_results import TrainedVocabulary
from app.store.registry.packaging import ModelPackage
from app.store.registry.weights import read_weights
from app.store.storage.store import Store
from tests.support import tiny


@pytest.fixture(scope="module")
def musicnn_card(store) -> str:
    models = Store(store)
    manifest = read_store(models)["msd-musicnn"]
    return card(manifest, read_weights(models, manifest))


def test_a_card_describes_a_published_model(musicnn_card: str):
    for words in (
        "# msd-musicnn/1\n",
        "- Architecture: musicnn\n",
        "- Parameters: 792,079, of which 787,159 are trained and 4,920 are means and variances",
        "- Front end: mono at 16,000 Hz; Fourier transforms of 512 samples each 256 samples",
        "96 mel bands from 0 to 8000 Hz (Slaney's formula)",
        "- Window: 2.99 s (187 frames), one every 2.99 s (187 frames)\n",
        "- Family: msd\n",
        "- 50 in the order of the outputs: rock, pop, alternative, indie, electronic,",
        "- ROC-AUC: 0.8802\n- PR-AUC: 0.2891\n",
        "models comparable: Share of the tagged tracks in the Last.fm dataset of the Million",
        "Confidence is low if a track's mean scores are within ",
        "- Licence: ISC\n",
        "- Where: <https://github.com/jordipons/musicnn>\n",
        "- To cite: Jordi Pons and Xavier Serra.",
        "Golden input: 7.5 s of synthetic audio from seed 20260101",
        "TAGGRAM_MODELS='[\"msd-musicnn/1\"]' taggram serve",
        "taggram models promote msd-musicnn 1",
    ):
        assert words in musicnn_card


def test_the_parameters_of_a_card_are_those_of_the_network(store):
    models = Store(store)
    for manifest in read_store(models).values():
        weights = read_weights(models, manifest)
        network = architectures()[manifest.architecture.name].network(
            n_tags=len(manifest.tags.names),
            window=manifest.window_spec.window_shape,
            **manifest.architecture.arguments,
        )
        assert f"- Parameters: {network.count_params():,}, " in card(manifest, weights)


def test_unknown_facts_are_marked_as_unknown(package: ModelPackage):
    text = card(package.manifest("1"), tiny.weights())

    assert "- Test set: not measured\n- ROC-AUC: not measured\n- PR-AUC: not measured\n" in text
    assert "- Thresholds: none were chosen\n- Calibration: not measured, so a score" in text
    assert "- Base rates, which make scores of tags and models comparable: not stated" in text
    assert "can distinguish music from speech, tones and noise was not measured" in text
    assert "- Where: not stated\n- To cite: not stated\n" in text


def test_a_card_says_if_no_tag_has_a_threshold(package: ModelPackage):
    nothing = tiny.spec(thresholds={"precision": 0.9, "scores": {}}).thresholds
    manifest = package.manifest("1").model_copy(update={"thresholds": nothing})

    text = card(manifest, tiny.weights())

    assert "at least 90 % of the time, on the validation set: no tag has one\n" in text
    assert "- Without a threshold, or not measured: one, two, three\n" in text


HOSTILE = [
    "<script>alert(1)</script>",
    "[a link](javascript:alert(1))",
    "![a picture](https://tracker.example/x.png)",
    "`code`",
    "# a heading",
    "- a list",
    "1. a list",
    "| a | table |",
    "*strong* __words__ ~~gone~~",
    "two\n\n# lines",
    "&lt;b&gt;",
    "<https://evil.example>",
    "https://evil.example",
    "www.evil.example",
    ":smile:",
    "$x^2$",
    "[^1]: a note",
    "a\\",
    "---",
    "\u202egnp.exe",
    "--> <!--",
]


FACTS = (
    *("summary", "tags", "source", "evaluation", "vocabulary", "thresholds", "calibration"),
    "base_rates",
)


def _saying(text: str) -> ModelSpec:
    """What is to be said about a model, the same text in each place."""
    figures = {"roc_auc": 0.5, "pr_auc": 0.5}
    spec = tiny.spec(
        summary=text,
        tags={"family": "tiny", "names": [text, "two", "three"]},
        source={"description": text, "url": text, "licence": text, "citation": text},
        evaluation={
            "dataset": text,
            **figures,
            "split": text,
            "tags": {text: {**figures, "positives": 1}},
        },
        thresholds={"precision": 0.8, "scores": {text: 0.5}},
        base_rates={"source": text, "rates": (0.1, 0.2, 0.3)},
    )
    # Not every text may name a vocabulary.
    named = TrainedVocabulary.model_construct(name=text, description=text, unheard=(text,))
    return spec.model_copy(update={"vocabulary": named})


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_a_manifest_stays_text(text: str, package: ModelPackage):
    markdown = pytest.importorskip("markdown_it")
    spec, plain = _saying(text), _saying("x")

    def shape(of: ModelSpec) -> list[str]:
        facts = {name: getattr(of, name) for name in FACTS}
        manifest = package.manifest("1").model_copy(update=facts)
        written = card(manifest, tiny.weights())
        renderer = markdown.MarkdownIt("gfm-like", {"linkify": False})
        return re.findall(r"</?\w+", renderer.render(written))

    got, wanted = shape(spec), shape(plain)
    if text == "https://evil.example":  # as the source's address it is meant to be a link
        got = [tag for tag in got if tag not in {"<a", "</a"}]
    assert got == wanted


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_is_one_line_and_reads_the_same(text: str):
    line = inert(text)

    assert "\n" not in line
    assert "<" not in line
    shown = re.sub(r"\\([^a-zA-Z0-9\s])", r"\1", line)
    for entity, character in {"&lt;": "<", "&gt;": ">", "&amp;": "&"}.items():
        shown = shown.replace(entity, character)
    assert shown == " ".join(text.replace("\u202e", " ").split())


def test_every_front_end_is_described():
    for name, architecture in architectures().items():
        words = front_end_words(architecture.front_end)
        assert words.startswith("mono at "), name
        assert ";" in words


def test_a_front_end_of_stereo_samples_is_described():
    words = front_end_words(FrontEnd(16_000, channels=2))

    assert words == "stereo at 16,000 Hz; the samples themselves"


def test_a_front_end_is_described_step_by_step():
    spectrum = Spectrum(
        (512, 1024),
        256,
        centred=False,
        power=1.0,
        weighting=Weighting.A,
        bands=LogFrequency(12, 12, 110.0),
        log=NaturalLog(1e-6),
        cepstrum=2,
        standardised=Standardisation((0.0, 0.0), (1.0, 1.0)),
    )

    words = front_end_words(FrontEnd(16_000, spectrum, BandPass(100.0, 4_000.0)))

    assert words.split("; ") == [
        "mono at 16,000 Hz",
        "band-pass from 100 to 4000 Hz",
        "Fourier transforms of 512 and 1,024 samples each 256 samples, not centred",
        "magnitudes",
        "frequencies weighted by the curve A",
        "12 bands from 110 Hz up, 12 an octave",
        "natural logarithm of that, plus 1e-06",
        "the first 2 cepstral coefficients",
        "each band minus its mean and divided by its standard deviation in the training data",
    ]
    essentia = Spectrum(
        (512,),
        160,
        WindowFunction.SYMMETRIC_HANN,
        win_length=400,
        padding=Padding.ZERO,
        standardised=Standardisation((2.0,), (0.5,)),
    )
    sixteen_bits = Standardisation((0.0,), (1 / 32_768,))
    assert front_end_words(FrontEnd(16_000, essentia, standardised=sixteen_bits)).split("; ") == [
        "mono at 16,000 Hz",
        "samples minus 0, divided by 3.05176e-05",
        "Fourier transforms of 512 samples each 160 samples, centred, the track's ends padded with "
        "zeros",
        "windows of 400 samples, filled up with zeros",
        "symmetric Hann windows",
        "power",
        "all bands minus 2, divided by 0.5",
    ]
    chroma = FrontEnd(8_000, Spectrum((512,), 256, bands=Chroma(12)))
    assert "12 pitch classes, all octaves together" in front_end_words(chroma)
    assert front_end_words(FrontEnd(8_000)) == "mono at 8,000 Hz; the samples themselves"
    pitches = Spectrum((16_384,), 512, bands=ConstantQ(84, 12, 32.703, 0.5), deltas=2)
    assert front_end_words(FrontEnd(22_050, pitches, envelope=9)).split("; ") == [
        "mono at 22,050 Hz",
        "magnitudes, averaged over 9 samples",
        "constant-Q transforms by filters 0.5 times as long to 84 bands from 32.703 Hz up, 12 an "
        "octave, each 512 samples, centred, the track's ends reflected",
        "power",
        "their first and second derivatives over time",
    ]
    loud = Spectrum((64,), 32, power=3.0, log=Decibels(1e-10))
    assert front_end_words(FrontEnd(8_000, loud)).endswith(
        "magnitudes to the power of 3; decibels, nothing below 1e-10"
    )
