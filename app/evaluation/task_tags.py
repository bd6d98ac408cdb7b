"""Map the raw tags of a model to the tags of a task."""

from app.datasets.tracks import Split
from app.errors import RequestError, SetupError
from app.store.manifest.manifest import Manifest
from app.tagging.projection import Projection, project
from app.tagging.vocabulary import Tag, Vocabulary
from app.tagging.vocabulary_file import read_vocabularies


def project_on_task(split: Split, manifest: Manifest) -> Projection:
    """Return the projection of a model's raw tags to the tags of a split.

    Raw tags are matched by name if the model has all of the tags, or if no built-in vocabulary of
    the task's name covers the model's family. Otherwise that vocabulary defines the projection.

    Raises:
        SetupError: The model can't predict any of the tags.
    """
    family, names = manifest.tags.family, manifest.tags.names
    vocabulary = read_vocabularies((), {family: names}).get(split.task)
    known = vocabulary.tags if vocabulary else {}
    by_words = set(split.tags) <= set(names) or not any(
        family in tag.raw_tags for tag in known.values()
    )
    same = {name: Tag({family: (name,)}) for name in split.tags}
    tags = same if by_words else {name: known.get(name, Tag()) for name in split.tags}
    try:
        return project(Vocabulary(split.task, "1", split.name, tags), (manifest,), raw=True)
    except RequestError as error:
        raise SetupError(
            f"{manifest.ref}: none of its raw tags maps to a tag of the task {split.task!r}"
        ) from error
