"""The metadata of the made datasets, as the real ones are written, with their faults."""

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.synthetic.datasets import Song

METADATA = {"fma": "fma/fma_metadata", "mtat": "mtat", "mtg-jamendo": "mtg-jamendo/data"}
AUDIO = {"fma": "fma/fma_large", "mtat": "mtat/mp3", "mtg-jamendo": "mtg-jamendo/audio"}

DURATIONS = {"shorter than a minute": 41, "longer than ten minutes": 2400}
"""In seconds, as metadata say; all others are between."""

# FMA: https://github.com/mdeff/fma, the columns of its tracks.csv.

FMA_COLUMNS = {
    "album": (
        "comments date_created date_released engineer favorites id information listens producer "
        "tags title tracks type"
    ),
    "artist": (
        "active_year_begin active_year_end associated_labels bio comments date_created favorites "
        "id latitude location longitude members name related_projects tags website wikipedia_page"
    ),
    "set": "split subset",
    "track": (
        "bit_rate comments composer date_created date_recorded duration favorites genre_top genres "
        "genres_all information interest language_code license listens lyricist number publisher "
        "tags title"
    ),
}

FMA_GENRES = (
    (2, 5271, 0, "International", 2),
    (12, 32923, 0, "Rock", 12),
    (15, 34413, 0, "Electronic", 15),
    (31, 1498, 12, "Metal", 12),
    (47, 2546, 38, "Drone", 38),
    (38, 38154, 0, "Experimental", 38),
    (79, 880, 2, "Reggae - Dub", 2),
    (101, 196, 31, "Death-Metal", 12),
    (107, 7206, 1235, "Ambient", 1235),
    (181, 2140, 15, "Techno", 15),
    (184, 1013, 15, "Minimal Electronic", 15),
    (240, 1231, 297, "Chiptune", 15),
    (297, 2208, 15, "Chip Music", 15),
    (468, 1144, 15, "Dubstep", 15),
    (491, 78, 468, "Skweee", 15),
    (1235, 14938, 0, "Instrumental", 1235),
)
FMA_PARENTS = {number: parent for number, _, parent, _, _ in FMA_GENRES}
FMA_TITLES = {number: title for number, _, _, title, _ in FMA_GENRES}

FMA_WORDS: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "ambient": ((107,), ("slow", "calm")),
    "techno": ((181,), ("club",)),
    "metal": ((31, 101), ("loud",)),
    "chiptune": ((240, 297), ("8bit",)),
    "dubstep": ((468, 491), ("bass",)),
    "reggaedub": ((79,), ("Dub",)),
    "minimal": ((184, 47), ("drone",)),
}
"""By style, genres of which a song has one, and an artist's own words."""

FMA_BIO = '<p>Born in a shed, they said:\n"louder, please".</p>\n<p>The shed, is gone.</p>'
"""Markup, quotation marks, commas, new lines: as in FMA."""

MTAT_WORDS = {
    "ambient": (("ambient", "new age"), ("slow", "quiet", "synth", "no drums")),
    "techno": (("techno",), ("electronic", "drums", "fast", "fast beat")),
    "metal": (("metal",), ("rock", "guitar", "loud", "hard")),
    "trance": (("trance",), ("electronic", "synth", "fast", "modern")),
    "dubstep": (("electronica",), ("electronic", "bass", "dark", "heavy")),
}
"""By style, raw tags of which a clip has one, and others of which it has some."""

MTAT_OTHERS = (
    "no voice", "harpsichord", "weird", "piano", "opera", "choir", "no vocals", "flute", "sitar",
    "violin", "harp", "strange", "classical", "female vocal", "lol",
)  # fmt: skip
"""That nothing in the songs speaks for; columns of the table all the same."""

