"""Writes and reads the arrays of a package, in safetensors, without pickles.

Ids are JSON in arrays of bytes. A file may come from anywhere: every array is checked for its type,
its shape, and numbers that are not finite, before it is used.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from app.errors import WeightsError
from app.recommender.models.content import CuratorProfiles
from app.recommender.models.content_model import Parameters
from app.recommender.models.pair_features import feature_names
from app.recommender.policies.bandit import ThompsonSampling, is_positive_definite
from app.recommender.serving.contents import AcceptedTracks, Contents, KnownTracks
from app.recommender.tag_space import TagSpace
from app.store.manifest.recommender import RecommenderSpec
from app.store.registry.weights import pack, unpack_any

LONGEST_ID = 1_000
"""Characters of an id or a name of a country."""

SHA256_BYTES = 32

MODEL, BANDIT = "model.", "bandit."
"""Begin the names of the parameters of the model, and of the bandit."""

LARGEST = 1e15
"""With numbers of a bandit within this and 1 / this, all that is computed from them is finite."""

Array = npt.NDArray[Any]


def pack_contents(contents: Contents) -> bytes:
    """Return the content of a file; equal contents give equal bytes."""
    profiles, tracks, accepted = contents.profiles, contents.tracks, contents.accepted
    arrays: dict[str, Array] = {
        "curators.ids": _as_bytes(contents.curators),
        "curators.liked": profiles.liked.astype(np.uint8),
        "curators.disliked": profiles.disliked.astype(np.uint8),
        "curators.countries": profiles.countries.astype(np.int32),
        "curators.rates": profiles.rates.astype(np.float32),
        "curators.accepted": profiles.accepted.astype(np.float32),
        "curators.declined": profiles.declined.astype(np.float32),
        "artists.ids": _as_bytes(contents.artists),
        "countries": _as_bytes(contents.countries),
        "space.mean": contents.space.mean,
        "space.spread": contents.space.spread,
        "tracks.external_ids": _as_bytes(tracks.external_ids),
        "tracks.track_ids": _as_digests(tracks.track_ids),
        "tracks.scores": tracks.scores,
        "accepted.ends": accepted.ends.astype(np.int64),
        "accepted.rows": accepted.rows.astype(np.int64),
    }
    for name, values in contents.parameters.items():
        is_mask = values.dtype == bool
        arrays[MODEL + name] = values.astype(np.uint8) if is_mask else values
    if contents.bandit is not None:
        arrays |= {
            BANDIT + name: np.array(values) for name, values in vars(contents.bandit).items()
        }
    return pack(arrays)


def unpack_contents(spec: RecommenderSpec, data: bytes, where: str) -> Contents:
    """Return the contents of a file.

    Args:
        spec: The description of the recommender.
        data: The content of the file.
        where: The file, as messages name it.

    Raises:
        WeightsError: An array is missing, or is not what it has to be; the message names it.
    """
    arrays = _Arrays(unpack_any(data, where), where)
    subgenres, tags = len(spec.subgenres), len(spec.tags)
    curators = arrays.take_names("curators.ids", spec.curators)
    artists, countries = arrays.take_names("artists.ids"), arrays.take_names("countries")
    count = len(curators)
    profiles = CuratorProfiles(
        arrays.take("curators.liked", np.uint8, (count, subgenres), 1).astype(np.float32),
        arrays.take("curators.disliked", np.uint8, (count, subgenres), 1).astype(np.float32),
        arrays.take("curators.countries", np.int32, (count,), len(countries)).astype(np.int64),
        len(countries),
        arrays.take("curators.rates", np.float32, (count,), 1),
        arrays.take("curators.accepted", np.float32, (count, tags)),
        arrays.take("curators.declined", np.float32, (count, tags)),
    )
    mean = arrays.take("space.mean", np.float64, (tags,), 1)
    spread = arrays.take("space.spread", np.float64, (tags,))
    if not (spread > 0).all():
        raise WeightsError(f"{where}: space.spread has numbers up to 0; expected positive ones")
    external_ids = arrays.take_names("tracks.external_ids", spec.trained_on.tracks)
    tracks = KnownTracks(
        external_ids,
        _from_digests(arrays.take("tracks.track_ids", np.uint8, (len(external_ids), SHA256_BYTES))),
        arrays.take("tracks.scores", np.float32, (len(external_ids), tags), 1),
    )
    accepted = _take_accepted(arrays, count, len(external_ids))
    bandit = _take_bandit(arrays, has_tags=bool(tags)) if spec.explores else None
    parameters = arrays.take_others(MODEL)
    space = TagSpace(mean, spread)
    return Contents(
        curators, artists, countries, profiles, space, tracks, accepted, parameters, bandit
    )


def _take_bandit(arrays: "_Arrays", *, has_tags: bool) -> ThompsonSampling:
    size = len(feature_names(has_tags=has_tags))
    shapes = {"offset": (), "precision": (size, size)}
    center, spread, offset, mean, precision = (
        _take_limited(arrays, BANDIT + name, shapes.get(name, (size,)))
        for name in ("center", "spread", "offset", "mean", "precision")
    )
    if not (spread >= 1 / LARGEST).all():
        raise WeightsError(
            f"{arrays.where}: bandit.spread has numbers below {1 / LARGEST:g}; expected higher ones"
        )
    if not is_positive_definite(precision, least=1 / LARGEST):
        raise WeightsError(
            f"{arrays.where}: bandit.precision is not a symmetric positive definite matrix"
        )
    return ThompsonSampling(center, spread, float(offset), mean, precision)


def _take_limited(arrays: "_Arrays", name: str, shape: tuple[int, ...]) -> Array:
    array = arrays.take(name, np.float64, shape)
    if (np.abs(array) > LARGEST).any():
        raise WeightsError(
            f"{arrays.where}: {name} has numbers beyond {LARGEST:g}; expected smaller ones"
        )
    return array


def _take_accepted(arrays: "_Arrays", curators: int, tracks: int) -> AcceptedTracks:
    ends = arrays.take("accepted.ends", np.int64, (curators,), np.iinfo(np.int64).max)
    rows = arrays.take("accepted.rows", np.int64, (None,), max(tracks - 1, 0))
    if (np.diff(ends, prepend=0) < 0).any() or ends[-1] != len(rows) or (len(rows) and not tracks):
        raise WeightsError(
            f"{arrays.where}: accepted.ends does not divide {len(rows):,} rows of {tracks:,} tracks"
        )
    return AcceptedTracks(ends, rows)


class _Arrays:
    """Takes arrays out of a file, each once, and checks them.

    Attributes:
        where: The file, as messages name it.
    """

    def __init__(self, arrays: dict[str, Array], where: str) -> None:
        self._arrays, self.where = arrays, where

    def take(
        self, name: str, kind: type, shape: tuple[int | None, ...], highest: float | None = None
    ) -> Array:
        """Return an array.

        Args:
            name: Its name.
            kind: The type of its numbers.
            shape: Its shape; None for any number.
            highest: The highest number, above which and below 0 there is none; None for any.

        Raises:
            WeightsError: It is missing or differs.
        """
        if name not in self._arrays:
            raise WeightsError(f"{self.where}: {name} is missing")
        array = self._arrays.pop(name)
        fits = len(array.shape) == len(shape) and all(
            expected in (None, actual) for actual, expected in zip(array.shape, shape, strict=True)
        )
        if array.dtype != kind or not fits:
            expected = tuple("any" if each is None else each for each in shape)
            raise WeightsError(
                f"{self.where}: {name} is {array.dtype} of the shape {array.shape}; expected "
                f"{np.dtype(kind)} of {expected}"
            )
        if not np.isfinite(array).all():
            raise WeightsError(f"{self.where}: {name} holds numbers that are not finite")
        if highest is not None and array.size and not (0 <= array.min() <= array.max() <= highest):
            raise WeightsError(
                f"{self.where}: {name} holds numbers from {array.min():g} to {array.max():g}; "
                f"expected 0 to {highest:g}"
            )
        return array

    def take_names(self, name: str, count: int | None = None) -> tuple[str, ...]:
        """Return distinct ids or names.

        Args:
            name: The name of their array.
            count: Their number; None for any.

        Raises:
            WeightsError: They are missing, are not valid, or are of another number.
        """
        data = self.take(name, np.uint8, (None,)).tobytes()
        try:
            names = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise WeightsError(f"{self.where}: {name} is not valid JSON") from error
        if not isinstance(names, list) or not all(map(_is_name, names)):
            raise WeightsError(
                f"{self.where}: {name} is not a list of texts of 1 to {LONGEST_ID:,} characters"
            )
        if len(set(names)) != len(names) or count not in (None, len(names)):
            expected = "distinct ones" if count is None else f"{count:,} distinct ones"
            raise WeightsError(
                f"{self.where}: {name} has {len(names):,} texts, {len(set(names)):,} of them "
                f"distinct; expected {expected}"
            )
        return tuple(names)

    def take_others(self, prefix: str) -> Parameters:
        """Return all arrays that are left, by what follows a prefix of their names.

        Raises:
            WeightsError: One has another name, or holds other numbers than finite ones.
        """
        for name, array in self._arrays.items():
            if not name.startswith(prefix):
                raise WeightsError(f"{self.where}: {name} is not an array of a recommender")
            if array.dtype.kind not in "fu" or not np.isfinite(array).all():
                raise WeightsError(
                    f"{self.where}: {name} is {array.dtype}, or holds numbers that are not finite; "
                    "expected finite floating-point numbers or bytes"
                )
        return {name.removeprefix(prefix): array for name, array in self._arrays.items()}


def _is_name(value: object) -> bool:
    """Return whether a value is a text that can be an id, also in UTF-8."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _as_bytes(names: Sequence[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(json.dumps(list(names)).encode(), np.uint8)


def _as_digests(track_ids: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Return SHA-256 as bytes, (tracks, 32); zeros for those that are unknown."""
    digests = np.zeros((len(track_ids), SHA256_BYTES), np.uint8)
    for row, track_id in enumerate(track_ids):
        if track_id:
            digests[row] = np.frombuffer(bytes.fromhex(track_id), np.uint8)
    return digests


def _from_digests(digests: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    return tuple(digest.tobytes().hex() if digest.any() else "" for digest in digests)
