"""Resolves the names of vocabularies and models in requests, or refuses them."""

from collections.abc import Mapping, Sequence

from app.errors import Kind, RequestError
from app.store.manifest.manifest import Manifest
from app.store.manifest.training_results import RAW
from app.tagging.model_vocabularies import is_trained_on, with_model_tags
from app.tagging.projection import Projection, project
from app.tagging.vocabulary import Vocabulary, make_raw_vocabulary, select_models


class ModelCatalog:
    """The loaded models, the first of which is the default, and the vocabularies.

    Attributes:
        models: All loaded models.
        backbones: The models with the embeddings that heads among `models` score.
        vocabularies: By name, with the raw tags of the models that they use. If one of these models
            was trained on a tag, only that model predicts it.
    """

    def __init__(
        self,
        models: Sequence[Manifest],
        vocabularies: Mapping[str, Vocabulary],
        *,
        vocabulary_models: Sequence[Manifest] | None = None,
        at_most: int | None = None,
        backbones: Sequence[Manifest] = (),
    ) -> None:
        """Choose the models of each vocabulary.

        Args:
            models: All loaded models.
            vocabularies: The vocabularies, by name.
            vocabulary_models: The models that vocabularies may use if a request names no model; by
                default all.
            at_most: The most models that such a request uses.
            backbones: The models with the embeddings that heads among `models` score.
        """
        self.models = tuple(models)
        self.backbones = tuple(backbones)
        self._definitions = dict(vocabularies)
        candidates = models if vocabulary_models is None else vocabulary_models
        self._chosen = {
            name: _choose(vocabulary, candidates, at_most)
            for name, vocabulary in vocabularies.items()
        }
        self.vocabularies = {
            name: with_model_tags(vocabulary, self._chosen[name])
            for name, vocabulary in vocabularies.items()
        }

    def projection(self, vocabulary: str, model: str | None) -> Projection:
        """Return the models for a vocabulary, and how their raw tags map to its tags.

        Without a model, a vocabulary uses all models that know one of its tags, and `raw` uses the
        default model.

        Raises:
            RequestError: `unknown_model` or `unknown_vocabulary`.
        """
        if vocabulary == RAW:
            raw = self.models[0] if model is None else self._model(model)
            return project(make_raw_vocabulary(raw), (raw,))
        self.check_vocabulary(vocabulary)
        if model is None:
            return project(self.vocabularies[vocabulary], self._chosen[vocabulary])
        return self.projection_on(vocabulary, (self._model(model),))

    def projection_on(self, vocabulary: str, models: Sequence[Manifest]) -> Projection:
        """Return how the raw tags of some loaded models map to the tags of a vocabulary.

        Raises:
            RequestError: `unknown_vocabulary` if these models know none of its tags.
        """
        return project(with_model_tags(self._definitions[vocabulary], models), models)

    def check_vocabulary(self, name: str) -> None:
        """Check that a vocabulary has this name, even if no loaded model knows its tags.

        Raises:
            RequestError: `unknown_vocabulary`.
        """
        names = [*self._definitions, RAW]
        if name not in names:
            raise RequestError(
                Kind.UNKNOWN_VOCABULARY,
                f"No vocabulary has this name. Use one of {', '.join(names)}. "
                "GET /vocabularies lists their tags.",
                {"vocabularies": names},
            )

    def models_for(self, vocabulary: str) -> tuple[Manifest, ...]:
        """Return the models that a vocabulary uses if the request names none."""
        return self._chosen[vocabulary]

    def _model(self, name: str) -> Manifest:
        for manifest in self.models:
            if manifest.name == name:
                return manifest
        names = [manifest.name for manifest in self.models]
        raise RequestError(
            Kind.UNKNOWN_MODEL,
            f"No model of this name is loaded. Use one of {', '.join(names)}.",
            {"models": names},
        )


def _choose(
    vocabulary: Vocabulary, models: Sequence[Manifest], at_most: int | None
) -> tuple[Manifest, ...]:
    """Return the models that know a tag; of too many, those trained on the vocabulary first."""
    needed = select_models(with_model_tags(vocabulary, models), models)
    kept = sorted(needed, key=lambda model: not is_trained_on(model, vocabulary.name))[:at_most]
    return tuple(model for model in needed if model in kept)
