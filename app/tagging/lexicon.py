"""Which words can be asked of which models: names from callers, resolved or refused."""

from collections.abc import Mapping, Sequence

from app.errors import Kind, RequestError
from app.store.manifest import Manifest
from app.tagging.vocabulary import (
    RAW,
    Projection,
    Vocabulary,
    needed_models,
    project,
    raw_vocabulary,
)


class Lexicon:
    """The loaded models, the first being the default, and the vocabularies."""

    def __init__(self, models: Sequence[Manifest], vocabularies: Mapping[str, Vocabulary]) -> None:
        self.models = tuple(models)
        self.vocabularies = dict(vocabularies)

    def projection(self, vocabulary: str, model: str | None) -> Projection:
        """The models to ask for a vocabulary, and how their raw tags become its tags.

        Without a model, a vocabulary asks the first loaded one of each family of raw tags that it
        needs, and `raw` asks the default model.

        Raises:
            RequestError: `unknown_model` or `unknown_vocabulary`.
        """
        models = self.models if model is None else (self._model(model),)
        if vocabulary == RAW:
            return project(raw_vocabulary(models[0]), models[:1])
        return project(self._vocabulary(vocabulary), models)

    def check_vocabulary(self, name: str) -> None:
        """Hold a name against the vocabularies, whether or not a loaded model gives their tags.

        Raises:
            RequestError: `unknown_vocabulary`.
        """
        if name != RAW:
            self._vocabulary(name)

    def needed_models(self, vocabulary: Vocabulary) -> tuple[Manifest, ...]:
        """The loaded models that a vocabulary asks unless told otherwise."""
        return needed_models(vocabulary, self.models)

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

    def _vocabulary(self, name: str) -> Vocabulary:
        if name in self.vocabularies:
            return self.vocabularies[name]
        names = [*self.vocabularies, RAW]
        raise RequestError(
            Kind.UNKNOWN_VOCABULARY,
            f"There is no vocabulary of that name. Choose one of {', '.join(names)}. "
            "GET /vocabularies lists their tags.",
            {"vocabularies": names},
        )