JAMENDO_WORDS = {
    "ambient": (
        ("ambient", "darkambient", "newage"),
        ("mood/theme---calm", "instrument---synthesizer"),
    ),
    "techno": (("techno",), ("genre---electronic", "instrument---drummachine")),
    "metal": (("metal",), ("genre---rock", "instrument---electricguitar", "instrument---drums")),
    "trance": (("trance",), ("genre---electronic", "mood/theme---energetic")),
    "dubstep": (("dubstep",), ("genre---electronic", "mood/theme---dark", "instrument---bass")),
    "reggaedub": (("reggae", "dub"), ("instrument---keyboard", "mood/theme---positive")),
    "minimal": (("minimal",), ("genre---electronic", "mood/theme---deep")),
}
JAMENDO_HEADER = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS")
JAMENDO_SUBSETS = {
    "autotagging": "",
    "autotagging_genre": "genre",
    "autotagging_instrument": "instrument",
    "autotagging_moodtheme": "mood/theme",
    "autotagging_top50tags": "",
}
JAMENDO_PARTS = ("train", "train", "train", "validation", "test")
"""Artists are of these in turn."""

HEX = "0123456789abcdef"


def fma_path(song: "Song") -> str:
    """As `000/000002.mp3`."""
    return f"{song.number // 1000:03d}/{song.number:06d}.mp3"


