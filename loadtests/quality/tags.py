"""How well the first suggestions fit labelled music.

    python -m loadtests.quality.tags FOLDER          # genre/*.wav or genre.*.wav, by the service
    python -m loadtests.quality.tags SCORES.npz      # raw scores of labelled excerpts, no audio
    python -m loadtests.quality.tags                 # free songs of Debian packages, by the service

`--models` names the models, `--plausible` a YAML file with the tags that fit each genre.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from loadtests.quality.genre_songs import free_songs
from loadtests.quality.labelled_scores import answer_scores
from loadtests.quality.labelled_songs import answer_songs
from loadtests.quality.metrics import Answer, count_first, measure, measure_genres
from loadtests.report import publish
from testing.labelled import PLAUSIBLE, Plausible, read_plausible


def main(
    material: Annotated[
        Path | None, typer.Argument(help="A folder of songs, or an .npz of scores.")
    ] = None,
    plausible: Annotated[Path, typer.Option(help="YAML: the tags that fit a genre.")] = PLAUSIBLE,
    models: Annotated[str, typer.Option(help="Names with commas; by default the service's.")] = "",
) -> None:
    """Measure, print, and keep as JSON."""
    fitting = read_plausible(plausible)
    requested = tuple(name for name in models.split(",") if name)
    name = "tag_quality" if material is None else f"tag_quality-{material.stem}"
    if material is not None and material.suffix == ".npz":
        answers = list(answer_scores(material, requested, fitting))
    else:
        songs = free_songs() if material is None else list(labelled_songs(material, fitting))
        answers = list(answer_songs(songs, requested))
    report(name, answers, fitting)


def labelled_songs(folder: Path, plausible: Plausible) -> Iterator[tuple[str, Path]]:
    """Yield each song of a folder with its genre: that of its folder, or of its name."""
    for path in sorted(folder.rglob("*")):
        genre = path.name.partition(".")[0] if path.parent == folder else path.parent.name
        if path.is_file() and genre in plausible:
            yield genre, path


def report(name: str, answers: Sequence[Answer], plausible: Plausible) -> None:
    """Print the tables."""
    if not answers:
        raise typer.BadParameter("no song has a genre of the plausible tags")
    publish(name, f"{len(answers)} songs (95 % bootstrap interval)", measure(answers, plausible))
    publish(f"{name}-genres", "By genre", measure_genres(answers, plausible))
    publish(f"{name}-first", "What is suggested first", count_first(answers, plausible))


if __name__ == "__main__":
    typer.run(main)
