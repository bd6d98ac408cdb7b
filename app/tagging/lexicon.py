"""Which words can be asked of which models: names from callers, resolved or refused."""

from collections.abc import Mapping, Sequence

from app.errors import Kind, RequestError
from app.store.learnt import RAW
from app.store.manifest import Manifest
from app.tagging.model_vocabularies import as_spoken
from app.tagging.projection import Projection, project
from app.tagging.vocabulary import Vocabulary, needed_models, raw_vocabulary


class Lexicon:
    """The loaded models, the first being the default, and the vocabularies as all of them speak.

    A vocabulary's tag that a model was trained on is heard by it alone, unless a caller names
    another model: then that one says what it can.
    """

    def __init__(
        self,
        models: Sequence[Manifest],
        vocabularies: Mapping[str, Vocabulary],
        asked: Sequence[Manifest] | None = None,
    ) -> None:
        """Keep what can be asked.

        Args:
            models: All that are loaded.
            vocabularies: By name.
            asked: Those that vocabularies ask unless a caller names a model; by default all.
        """
        self.models = tuple(models)
        self._asked = self.models if asked is None else tuple(asked)
        self._written = dict(vocabularies)
        self.vocabularies = {
            name: as_spoken(vocabulary, models) for name, vocabulary in vocabularies.items()
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
        models = self._asked if model is None else (self._model(model),)
        return project(as_spoken(self._vocabulary(vocabulary), models), models)

    def check_vocabulary(self, name: str) -> None:
        """Hold a name against the vocabularies, whether or not a loaded model gives their tags.

        Raises:
            RequestError: `unknown_vocabulary`.
        """
        if name != RAW:
            self._vocabulary(name)

    def needed_models(self, vocabulary: Vocabulary) -> tuple[Manifest, ...]:
        """The loaded models that a vocabulary asks unless told otherwise."""
        return needed_models(vocabulary, self._asked)

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
        """As it was written."""
        if name in self._written:
            return self._written[name]
        names = [*self._written, RAW]
        raise RequestError(
            Kind.UNKNOWN_VOCABULARY,
            f"There is no vocabulary of that name. Choose one of {', '.join(names)}. "
            "GET /vocabularies lists their tags.",
            {"vocabularies": names},
        )