def write_fma(folder: Path, songs: Sequence["Song"]) -> None:
    """`tracks.csv` and `genres.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = [(group, name) for group, names in FMA_COLUMNS.items() for name in names.split()]
    header = [["", *group] for group in zip(*columns, strict=True)]
    header.append(["track_id", *[""] * len(columns)])
    rows = [
        [song.number, *(_fma_cells(song).get(column, "") for column in columns)] for song in songs
    ]
    _write(folder / "tracks.csv", [*header, *rows])
    genres = [("genre_id", "#tracks", "parent", "title", "top_level"), *FMA_GENRES]
    _write(folder / "genres.csv", genres)


def _fma_cells(song: "Song") -> dict[tuple[str, str], object]:
    leaves, words = _fma_tags(song)
    above = sorted({each for leaf in leaves for each in _fma_line(leaf)})
    tops = {_fma_line(leaf)[-1] for leaf in leaves}
    return {
        ("album", "id"): song.artist + 1,
        ("album", "title"): f"Album {song.artist}",
        ("album", "type"): "Album",
        ("artist", "bio"): FMA_BIO if song.artist % 3 == 0 else "",
        ("artist", "id"): song.artist + 1,
        ("artist", "name"): "Ana Lume" if song.artist == 0 else f"FMA Artist {song.artist}",
        ("set", "split"): ("training", "validation", "test")[max(0, song.artist % 10 - 7)],
        ("set", "subset"): ("small", "medium", "large")[song.number % 3],
        ("track", "bit_rate"): 256000,
        ("track", "date_created"): "2008-11-26 01:48:12",
        ("track", "duration"): DURATIONS.get(song.fault or "", 60 + song.number % 540),
        ("track", "genre_top"): FMA_TITLES[tops.pop()] if len(tops) == 1 else "",
        ("track", "genres"): list(leaves),
        ("track", "genres_all"): above,
        ("track", "license"): "Attribution-NonCommercial-ShareAlike 3.0 International",
        ("track", "tags"): list(words),
        ("track", "title"): f"Song {song.number}",
    }


def _fma_tags(song: "Song") -> tuple[list[int], list[str]]:
    if song.fault == "no tags":
        return [], []
    genres = [_turn(FMA_WORDS[style][0], song) for style in song.styles]
    return genres, [_turn(FMA_WORDS[style][1], song) for style in song.styles]


def _fma_line(genre: int) -> list[int]:
    """A genre and those above it."""
    return [genre, *(_fma_line(FMA_PARENTS[genre]) if FMA_PARENTS[genre] else [])]


def mtat_path(song: "Song") -> str:
    """As `f/artist-album-01-title-0-29.mp3`."""
    artist = _mtat_artist(song).casefold().replace("  ", " ").replace(" ", "_")
    return f"{HEX[song.artist % 16]}/{artist}-album-{song.number:02d}-song-0-29.mp3"


def write_mtat(folder: Path, songs: Sequence["Song"]) -> None:
    """`annotations_final.csv` and `clip_info_final.csv`, both with tabs and quotation marks."""
    folder.mkdir(parents=True, exist_ok=True)
    tags = sorted({tag for pair in MTAT_WORDS.values() for tags in pair for tag in tags})
    columns = [*tags, *MTAT_OTHERS]
    rows = [
        [song.number, *(int(tag in _mtat_tags(song)) for tag in columns), mtat_path(song)]
        for song in songs
    ]
    _write_tabs(folder / "annotations_final.csv", [["clip_id", *columns, "mp3_path"], *rows])
    unheard = [[10_000 + number, *["x"] * 8, ""] for number in range(5)]
    infos = [_MTAT_INFO, *map(_mtat_info, songs), *unheard]
    _write_tabs(folder / "clip_info_final.csv", infos)


_MTAT_INFO = [
    "clip_id", "track_number", "title", "artist", "album", "url", "segmentStart", "segmentEnd",
    "original_url", "mp3_path",
]  # fmt: skip


def _mtat_info(song: "Song") -> list[object]:
    url = "http://music.example/album"
    return [
        song.number, 1, f"Song {song.number}", _mtat_artist(song), "Album", url, 0, 29, url,
        mtat_path(song),
    ]  # fmt: skip


def _mtat_artist(song: "Song") -> str:
    return "ANA  Lume" if song.artist == 0 else f"Magna Artist {song.artist}"


def _mtat_tags(song: "Song") -> set[str]:
    if song.fault == "no tags":
        return set()
    if song.fault == "more than 15 tags":
        return {*MTAT_OTHERS, *(MTAT_WORDS[song.styles[0]][0])[:1], "rock"}
    named = {_turn(MTAT_WORDS[style][0], song) for style in song.styles}
    return named.union(*(MTAT_WORDS[style][1] for style in song.styles))


def jamendo_path(song: "Song") -> str:
    """As `82/382.mp3`."""
    return f"{song.number % 100:02d}/{song.number}.mp3"


def write_jamendo(folder: Path, songs: Sequence["Song"]) -> None:
    """All subsets whole, and in the parts of a split."""
    (folder / "splits" / "split-0").mkdir(parents=True, exist_ok=True)
    for stem, category in JAMENDO_SUBSETS.items():
        _write_ragged(folder / f"{stem}.tsv", songs, category)
        for part in sorted(set(JAMENDO_PARTS)):
            those = [song for song in songs if _turn_of(JAMENDO_PARTS, song.artist) == part]
            _write_ragged(folder / "splits" / "split-0" / f"{stem}-{part}.tsv", those, category)


def _write_ragged(path: Path, songs: Iterable["Song"], category: str) -> None:
    rows = [
        (song, [tag for tag in _jamendo_tags(song) if tag.startswith(category)]) for song in songs
    ]
    table = [_jamendo_row(song, tags) for song, tags in rows if tags]
    with path.open("w", newline="") as file:
        csv.writer(file, csv.excel_tab).writerows([JAMENDO_HEADER, *table])


def _jamendo_row(song: "Song", tags: Sequence[str]) -> list[object]:
    return [
        f"track_{song.number:07d}",
        f"artist_{song.artist:06d}",
        f"album_{song.artist:06d}",
        jamendo_path(song),
        float(DURATIONS.get(song.fault or "", 60.5 + song.number % 539)),
        *tags,
    ]


def _jamendo_tags(song: "Song") -> list[str]:
    named = [f"genre---{_turn(JAMENDO_WORDS[style][0], song)}" for style in song.styles]
    others = [tag for style in song.styles for tag in JAMENDO_WORDS[style][1]]
    return sorted({*named, *others})


def _turn(words: Sequence, song: "Song"):
    """One of several words for the same: another from song to song."""
    return _turn_of(words, song.seed)


def _turn_of(words: Sequence, number: int):
    return words[number % len(words)]


def _write(path: Path, rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _write_tabs(path: Path, rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, csv.excel_tab, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)


WRITERS: dict[str, Callable[[Path, Sequence["Song"]], None]] = {
    "fma": write_fma,
    "mtat": write_mtat,
    "mtg-jamendo": write_jamendo,
}
PATHS: dict[str, Callable[["Song"], str]] = {
    "fma": fma_path,
    "mtat": mtat_path,
    "mtg-jamendo": jamendo_path,
}
