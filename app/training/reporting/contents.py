"""What a report says, from beginning to end."""

from collections.abc import Mapping, Sequence

from app.training.figures import Evaluation
from app.training.reporting.blocks import Block, Cell, Document, Grid, Point, Points, Prose, Section
from app.training.reporting.chapter import chapter
from app.training.reporting.comparison import comparison
from app.training.reporting.curves import Curves
from app.training.reporting.song_chart import strongest, taggram
from app.training.reporting.taggrams import SongTaggram
from app.training.reporting.words import joined, number, some

TERMS = (
    (
        "Interval",
        "of a figure, in which it would fall 95 times of 100 with other tracks like these (bootstrap). "
        "Of 80 tags, some four lie outside theirs.",
    ),
    (
        "Surely, told apart",
        "two figures whose intervals do not touch. This is strict: some true differences stay unsaid.",
    ),
    (
        "ROC-AUC",
        "how often a song that has the tag gets a higher score than one that has not; guessing gives .5.",
    ),
    (
        "PR-AUC",
        "the mean precision while going down the songs from the highest score; guessing gives the share "
        "of songs that have the tag.",
    ),
    (
        "Macro, micro",
        "the mean over tags that have songs with and without them; over all pairs of song and tag. "
        "Where nothing is said, it is macro.",
    ),
    ("Cosine", "the mean similarity of a song’s scores and its tags, 0 to 1."),
    (
        "Tags are what people wrote",
        "A tag that nobody wrote down counts as wrong, even where it is heard.",
    ),
)


def document(
    evaluations: Sequence[Evaluation],
    taggrams: Sequence[SongTaggram],
    curves: Mapping[str, Curves],
) -> Document:
    """Put it together."""
    chapters = (chapter(each, curves.get(each.model)) for each in evaluations)
    songs = (_songs(taggrams),) if taggrams else ()
    terms = Points(tuple(Point(lead, text) for lead, text in TERMS))
    return Document(
        "How well the tags are heard",
        _lead(evaluations),
        (comparison(evaluations), *chapters, *songs, Section("How to read this", (terms,))),
    )


def _lead(evaluations: Sequence[Evaluation]) -> str:
    models = dict.fromkeys(each.model for each in evaluations)
    tasks = dict.fromkeys(each.task for each in evaluations)
    return (
        f"{some(len(models), 'model')} ({joined(list(models))}), "
        f"{some(len(tasks), 'task')} ({joined(list(tasks))})."
    )


def _songs(taggrams: Sequence[SongTaggram]) -> Section:
    intro = (
        "What was heard when, tags with the highest means on top. A dot marks those that people gave "
        "the song."
    )
    return Section("Songs", (Prose(intro),), tuple(map(_song, taggrams)))


def _song(song: SongTaggram) -> Section:
    blocks: list[Block] = [Prose(_truth(song)), taggram(song)]
    means = song.scores.mean(axis=0)
    rows = tuple(
        (
            Cell(song.tags[at]),
            Cell("yes" if song.tags[at] in song.true_tags else ""),
            Cell(number(means[at], 2)),
        )
        for at in strongest(song)
    )
    blocks.append(
        Grid(f"{song.title}: means over the song", ("tag", "given", "score"), rows, words=2)
    )
    return Section(song.title, tuple(blocks))


def _truth(song: SongTaggram) -> str:
    if not song.true_tags:
        return "Nobody gave it tags."
    unknown = [tag for tag in song.true_tags if tag not in song.tags]
    told = f"People gave it {joined(list(song.true_tags))}."
    return f"{told} The model does not know {joined(unknown)}." if unknown else told
