"""Mutants decoded as in the service: a decoder process for each."""

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from app.audio.worker.processes import Decoder
from app.errors import RequestError
from app.stages import StageClock
from loadtests.fuzz.decoding import PATIENCE_S, Tried
from loadtests.fuzz.worker import ACCEPTED
from testing.decoder_processes import fork_server

WORKERS = os.cpu_count() or 1


@dataclass
class Replay:
    """The outcomes of mutants decoded as in the service.

    Attributes:
        count: How many there were.
        differing: Those whose outcome differs from the worker's, with the outcome.
        survived: Whether the process that decoders come from is still the same.
    """

    count: int = 0
    differing: list[tuple[Tried, str]] = field(default_factory=list)
    survived: bool = True


def replayed(decoder: Decoder, tried: Iterable[Tried], advance: Callable[[], object]) -> Replay:
    """Decode mutants as the service does."""
    return asyncio.run(_replayed(decoder, tried, advance))


async def _replayed(
    decoder: Decoder, tried: Iterable[Tried], advance: Callable[[], object]
) -> Replay:
    replay, all_tried = Replay(), iter(tried)

    async def work() -> None:
        for one in all_tried:
            output = await _output(decoder, one.data)
            replay.count += 1
            if output != one.output:
                replay.differing.append((one, output))
            advance()

    before = fork_server()
    await asyncio.gather(*(work() for _ in range(WORKERS)))
    replay.survived = fork_server() == before
    return replay


async def _output(decoder: Decoder, data: bytes) -> str:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        file.seek(0)
        try:
            async with (
                asyncio.timeout(2 * PATIENCE_S),
                decoder.decoding(file, StageClock()) as decoding,
            ):
                async for _ in decoding.progress():
                    pass
        except RequestError as error:
            return error.kind
        except Exception as error:  # noqa: BLE001 - any error that is not a refusal
            return f"raised {type(error).__name__}"
    return ACCEPTED
