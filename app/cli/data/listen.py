"""`taggram data listen`: write augmented excerpts of tracks as files to listen to."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from app.cli.console import err, out, plain_errors, say
from app.domain import Samples
from app.errors import RequestError, SetupError
from app.paths import check_is_file, resolve_inside

if TYPE_CHECKING:
    from app.training.data.augmenter import Augmenter

SAMPLE_RATE = 16_000
"""In Hz: that of the networks."""

CROP_S = 10
"""The length of the excerpt from the middle of the track, in seconds."""

MAX_DURATION_S = 3_600
STACKS = 3


def listen(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Tracks.")],
    to: Annotated[
        Path, typer.Option("--to", help="The output folder; each track gets a folder in it.")
    ],
    seed: Annotated[int, typer.Option(min=0, help="Of the random augmentations.")] = 0,
) -> None:
    """Write ten seconds of tracks: the original, each augmentation alone, and combinations."""
    with plain_errors():
        from app.training.data.augmentation import Augmentation
        from app.training.data.augmenter import Augmenter

        _refuse_equal_names(files)
        augmenter = Augmenter(Augmentation(), SAMPLE_RATE)
        written = []
        with Progress(console=err, transient=True) as progress:
            # Not `progress.track`: if the command fails, its thread may never end.
            bar = progress.add_task("augmenting", total=len(files))
            for path in files:
                folder = resolve_inside(to, f"{path.stem}/_").parent  # `...mp3` has the stem `..`
                written.append(_written(path, folder, augmenter, seed))
                progress.advance(bar)
    if not all(written):
        raise typer.Exit(1)


def _written(path: Path, folder: Path, augmenter: "Augmenter", seed: int) -> bool:
    from app.files import write_atomically

    try:
        samples = _middle(path)
    except RequestError as error:
        say(err, f"{path}: {error.detail}", style="red")
        return False
    except OSError as error:
        say(err, f"{path}: can't be read: {error.strerror or error}", style="red")
        return False
    names = []
    for name, changed in _versions(samples, augmenter, seed):
        write_atomically(folder / f"{name}.flac", _flac(changed))
        names.append(name)
    say(out, f"{folder}: {', '.join(names)}")
    return True


def _versions(samples: Samples, augmenter: "Augmenter", seed: int) -> Iterator[tuple[str, Samples]]:
    from app.training.data.augmenter import SINGLE

    yield "original", samples
    for name in SINGLE:
        yield name, augmenter.alone(name, samples, seed)
    for number in range(1, STACKS + 1):
        yield f"stack_{number}", augmenter(samples, STACKS * seed + number)


def _middle(path: Path) -> Samples:
    """Return ten seconds from the middle of a track, or all of a shorter one, (samples,)."""
    import numpy as np

    from app.audio.decoders.track_reader import TrackReader
    from app.audio.limits import AudioLimits

    limits = AudioLimits(SAMPLE_RATE, 0.0, MAX_DURATION_S)
    check_is_file(path)
    with path.open("rb", buffering=0) as file:
        samples = np.concatenate(list(TrackReader(file, limits).samples()))
    start = max(len(samples) - CROP_S * SAMPLE_RATE, 0) // 2
    return samples[start : start + CROP_S * SAMPLE_RATE]


def _flac(samples: Samples) -> bytes:
    """Encode samples as FLAC; attenuate them if they exceed full scale."""
    import numpy as np
    import soundfile

    written = io.BytesIO()
    soundfile.write(written, samples / max(1, np.max(np.abs(samples))), SAMPLE_RATE, format="FLAC")
    return written.getvalue()


def _refuse_equal_names(files: Sequence[Path]) -> None:
    name, count = Counter(path.stem for path in files).most_common(1)[0]
    if count > 1:
        raise SetupError(f"{count} files are called {name!r}; pass them in separate commands")
