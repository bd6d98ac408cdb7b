"""Resolves the names of vocabularies and models that requests give, or refuses them."""

from collections.abc import Mapping, Sequence

from app.errors import Kind, RequestError
from app.store.manifest.manifest import Manifest
from app.store.manifest.training_results import RAW
from app.tagging.model_vocabularies import as_spoken, has_learnt
from app.tagging.projection import Projection, project
from app.tagging.vocabulary import Vocabulary, needed_models, raw_vocabulary


class ModelCatalog:
    """The loaded models, the first being the default, and the vocabularies.

    Attributes:
        models: All that are loaded.
        vocabularies: By name, with the raw tags of the models that they ask. A tag that one of
            these models was trained on is its alone.
    """

    def __init__(
        self,
        models: Sequence[Manifest],
        vocabularies: Mapping[str, Vocabulary],
        *,
        askable: Sequence[Manifest] | None = None,
        at_most: int | None = None,
    ) -> None:
        """Choose the models of each vocabulary.

        Args:
            models: All that are loaded.
            vocabularies: By name.
            askable: Of these models, those that a request without a model may ask; by default all.
            at_most: The most models that such a request asks.
        """
        self.models = tuple(models)
        self._written = dict(vocabularies)
        self._asked = {
            name: _choose(vocabulary, models if askable is None else askable, at_most)
            for name, vocabulary in vocabularies.items()
        }
        self.vocabularies = {
            name: as_spoken(vocabulary, self._asked[name])
            for name, vocabulary in vocabularies.items()
        }

    def projection(self, vocabulary: str, model: str | None) -> Projection:
        """The models to ask for a vocabulary, and how their raw tags become its tags.

        Without a model, a vocabulary asks all models that know one of its tags, and `raw` asks the
        default model.

        Raises:
            RequestError: `unknown_model` or `unknown_vocabulary`.
        """
        if vocabulary == RAW:
            raw = self.models[0] if model is None else self._model(model)
            return project(raw_vocabulary(raw), (raw,))
        self.check_vocabulary(vocabulary)
        if model is None:
            return project(self.vocabularies[vocabulary], self._asked[vocabulary])
        models = (self._model(model),)
        return project(as_spoken(self._written[vocabulary], models), models)

    def check_vocabulary(self, name: str) -> None:
        """Check that there is a vocabulary of this name, even if no loaded model knows its tags.

        Raises:
            RequestError: `unknown_vocabulary`.
        """
        names = [*self._written, RAW]
        if name not in names:
            raise RequestError(
                Kind.UNKNOWN_VOCABULARY,
                f"There is no vocabulary of that name. Choose one of {', '.join(names)}. "
                "GET /vocabularies lists their tags.",
                {"vocabularies": names},
            )

    def asked_models(self, vocabulary: str) -> tuple[Manifest, ...]:
        """The models that a vocabulary asks where the request names none."""
        return self._asked[vocabulary]

    def _model(self, name: str) -> Manifest:
        for manifest in self.models:
            if manifest.name == name:
                return manifest
        names = [manifest.name for manifest in self.models]
        raise RequestError(
            Kind.UNKNOWN_MODEL,
            f"No model of that name is loaded. Choose one of {', '.join(names)}.",
            {"models": names},
        )


def _choose(
    vocabulary: Vocabulary, models: Sequence[Manifest], at_most: int | None
) -> tuple[Manifest, ...]:
    """The models that know a tag; where these are too many, those that were trained on it stay."""
    needed = needed_models(as_spoken(vocabulary, models), models)
    kept = sorted(needed, key=lambda model: not has_learnt(model, vocabulary.name))[:at_most]
    return tuple(model for model in needed if model in kept)
