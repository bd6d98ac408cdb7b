"""Published splits.

`mtat-full` takes MagnaTagATune's folders 0 to b for training, c for validation and d to f for
testing. `mtat-clean` is that of Lee et al. (arXiv:1703.01789): the clips of these that are longer
than 29.1 seconds and have one of the 50 most frequent tags. The tables don't have the lengths of
the files, so the few clips that the published lists lack are listed here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from app.datasets.loaders import fma, mtat, mtg_jamendo
from app.datasets.loaders.dataset import within
from app.datasets.tracks import Subset, Track, track_id
from app.errors import SetupError

FMA_PARTS = {"training": Subset.TRAIN, "validation": Subset.VALIDATION, "test": Subset.TEST}
JAMENDO_PARTS = {"train": Subset.TRAIN, "validation": Subset.VALIDATION, "test": Subset.TEST}
MTAT_PARTS = (("0123456789ab", Subset.TRAIN), ("c", Subset.VALIDATION), ("def", Subset.TEST))

_BACH = "0/american_bach_soloists-j_s__bach__cantatas_volume_v-"
_LITANY = "recitative_and_litany__mein_gott_hier_wird_mein_herze_sein"
_RAMEAU = "9/american_baroque-dances_and_suites_of_rameau_and_couperin-"

EMPTY_CLIPS = frozenset(
    {
        "6/norine_braun-now_and_zen-08-gently-117-146.mp3",
        "8/jacob_heringman-josquin_des_prez_lute_settings-19-gintzler__pater_noster-204-233.mp3",
        f"{_RAMEAU}25-le_petit_rien_xiveme_ordre_couperin-88-117.mp3",
    }
)
"""Three files of MagnaTagATune without sound; no published split has them."""

NOT_CLEAN = frozenset(
    {
        f"{_BACH}01-gleichwie_der_regen_und_schnee_vom_himmel_fallt_bwv_18_i_sinfonia-117-146.mp3",
        f"{_BACH}03-gleichwie_der_regen_und_schnee_vom_himmel_fallt_bwv_18_iii_{_LITANY}-204-233.mp3",
        f"{_BACH}03-gleichwie_der_regen_und_schnee_vom_himmel_fallt_bwv_18_iii_{_LITANY}-233-262.mp3",
    }
)
"""Clips that the published training list (`split/mtat/train_list_pub.cP` of
minzwon/sota-music-tagging-models, 15,244 clips) lacks too; the tables don't explain why."""

TOP_TAGS = 50


def official_split(name: str, folder: Path) -> Mapping[str, Subset]:
    """Return the part of each track of a dataset; tracks without a part are left out.

    Args:
        name: `fma`, `mtat-clean`, `mtat-full`, or `mtg-jamendo-0` to `mtg-jamendo-4`.
        folder: The dataset's folder, as its loader expects it.

    Returns:
        Parts by `Track.id`.

    Raises:
        SetupError: The split does not exist, or the metadata are missing or invalid.
    """
    if name not in SPLITS:
        raise SetupError(
            f"the official split {name!r} does not exist; choose one of {', '.join(SPLITS)}"
        )
    return SPLITS[name](folder)


def _fma(folder: Path) -> dict[str, Subset]:
    sheet = fma.tracks_sheet(within(folder, "fma_metadata", "tracks.csv"))
    parts = {}
    for line, row in sheet:
        try:
            parts[track_id(fma.NAME, fma.track_path(row))] = FMA_PARTS[row["set.split"]]
        except (ValueError, KeyError) as error:
            raise SetupError(
                f"{sheet.path}: line {line}: the track is in no part: {error}"
            ) from error
    return parts


def _mtat_full(folder: Path) -> dict[str, Subset]:
    return _in_folders(mtat.load(folder).tracks)


def _mtat_clean(folder: Path) -> dict[str, Subset]:
    tracks = mtat.load(folder).tracks
    counts = Counter(tag for track in tracks for tag in track.tags)
    top = {tag for tag, _ in counts.most_common(TOP_TAGS)}
    return _in_folders(
        track for track in tracks if track.path not in NOT_CLEAN and top & set(track.tags)
    )


def _in_folders(tracks: Iterable[Track]) -> dict[str, Subset]:
    return {
        track.id: part
        for track in tracks
        for folders, part in MTAT_PARTS
        if track.path not in EMPTY_CLIPS and track.path[0] in folders
    }


def _jamendo(number: int, folder: Path) -> dict[str, Subset]:
    """Return the union of the parts of all subsets, which form one split."""
    place = mtg_jamendo.data_folder(folder) / "splits" / f"split-{number}"
    parts: dict[str, Subset] = {}
    for path, part in _jamendo_files(place):
        for each in mtg_jamendo.read_paths(path):
            if parts.setdefault(track_id(mtg_jamendo.NAME, each), part) is not part:
                raise SetupError(f"{path}: {each} is in another part too")
    return parts


def _jamendo_files(place: Path) -> Iterator[tuple[Path, Subset]]:
    for ending, part in JAMENDO_PARTS.items():
        files = sorted(place.glob(f"autotagging*-{ending}.tsv"))
        if not files:
            raise SetupError(f"{place}: autotagging-{ending}.tsv is missing")
        yield from ((path, part) for path in files)


SPLITS: Mapping[str, Callable[[Path], dict[str, Subset]]] = {
    "fma": _fma,
    "mtat-clean": _mtat_clean,
    "mtat-full": _mtat_full,
    **{f"mtg-jamendo-{number}": partial(_jamendo, number) for number in range(5)},
}
