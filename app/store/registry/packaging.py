"""A model before it is published: weights, and a manifest in which the version may be missing.

    weights and draft --(hash, golden scores)--> prepared <--(read)-- folder with both files

Nothing is checked here that `app.store.registry.publishing` checks for both.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tomli_w

from app.domain import Precision
from app.errors import ManifestError, WeightsError
from app.models.folding import Weights as Arrays
from app.store.manifest.manifest import Golden, Manifest, ModelSpec, Weights
from app.store.manifest.tables import checked, parsed
from app.store.registry.golden import check_finite
from app.store.registry.loading import assemble, golden_scores
from app.store.registry.weights import check_numbers, packed, sha256
from app.store.storage.store import MANIFEST, Store

WEIGHTS = "weights.safetensors"

GOLDEN_SEED = 20260101
GOLDEN_S = 7.5
GOLDEN_WINDOWS = 1.5
"""A golden input is as long as these, at least: more than one window is heard."""
TOLERANCE = 5e-5
"""What float32 may differ by on another machine; sharp networks make the most of it."""
DECIMALS = 6
"""Of golden scores."""


@dataclass(frozen=True, eq=False)
class ModelPackage:
    """A model that may become a version.

    Attributes:
        text: Its manifest; the version may be missing in it.
        weights: The file of its weights.
        where: Where it comes from, as messages name it.
    """

    text: str
    weights: bytes
    where: str

    @cached_property
    def version(self) -> str | None:
        """What its manifest says."""
        version = parsed(self.text.encode(), self.where).get("version")
        return None if version is None else str(version)

    @cached_property
    def name(self) -> str:
        """The model's."""
        return self.manifest(self.version or "1").name

    def numbered(self, version: str) -> str:
        """Its manifest with this version, if it has none; comments stay."""
        return self.text if self.version else f'version = "{version}"\n{self.text}'

    def manifest(self, version: str) -> Manifest:
        """The same, checked.

        Raises:
            ManifestError: Something in it is wrong.
        """
        text = self.numbered(version)
        return checked(Manifest, parsed(text.encode(), self.where), self.where)


def read_prepared(folder: Store) -> ModelPackage:
    """Read a folder that holds a manifest and the weights that it names.

    Raises:
        ManifestError, WeightsError: One of them is missing, or the manifest is wrong.
        SetupError: They can't be read.
    """
    where = folder.where(MANIFEST)
    data = folder.read(MANIFEST)
    if data is None:
        raise ManifestError(f"{where}: there is no such file; a manifest and weights are needed")
    parsed(data, where)  # or it is no text
    described = ModelPackage(data.decode(), b"", where)
    file = described.manifest(described.version or "1").weights.file
    weights = folder.read(file)
    if weights is None:
        raise WeightsError(f"{folder.where(file)}: the weights are missing")
    return ModelPackage(described.text, weights, where)


def package_model(spec: ModelSpec, weights: Arrays) -> ModelPackage:
    """Ask a model for its golden scores, and write its manifest.

    Raises:
        ManifestError: The network can't be built, or the manifest can't be written.
        WeightsError: The weights do not fit, or a score is NaN or infinite.
    """
    check_numbers(weights, spec.title)
    data = packed(weights)
    described = _described(spec, sha256(data), np.zeros(len(spec.tags.names)))
    arguments = spec.architecture.arguments
    scores = golden_scores(assemble(described, arguments, weights, Precision.FLOAT32))
    check_finite(scores, spec.title)
    described = _described(spec, described.weights.sha256, scores)
    return ModelPackage(_toml(described, with_version=spec.version is not None), data, spec.title)


def _described(spec: ModelSpec, digest: str, scores: np.ndarray) -> Manifest:
    golden = Golden(
        seed=GOLDEN_SEED,
        seconds=max(GOLDEN_S, round(GOLDEN_WINDOWS * spec.window_spec.window_s, 3)),
        tolerance=TOLERANCE,
        mean_scores=tuple(round(float(score), DECIMALS) for score in scores),
    )
    known = {name: getattr(spec, name) for name in ModelSpec.model_fields if name != "version"}
    weights = Weights(file=WEIGHTS, sha256=digest)
    return Manifest(**known, version=spec.version or "1", weights=weights, golden=golden)


def _toml(manifest: Manifest, *, with_version: bool) -> str:
    hidden = set() if with_version else {"version"}
    values = manifest.model_dump(mode="json", exclude_none=True, exclude=hidden)
    try:
        return tomli_w.dumps(values)
    except TypeError as error:  # arguments may hold anything, TOML does not
        raise ManifestError(f"{manifest.name}: no manifest can hold this: {error}") from error
