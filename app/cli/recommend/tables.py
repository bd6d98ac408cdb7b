"""Reads the tables of a platform, as several commands do, and reports their problems."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.console import cell, err, read_settings, say
from app.errors import SetupError
from app.store.manifest.manifest import manifests
from app.store.storage.store import Store
from app.tagging.vocabulary_file import read_vocabularies

if TYPE_CHECKING:
    from app.recommender.data import Platform
    from app.recommender.tables.problems import Problems

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A folder with the tables artists, curators, tracks and interactions as Parquet or "
        "CSV, or a SQLAlchemy URL.",
    ),
]
Subgenres = Annotated[
    str, typer.Option("--subgenres", help="The vocabulary that artists and curators choose from.")
]
MaxInvalidShare = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, help="More invalid rows of a table make the command fail."),
]
DEFAULT_SUBGENRES = "subgenres"
DEFAULT_MAX_INVALID_SHARE = 0.05

MOST_NAMES = 10


def read_tables(data: str, subgenres: str, max_invalid_share: float) -> "Platform":
    """Return the tables of a platform, and print what is wrong with them.

    Raises:
        SetupError: They can't be read, or too many rows are not valid.
    """
    from app.recommender.tables.problems import InvalidTablesError
    from app.recommender.tables.reading import read_platform

    names = _subgenres(subgenres)
    try:
        with err.status("reading the tables"):
            platform, problems = read_platform(data, names, max_invalid_share=max_invalid_share)
    except InvalidTablesError as error:
        show_problems(error.problems)
        raise
    show_problems(problems)
    return platform


def show_problems(problems: "Problems") -> None:
    """Print the number of problems by kind with an example, unless there are none."""
    from app.recommender.tables.problems import LEFT_OUT

    if not problems.counts:
        return
    table = Table(
        "problem",
        Column("count", justify="right"),
        "rows",
        Column("such as", overflow="fold"),
        "why",
    )
    for problem, count in problems.counts.most_common():
        example = problems.examples[problem][0]
        fate = "left out" if problem in LEFT_OUT else "used"
        table.add_row(
            *(cell(problem.value), f"{count:,}", fate, cell(example.place), cell(example.detail))
        )
    err.print(table)
    if unknown := problems.unknown_subgenres:
        most = [f"{name} ({count:,})" for name, count in unknown.most_common(MOST_NAMES)]
        more = f" and {len(unknown) - len(most):,} more" if len(unknown) > len(most) else ""
        say(err, f"unknown subgenres: {', '.join(most)}{more}")


def _subgenres(name: str) -> tuple[str, ...]:
    """Return the tags of a vocabulary."""
    settings = read_settings()
    families: dict[str, set[str]] = {}
    for versions in manifests(Store(settings.model_store)).values():
        for manifest in versions:
            families.setdefault(manifest.tags.family, set()).update(manifest.tags.names)
    vocabularies = read_vocabularies(settings.vocabulary_files, families)
    if name not in vocabularies:
        raise SetupError(
            f"--subgenres {name}: it is not a vocabulary; use one of {', '.join(vocabularies)}"
        )
    return tuple(vocabularies[name].tags)
