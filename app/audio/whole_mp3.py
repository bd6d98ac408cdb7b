"""An MP3 that libsndfile hears to its end.

libsndfile ends where a header in the first frame (Xing's, Info) says, or where it guesses from the
size of the first frames: too soon where several files were joined, where such a header lies, and
where a variable bit rate has none.
"""

from io import FileIO
from typing import BinaryIO

from app.audio import mpeg, soundfile_source
from app.audio.scratch import Scratch

TOLERATED_FRAMES = 2
"""So many at the end libsndfile may leave out: the last is often cut short."""

MOST_GAPLESS = 1_152 + 2 * 4_095
"""The frame that holds the header, and what that says to cut off at both ends, in samples."""

SIDE_BYTES = {(1_152, False): 32, (1_152, True): 17, (576, False): 17, (576, True): 9}
"""What the header lies behind, by the samples of a frame and whether there is one channel."""

XING_BYTES = mpeg.HEADER_BYTES + 2 + 32 + 4
"""Where its name ends at the latest, with a checksum."""

BIT_RATE = 9 << 4
"""The number of one at which a frame has room for the header, whatever the sample rate."""


def whole(file: BinaryIO, scratch: Scratch) -> BinaryIO:
    """The file where libsndfile hears all of it, else its frames behind a header that is true.

    Args:
        file: Stands where its tags end.
        scratch: As large as the file at least.

    Raises:
        RequestError: `undecodable_audio` where it can't be heard as one track.
    """
    runs = mpeg.runs(file, file.tell())
    if not runs or (len(runs) == 1 and _hears(file, runs[0])):
        return file
    _write(file, runs, scratch.memory)
    return scratch.file


def _hears(file: BinaryIO, run: mpeg.Run) -> bool:
    left_out = run.frames * run.layout.samples - soundfile_source.length(file)
    tolerated = TOLERATED_FRAMES * run.layout.samples
    if _says_its_length(file, run):
        tolerated += MOST_GAPLESS
    return left_out <= tolerated


def _says_its_length(file: BinaryIO, run: mpeg.Run) -> bool:
    file.seek(run.start)
    head = file.read(XING_BYTES)
    return b"Xing" in head or b"Info" in head


def _write(file: BinaryIO, runs: list[mpeg.Run], memory: memoryview) -> None:
    head = header_frame(runs[0].layout, sum(run.frames for run in runs))
    memory[: len(head)] = head
    end = len(head)
    source = FileIO(file.fileno(), closefd=False)
    for run in runs:
        source.seek(run.start)
        end += source.readinto(memory[end : end + run.end - run.start])


def header_frame(layout: mpeg.Layout, frames: int) -> bytes:
    """A frame that holds nothing but how many follow."""
    header = bytes([0xFF, layout.second, BIT_RATE | layout.rate, mpeg.MONO * layout.mono])
    side = bytes(SIDE_BYTES[layout.samples, layout.mono])
    said = b"Xing" + (1).to_bytes(4, "big") + frames.to_bytes(4, "big")
    return (header + side + said).ljust(mpeg.frame_sizes(layout)[header[2]], b"\0")
