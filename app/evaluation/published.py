"""Figures that others published: tables 4.10, 10.1 and 10.2 of the thesis, and later results.

None of them was measured here. `Result.architecture` names our implementation of a method, so that
its cost and our own runs can be shown with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

MTAT = "MagnaTagATune, clean split"
MSD = "Million Song Dataset, Last.fm's top 50"
JAMENDO = "MTG-Jamendo, top 50"

DATASETS = (MTAT, MSD, JAMENDO)

WON_2020 = "Won et al. 2020, arXiv:2006.00751, one protocol for all; table 4.10 of the thesis"
WON_2021 = "Won, Choi & Serra 2021, arXiv:2111.13457; table 4.7 of the thesis"
PONS_2019 = "Pons & Serra 2019, arXiv:1909.06654"
KIM_2018 = "Kim, Lee & Nam 2018, arXiv:1710.10451; table 4.4 of the thesis"
LEE_2017 = "Lee & Nam 2017, arXiv:1706.06810; table 4.4 of the thesis"
PONS_2018 = "Pons et al. 2018, arXiv:1711.02520; table 4.2 of the thesis"
WON_2019 = "Won, Chun & Serra 2019, arXiv:1906.04972"
LU_2021 = (
    "Lu et al. 2021, arXiv:2110.09127; table 4.8 of the thesis. Another protocol: short-chunk CNN "
    "+ Res has .9155 and .3708 there"
)
SPIJKERVET_2021 = "Spijkervet & Burgoyne, arXiv:2103.09410, and their repository. Full split"
CASTELLON_2021 = "Castellon, Donahue & Liang 2021, arXiv:2107.05677. Full split"


@dataclass(frozen=True)
class Result:
    """Published figures of a method.

    Attributes:
        method: Its name, as published.
        source: The publication.
        roc_pr: ROC-AUC and PR-AUC by dataset; None if not published.
        architecture: Our implementation; None if there is none.
        n_mels: The number of mel bands, if it is not that of our implementation's front end.
        is_comparable: Whether the splits are those of table 4.10.
    """

    method: str
    source: str
    roc_pr: Mapping[str, tuple[float, float | None]]
    architecture: str | None = None
    n_mels: int | None = None
    is_comparable: bool = True

    @property
    def cost(self) -> str | None:
        """The name of its cost in `costs.json`; None without an implementation of ours."""
        if self.architecture is None or self.n_mels is None:
            return self.architecture
        return f"{self.architecture}, {self.n_mels} mels"


@dataclass(frozen=True)
class ThesisResult:
    """Figures of a network that the thesis trained on one task.

    Attributes:
        task: The task.
        method: The network, as the thesis names it.
        figures: PR-AUC, ROC-AUC and cosine similarity by level: `chunk` (table 10.1), or a pooling
            of table 10.2; None if not stated.
    """

    task: str
    method: str
    figures: Mapping[str, tuple[float | None, float | None, float | None]] = field(
        default_factory=dict
    )


def _won(method: str, architecture: str, *figures: float, n_mels: int | None = None) -> Result:
    pairs = dict(zip(DATASETS, zip(figures[::2], figures[1::2], strict=True), strict=True))
    return Result(method, WON_2020, pairs, architecture, n_mels)


TABLE_4_10 = (
    _won("FCN", "fcn", 0.9005, 0.4295, 0.8744, 0.2970, 0.8255, 0.2801),
    _won("FCN, 128 mels", "fcn", 0.8994, 0.4236, 0.8742, 0.2963, 0.8245, 0.2792, n_mels=128),
    _won("Musicnn", "musicnn_zoo", 0.9106, 0.4493, 0.8803, 0.2983, 0.8226, 0.2713),
    _won(
        "Musicnn, 128 mels",
        "musicnn_zoo",
        *(0.9092, 0.4546, 0.8788, 0.3036, 0.8275, 0.2810),
        n_mels=128,
    ),
    _won("Sample-level", "sample_cnn", 0.9058, 0.4422, 0.8789, 0.2959, 0.8208, 0.2742),
    _won("Sample-level + SE", "sample_cnn_se", 0.9103, 0.4520, 0.8838, 0.3109, 0.8233, 0.2784),
    _won("CRNN", "crnn", 0.8722, 0.3625, 0.8499, 0.2469, 0.7978, 0.2358),
    _won("CRNN, 128 mels", "crnn", 0.8703, 0.3601, 0.8460, 0.2330, 0.7984, 0.2378, n_mels=128),
    _won("Self-attention", "cnnsa", 0.9077, 0.4445, 0.8810, 0.3103, 0.8261, 0.2883),
    _won("Harmonic CNN", "harmonic_cnn", 0.9127, 0.4611, 0.8898, 0.3298, 0.8322, 0.2956),
    _won("Short-chunk CNN", "short_chunk_cnn", 0.9126, 0.4590, 0.8883, 0.3251, 0.8324, 0.2976),
    _won("Short-chunk + Res", "short_chunk_res", 0.9129, 0.4614, 0.8898, 0.3280, 0.8316, 0.2951),
)

OTHERS = (
    Result("MusiCNN of the wheel", PONS_2019, {MSD: (0.8802, 0.2891)}, "musicnn"),
    Result("VGG of the wheel", PONS_2019, {MSD: (0.8768, 0.2819)}, "vgg"),
    Result(
        "SampleCNN, ReSE", KIM_2018, {MTAT: (0.9113, None), MSD: (0.8847, None)}, "sample_cnn_rese"
    ),
    Result(
        "SampleCNN, multi-features",
        LEE_2017,
        {MTAT: (0.9064, None), MSD: (0.8842, None)},
        "multi_level_multi_scale",
    ),
    Result("Waveform", PONS_2018, {MSD: (0.8741, 0.2853)}, "musicnn_waveform"),
    Result(
        "Raw, self-attention",
        WON_2019,
        {MTAT: (0.9066, 0.4421), MSD: (0.8807, 0.2990)},
        "cnnsa_sample_cnn",
    ),
    Result(
        "Spectrogram, self-attention",
        WON_2019,
        {MTAT: (0.9080, 0.4439), MSD: (0.8814, 0.3047)},
        "cnnsa_musicnn",
    ),
    Result("Transformer", WON_2021, {MSD: (0.8916, 0.3358)}, "music_tagging_transformer"),
    Result("Transformer + augmentation", WON_2021, {MSD: (0.8972, 0.3479)}),
    Result("SpecTNT", LU_2021, {MSD: (0.9208, 0.3862)}, "spectnt", is_comparable=False),
    Result(
        "CLMR, linear probe",
        SPIJKERVET_2021,
        {MTAT: (0.8849, 0.3537)},
        "clmr",
        is_comparable=False,
    ),
    Result(
        "CLMR, probe of two layers", SPIJKERVET_2021, {MTAT: (0.8925, 0.3589)}, is_comparable=False
    ),
    Result("CALM (Jukebox)", CASTELLON_2021, {MTAT: (0.915, 0.414)}, is_comparable=False),
)

POOLED = ("mean", "majority", "softmax")
"""The poolings of table 10.2, in its order."""


def _chunk(task: str, method: str, *figures: float) -> ThesisResult:
    pr, roc, cosine = figures
    return ThesisResult(task, method, {"chunk": (pr, roc, cosine)})


TABLE_10_1 = (
    _chunk("genres", "Short", 0.389, 0.829, 0.3),
    _chunk("genres", "ShortRes", 0.393, 0.831, 0.299),
    _chunk("genres", "MusiCNN", 0.401, 0.838, 0.307),
    _chunk("subgenres", "Short", 0.16, 0.79, 0.13),
    _chunk("subgenres", "ShortRes", 0.15, 0.79, 0.15),
    _chunk("subgenres", "MusiCNN", 0.32, 0.87, 0.1),
    _chunk("moodthemes", "Short", 0.291, 0.810, 0.22),
    _chunk("moodthemes", "ShortRes", 0.31, 0.819, 0.26),
    _chunk("moodthemes", "MusiCNN", 0.26, 0.799, 0.25),
    _chunk("alltags", "Short", 0.258, 0.799, 0.22),
    _chunk("alltags", "ShortRes", 0.245, 0.801, 0.23),
    _chunk("alltags", "MusiCNN", 0.31, 0.819, 0.26),
)


def _songs(task: str, method: str, *figures: float | None) -> ThesisResult:
    triples = zip(figures[::3], figures[1::3], figures[2::3], strict=True)
    return ThesisResult(task, method, dict(zip(POOLED, triples, strict=True)))


TABLE_10_2 = (
    _songs("genres", "Short", 0.399, 0.837, 0.6, 0.35, 0.67, 0.33, 0.281, 0.558, 0.403),
    _songs("genres", "ShortRes", 0.441, 0.861, 0.618, 0.39, 0.66, 0.35, 0.316, 0.594, 0.499),
    _songs("genres", "MusiCNN", 0.448, 0.876, 0.634, 0.41, 0.72, 0.46, 0.311, 0.608, 0.553),
    _songs("genres", "CNSSA", 0.46, 0.89, 0.7, 0.38, 0.73, 0.41, 0.339, 0.621, 0.538),
    _songs("subgenres", "Short", 0.233, 0.827, 0.358, 0.238, 0.712, 0.319, 0.19, 0.637, 0.29),
    _songs("subgenres", "ShortRes", 0.266, 0.831, 0.381, 0.249, 0.751, 0.336, 0.19, 0.641, 0.289),
    _songs("subgenres", "MusiCNN", 0.28, 0.849, 0.388, 0.251, 0.77, 0.35, 0.21, 0.679, 0.33),
    _songs("moodthemes", "Short", *9 * (None,)),
    _songs("moodthemes", "ShortRes", 0.34, 0.821, 0.28, 0.26, 0.731, 0.212, 0.251, 0.632, 0.233),
    _songs("moodthemes", "MusiCNN", 0.31, 0.797, 0.26, 0.253, 0.715, 0.211, 0.236, 0.611, None),
    _songs("alltags", "Short", 0.26, 0.809, 0.23, 0.233, 0.71, 0.18, 0.245, 0.66, 0.16),
    _songs("alltags", "ShortRes", 0.291, 0.811, 0.25, 0.258, 0.721, 0.2, 0.278, 0.692, 0.2),
    _songs("alltags", "MusiCNN", 0.312, 0.823, 0.26, 0.261, 0.729, 0.21, 0.285, 0.691, 0.2),
)
"""The thesis's last number of MusiCNN on moods is cut off after the decimal point."""


def comparable_roc_auc(dataset: str) -> dict[str, float]:
    """Return the published ROC-AUC of each of our architectures on a dataset."""
    return {
        each.architecture: each.roc_pr[dataset][0]
        for each in (*TABLE_4_10, *OTHERS)
        if each.is_comparable
        and each.architecture
        and each.n_mels is None
        and dataset in each.roc_pr
    }
