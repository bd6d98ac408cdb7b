"""Options that subcommands of `taggram identities` and `taggram recommend` share."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.catalogue.shared import WHERE
from app.tagging.pooling import Pooling

Catalogue = Annotated[str, typer.Option("--catalogue", metavar="DIR_OR_URL", help=WHERE)]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder for the results.")]
PoolingOption = Annotated[
    Pooling, typer.Option("--pooling", help="How the vectors of tracks become one.")
]
TopN = Annotated[
    int | None,
    typer.Option("--top-n", min=1, help="The highest tags of a vector to keep; by default all."),
]
