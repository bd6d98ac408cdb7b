"""Options that subcommands of `taggram identities` and `taggram recommend` share."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli.catalogue.shared import WHERE
from app.tagging.pooling import Pooling

Catalogue = Annotated[str, typer.Option("--catalogue", metavar="DIR_OR_URL", help=WHERE)]
ForTags = Annotated[
    str | None,
    typer.Option("--catalogue", metavar="DIR_OR_URL", help=f"For tags. {WHERE}"),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder for the results.")]
PoolingOption = Annotated[
    Pooling, typer.Option("--pooling", help="How the vectors of tracks become one.")
]
TopN = Annotated[
    int | None,
    typer.Option("--top-n", min=1, help="The highest tags of a vector to keep; by default all."),
]
TestShare = Annotated[
    float, typer.Option(min=0.01, max=0.99, help="The share of interactions, the latest.")
]
At = Annotated[
    datetime | None, typer.Option(help="Evaluate on interactions from this time on, in UTC.")
]
DEFAULT_TEST_SHARE = 0.2
