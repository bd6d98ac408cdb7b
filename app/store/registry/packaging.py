"""Model packages: a manifest, whose version may be missing, and weights, before publication.

    weights and spec --(hash, golden scores)--> package <--(read)-- folder with both files

`app.store.registry.publishing` checks packages of both kinds.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tomli_w

from app.domain import Outputs, Precision
from app.errors import ManifestError, WeightsError
from app.models.folding import Weights as Arrays
from app.networks.ir import NetworkFiles
from app.store.manifest.manifest import Golden, Manifest, ModelSpec, Weights
from app.store.manifest.tables import parse_toml, validate
from app.store.registry.golden import check_finite
from app.store.registry.loading import assemble, golden_scores
from app.store.registry.weights import check_numbers, pack, sha256
from app.store.storage.store import MANIFEST, Store

WEIGHTS, NETWORK = "weights.safetensors", "network.zip"

GOLDEN_SEED = 20260101
GOLDEN_S = 7.5
GOLDEN_WINDOWS = 1.5
"""Least length of a golden input in windows, so that more than one is scored."""
TOLERANCE = 5e-5
"""How much scores in float32 may differ on another machine, also of networks that amplify it."""
DECIMALS = 6
"""Decimals of golden scores."""


@dataclass(frozen=True, eq=False)
class ModelPackage:
    """A model that can be published.

    Attributes:
        text: Its manifest in TOML; the version may be missing.
        weights: The content of its file of weights.
        where: Its origin, as messages name it.
    """

    text: str
    weights: bytes
    where: str

    @cached_property
    def version(self) -> str | None:
        """The version in its manifest, if there is one."""
        version = parse_toml(self.text.encode(), self.where).get("version")
        return None if version is None else str(version)

    @cached_property
    def name(self) -> str:
        """The name of the model."""
        return self.manifest(self.version or "1").name

    def numbered(self, version: str) -> str:
        """Return its manifest in TOML, with this version if it has none; comments are kept."""
        return self.text if self.version else f'version = "{version}"\n{self.text}'

    def manifest(self, version: str) -> Manifest:
        """Return its validated manifest, with this version if it has none.

        Raises:
            ManifestError: It is not valid.
        """
        text = self.numbered(version)
        return validate(Manifest, parse_toml(text.encode(), self.where), self.where)


def read_package(folder: Store) -> ModelPackage:
    """Read a folder with a manifest and the weights that it names.

    Raises:
        ManifestError, WeightsError: One of them is missing, or the manifest is not valid.
        SetupError: They can't be read.
    """
    where = folder.where(MANIFEST)
    data = folder.read(MANIFEST)
    if data is None:
        raise ManifestError(f"{where}: there is no such file; expected a manifest, and weights")
    parse_toml(data, where)  # raises if it is not text
    described = ModelPackage(data.decode(), b"", where)
    expected = described.manifest(described.version or "1").weights
    weights = folder.read(expected.file, expected.sha256)
    if weights is None:
        raise WeightsError(f"{folder.where(expected.file)}: the weights are missing")
    return ModelPackage(described.text, weights, where)


def package_model(spec: ModelSpec, weights: Arrays) -> ModelPackage:
    """Compute the golden scores of a model, and write its manifest.

    Args:
        spec: The description of the model.
        weights: Its weights by path.

    Raises:
        ManifestError: The network can't be built, or the manifest can't be written.
        WeightsError: The weights do not fit, or a score is NaN or infinite.
    """
    check_numbers(weights, spec.title)
    data = pack(weights)
    described = _described(spec, WEIGHTS, data, np.zeros(spec.n_outputs, np.float32))
    arguments = spec.architecture.arguments
    scores = golden_scores(assemble(described, arguments, weights, Precision.FLOAT32))
    return _package(spec, WEIGHTS, data, scores)


def package_network(spec: ModelSpec, network: NetworkFiles) -> ModelPackage:
    """Compute the golden outputs of a network of another project, and write its manifest.

    Args:
        spec: The description of the model.
        network: In the canonical form of `app.networks`.

    Raises:
        ManifestError: The manifest can't be written.
        WeightsError: The network can't be read, or an output is NaN or infinite.
    """
    # Imported here, as OpenVINO is optional.
    from app.store.registry.imported import golden_outputs, unpack_imported

    data = network.pack()
    described = _described(spec, NETWORK, data, np.zeros(spec.n_outputs, np.float32))
    return _package(spec, NETWORK, data, golden_outputs(unpack_imported(described, data)))


def _package(spec: ModelSpec, file: str, data: bytes, outputs: Outputs) -> ModelPackage:
    check_finite(outputs, spec.title)
    described = _described(spec, file, data, outputs)
    return ModelPackage(_toml(described, with_version=spec.version is not None), data, spec.title)


def _described(spec: ModelSpec, file: str, data: bytes, outputs: Outputs) -> Manifest:
    """Return the manifest of a model with these mean outputs for the golden input."""
    rounded = [round(float(number), DECIMALS) for number in outputs]
    tags = len(spec.tags.names)
    golden = Golden(
        seed=GOLDEN_SEED,
        seconds=max(GOLDEN_S, round(GOLDEN_WINDOWS * spec.window_spec.window_s, 3)),
        tolerance=TOLERANCE,
        mean_scores=tuple(rounded[:tags]),
        mean_embedding=tuple(rounded[tags:]),
    )
    known = {name: getattr(spec, name) for name in ModelSpec.model_fields if name != "version"}
    weights = Weights(file=file, sha256=sha256(data))
    return Manifest(**known, version=spec.version or "1", weights=weights, golden=golden)


def _toml(manifest: Manifest, *, with_version: bool) -> str:
    hidden = set() if with_version else {"version"}
    values = manifest.model_dump(mode="json", exclude_none=True, exclude=hidden)
    try:
        return tomli_w.dumps(values)
    except TypeError as error:  # arguments may have types that TOML lacks
        raise ManifestError(f"{manifest.name}: the manifest can't be written: {error}") from error
