"""What the soak sends: nine good requests in ten, and one that means no good."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from app.errors import Kind
from loadtests.lookalikes import lookalikes
from loadtests.tracks import encoded
from testing.corpus import CORPUS
from testing.multipart import CONTENT_TYPE, part_start

TRACK_S = 15
KNOWN = 4
ADDRESSES = 200
"""Callers, by their addresses: each stays within its rate."""

HOSTILE_BYTES = 2**20
"""With larger files of the corpus the client would be the bottleneck."""

SLOW_S = 15.0
AT_ONCE = 24
SATURATING = 6
"""Callers that keep two cores busy, and are too few to be refused."""

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Outcome:
    """The outcome of one request.

    Attributes:
        what: Its kind.
        answer: The status, with the kind of a problem; or another outcome.
        seconds: How long that took.
    """

    what: str
    answer: str
    seconds: float


class Callers:
    """Send requests of all kinds and collect their outcomes."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.outcomes: list[Outcome] = []
        self._http = http
        self._chance = random.Random(1)
        self._known = [encoded(TRACK_S, 20.0 * number) for number in range(KNOWN)]
        self._new = lookalikes(self._known[0])
        self._hostile = list(_hostile_audio())
        self._taggrams: list[str] = []
        self._places = asyncio.Semaphore(AT_ONCE)

    async def prepare(self) -> None:
        """Upload the known tracks, before all else."""
        for mp3 in self._known:
            response_body = await self._upload(mp3)
            self._taggrams.append(response_body.raise_for_status().json()["taggram_url"])

    async def saturate(self, seconds: float) -> float:
        """Return the requests per second that the service answers at most.

        A few callers send one request after the other, of all kinds but those that only wait.
        """
        answered = 0
        until = time.monotonic() + seconds
        sorts = {sort: weight for sort, weight in SORTS.items() if sort not in WAITING}

        async def call() -> None:
            nonlocal answered
            while time.monotonic() < until:
                (sort,) = self._chance.choices([*sorts], [*sorts.values()])
                answered += not (await sort(self)).startswith("503")

        begun = time.monotonic()
        await asyncio.gather(*(call() for _ in range(SATURATING)))
        return answered / (time.monotonic() - begun)

    async def run(self, rate: float, stop: asyncio.Event) -> None:
        """Send this many requests per second, at random times, until stopped."""
        sorts, weights = zip(*((sort, weight) for sort, weight in SORTS.items()), strict=True)
        calls: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            await asyncio.sleep(self._chance.expovariate(rate))
            (sort,) = self._chance.choices(sorts, weights)
            calls.add(call := asyncio.create_task(self._call(sort, stop)))
            call.add_done_callback(calls.discard)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def _call(self, sort: "Sort", stop: asyncio.Event) -> None:
        async with self._places:
            begun = time.monotonic()
            try:
                answer = await sort(self)
            except (OSError, httpx.HTTPError, asyncio.IncompleteReadError) as error:
                answer = type(error).__name__
            if not stop.is_set():  # then the service may be ending, too
                what = sort.__name__.replace("_", " ")
                self.outcomes.append(Outcome(what, answer, time.monotonic() - begun))

    async def new_track(self) -> str:
        """Return a new track."""
        return _answer(await self._upload(next(self._new)))

    async def known_track(self) -> str:
        """One that was."""
        return _answer(await self._upload(self._chance.choice(self._known)))

    async def taggram(self) -> str:
        """One of its taggrams, in any form."""
        accept = self._chance.choice(["application/json", "image/png", "text/csv"])
        url = self._chance.choice(self._taggrams)
        return _answer(await self._http.get(url, headers={**self._address(), "Accept": accept}))

    async def catalogue(self) -> str:
        """What pages and monitors ask."""
        path = self._chance.choice(["/models", "/vocabularies", "/health/live", "/metrics"])
        return _answer(await self._http.get(path, headers=self._address()))

    async def hostile_audio(self) -> str:
        """A file that must be refused."""
        return _answer(await self._upload(self._chance.choice(self._hostile)))

    async def wrong_type(self) -> str:
        """No form at all."""
        headers = {**self._address(), "Content-Type": "application/json"}
        return _answer(await self._http.post("/suggest-tags", content=b"{" * 5000, headers=headers))

    async def disconnect(self) -> str:
        """A client that leaves in the middle of its upload."""
        async with self._half_sent():
            return "left"

    async def slow_body(self) -> str:
        """One that goes on, byte by byte."""
        async with self._half_sent() as (reader, writer):
            until = time.monotonic() + SLOW_S
            while time.monotonic() < until and not reader.at_eof():
                writer.write(b"\0")
                await writer.drain()
                await asyncio.sleep(0.2)
                if line := await _line(reader):
                    return line
            return "left"

    async def _upload(self, audio: bytes) -> httpx.Response:
        files = {"file": audio}
        return await self._http.post("/suggest-tags", files=files, headers=self._address())

    def _address(self) -> dict[str, str]:
        return {"X-Forwarded-For": f"10.0.0.{self._chance.randrange(ADDRESSES)}"}

    @asynccontextmanager
    async def _half_sent(
        self,
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        url = self._http.base_url
        assert url.port
        reader, writer = await asyncio.open_connection(url.host, url.port)
        try:
            head = [
                "POST /suggest-tags HTTP/1.1",
                f"Host: {url.host}",
                f"X-Forwarded-For: {self._address()['X-Forwarded-For']}",
                f"Content-Type: {CONTENT_TYPE}",
                "Content-Length: 1000000",
                "\r\n",
            ]
            writer.write("\r\n".join(head).encode() + part_start() + b"ID3" + bytes(20_000))
            await writer.drain()
            yield reader, writer
        finally:
            writer.close()


Sort = Callable[[Callers], Awaitable[str]]

SORTS: dict[Sort, float] = {
    Callers.new_track: 35,
    Callers.known_track: 20,
    Callers.taggram: 20,
    Callers.catalogue: 15,
    Callers.hostile_audio: 5,
    Callers.wrong_type: 2,
    Callers.disconnect: 2,
    Callers.slow_body: 1,
}
"""What is sent, and how often in a hundred."""

WAITING = {Callers.disconnect, Callers.slow_body}


def _hostile_audio() -> Iterator[bytes]:
    for hostile in CORPUS.values():
        if isinstance(hostile.verdict, Kind) and len(audio := hostile.make()) <= HOSTILE_BYTES:
            yield audio


async def _line(reader: asyncio.StreamReader) -> str:
    """The status of an answer that came already."""
    try:
        async with asyncio.timeout(0.01):
            return (await reader.readline()).decode().split(" ")[1]
    except (TimeoutError, IndexError):
        return ""


def _answer(response: httpx.Response) -> str:
    if response.is_success:
        return str(response.status_code)
    return f"{response.status_code} {response.json()['type'].rpartition('/')[2]}"
