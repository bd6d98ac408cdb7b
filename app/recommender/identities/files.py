"""The files of identities and of denoised subgenres, as Parquet tables."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from app.catalogue.scored import matrix
from app.catalogue.storage import Folder
from app.catalogue.tables import ABOUT, read_table, stored_tags, write_table
from app.errors import SetupError
from app.recommender.data import OneHot, TagVectors
from app.recommender.identities.building import Identities, PoolingRule
from app.recommender.identities.denoising import Denoised
from app.recommender.tables.writing import names_of
from app.recommender.tag_names import check_tags

ARTISTS, CURATORS = "artist_identities.parquet", "curator_identities.parquet"
"""Not the names of a platform's tables, which these files must not replace."""

DENOISED, EVIDENCE = "denoised.parquet", "evidence.parquet"

ACCEPTED, DECLINED = "accepted", "declined"
"""The sides of a curator."""

ADVICE = "build the identities and train the model with the same catalogue and vocabulary"


def write_artists(
    folder: Path, ids: Sequence[str], identities: Identities, about: Mapping[str, object]
) -> None:
    """Write the identities of artists, one row a style.

    Args:
        folder: The folder.
        ids: The ids of all artists.
        identities: Their identities.
        about: What is in the metadata, from `describe_vectors`.

    Raises:
        SetupError: The file can't be written.
    """
    totals = np.bincount(identities.owners, identities.tracks, len(ids))
    columns = {
        "artist_id": [ids[owner] for owner in identities.owners],
        "style": identities.styles,
        "share": identities.tracks / totals[identities.owners],
        **_columns(identities),
    }
    write_table(Folder(folder), ARTISTS, _table(columns, about))


def write_curators(
    folder: Path,
    ids: Sequence[str],
    sides: Mapping[str, Identities],
    about: Mapping[str, object],
) -> None:
    """Write the identities of curators, one row a side.

    Args:
        folder: The folder.
        ids: The ids of all curators.
        sides: The identities of `ACCEPTED` and `DECLINED` tracks.
        about: What is in the metadata, from `describe_vectors`.

    Raises:
        SetupError: The file can't be written.
    """
    tables = [
        _table(
            {
                "curator_id": [ids[owner] for owner in identities.owners],
                "side": [side] * len(identities.owners),
                **_columns(identities),
            },
            about,
        )
        for side, identities in sides.items()
    ]
    write_table(Folder(folder), CURATORS, pa.concat_tables(tables))


def describe_vectors(vectors: TagVectors, rule: PoolingRule) -> dict[str, object]:
    """Return what the metadata says of identities."""
    return {
        "table": "identities",
        "source": str(vectors.source),
        "pooling": rule.pooling.value,
        "top_n": rule.top_n,
        "tags": vectors.tags,
    }


def read_artists(folder: Path, ids: Sequence[str], tags: Sequence[str]) -> Identities:
    """Return the identities of artists.

    Args:
        folder: The folder that `write_artists` wrote to.
        ids: The ids of all artists; rows of others are left out.
        tags: The tags that the vectors must have.

    Raises:
        SetupError: The file can't be read, or has other tags.
    """
    return _identities(folder, ARTISTS, "artist_id", ids, tags)


def read_curators(folder: Path, ids: Sequence[str], tags: Sequence[str], side: str) -> Identities:
    """Return the identities of curators on one side; see `read_artists`.

    Raises:
        SetupError: The file can't be read, or has other tags.
    """
    return _identities(folder, CURATORS, "curator_id", ids, tags, side)


def write_denoised(folder: Path, ids: Sequence[str], denoised: Denoised) -> None:
    """Write the choices before and after, one row an artist, and the evidence for each change.

    Raises:
        SetupError: A file can't be written.
    """
    names = denoised.subgenres
    lists = pa.list_(pa.string())
    table = {
        "artist_id": list(ids),
        "verdict": [verdict.value for verdict in denoised.verdicts],
        "chosen": pa.array(_joined(denoised.chosen, denoised), lists),
        "unlikely": pa.array(names_of(denoised.unlikely, names), lists),
        "missing": pa.array(names_of(denoised.missing, names), lists),
        "not_judged": pa.array(names_of(denoised.kept, denoised.unknown), lists),
        "denoised": pa.array(_joined(denoised.denoised, denoised), lists),
        "cosine": pa.array(denoised.cosines, mask=~denoised.is_judged),
        "denoised_cosine": pa.array(denoised.denoised_cosines, mask=~denoised.is_judged),
    }
    write_table(Folder(folder), DENOISED, pa.table(table))
    schema = pa.schema(
        [
            ("artist_id", pa.string()),
            ("subgenre", pa.string()),
            ("change", pa.string()),
            ("score", pa.float64()),
            ("threshold", pa.float64()),
        ]
    )
    write_table(
        Folder(folder), EVIDENCE, pa.Table.from_pylist(list(_evidence(ids, denoised)), schema)
    )


def _joined(judged: OneHot, denoised: Denoised) -> list[list[str]]:
    """Return the names of subgenres of each artist, with those that are not judged."""
    kept = names_of(denoised.kept, denoised.unknown)
    names = names_of(judged, denoised.subgenres)
    return [sorted([*these, *others]) for these, others in zip(names, kept, strict=True)]


def _evidence(ids: Sequence[str], denoised: Denoised) -> Iterator[dict[str, object]]:
    changes = (
        ("unlikely", denoised.unlikely, denoised.lower),
        ("missing", denoised.missing, denoised.upper),
    )
    for change, which, thresholds in changes:
        for artist, column in np.argwhere(which).tolist():
            yield {
                "artist_id": ids[artist],
                "subgenre": denoised.subgenres[column],
                "change": change,
                "score": float(denoised.scores[artist, column]),
                "threshold": float(thresholds[column]),
            }


def _columns(identities: Identities) -> dict[str, object]:
    width = identities.vectors.shape[1]
    flat = pa.array(identities.vectors.ravel(), pa.float32())
    return {
        "tracks": identities.tracks,
        "spread": identities.spreads,
        "vector": pa.FixedSizeListArray.from_arrays(flat, width),
    }


def _table(columns: Mapping[str, object], about: Mapping[str, object]) -> pa.Table:
    return pa.table(dict(columns)).replace_schema_metadata({ABOUT: json.dumps(about)})


def _identities(
    folder: Path,
    name: str,
    key: str,
    ids: Sequence[str],
    tags: Sequence[str],
    side: str | None = None,
) -> Identities:
    path = folder / name
    try:
        table = read_table(Folder(folder), name)
    except FileNotFoundError as error:
        raise SetupError(
            f"{path}: it does not exist; run `taggram identities build` first"
        ) from error
    check_tags(path, stored_tags(table), tags, ADVICE)
    rows = {identifier: row for row, identifier in enumerate(ids)}
    owners = np.array([rows.get(each, -1) for each in table[key].to_pylist()], np.int64)
    is_kept = owners >= 0
    if side is not None:
        is_kept &= np.array([each == side for each in table["side"].to_pylist()], bool)
    kept = np.flatnonzero(is_kept)
    kept = kept[np.argsort(owners[kept], kind="stable")]
    return Identities(
        owners[kept],
        matrix(table, "vector")[kept],
        table["tracks"].to_numpy()[kept],
        table["spread"].to_numpy()[kept],
    )
