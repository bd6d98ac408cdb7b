"""What short clips of others wait while one client has the service decode for long.

`python -m loadtests.serving.decode_attack [--tries 10] [--kind announced] [--way direct]` starts
the service as users do. One client sends 24 files that cost seconds each to decode, sends each
again once it is answered, and meanwhile other clients upload a clip of 5 s each second, each from
an address of its own. Ways: `direct`, `nginx` (the shipped configuration in front), `address`
(directly, with upload tokens, all from one address) and `token` (the five uploads of one token,
each from another address, again with the next token once they are answered).

Afterwards the attack is sent once more, without repetition. The attacker's address then asks until
an upload is accepted: so long is the truth that each `Retry-After` is held against.
"""

import http.client
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import httpx
import typer

from app.access.key_file import create_key
from loadtests.report import Row, out, publish, spread, tally
from loadtests.service import service
from loadtests.serving.health_probe import polling_health
from loadtests.serving.load_profile import percentile
from testing.flac import constant_flac
from testing.media import media
from testing.multipart import CONTENT_TYPE, multipart
from testing.proxy import run_nginx
from testing.sounds import encoded, noise

AT_ONCE = 24
USES = 5
SOON_S = 3.0
INTERVAL_S, AGAIN_S = 0.2, 1.0
GIVEN_UP_S = 180.0
ORIGIN = "https://signup.example"
REFUSED = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
WAYS = ("direct", "nginx", "address", "token")

ATTACKER = "127.0.0.2"
cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def announced() -> bytes:
    """603 s of 8 channels at 384 kHz, with a correct header."""
    return constant_flac(603, comment=secrets.token_bytes(8))


def lying() -> bytes:
    """The same, but the header announces 5 s."""
    return constant_flac(603, announced_s=5, comment=secrets.token_bytes(8))


def within() -> bytes:
    """All that is read of a file: 75 s of 8 channels at 384 kHz."""
    return constant_flac(74.5, comment=secrets.token_bytes(8))


def slow_files() -> Callable[[], bytes]:
    """Ten minutes of Opus, which all of the service works for."""
    opus = media(noise(48_000 * 595), "libopus", "ogg", rate=48_000, bit_rate=24_000)
    return lambda: opus + secrets.token_bytes(8)


def kinds() -> dict[str, Callable[[], bytes]]:
    """What makes a new file of each kind."""
    return {"announced": announced, "lying": lying, "within": within, "slow": slow_files()}


@dataclass
class Attacked:
    """A service under attack.

    Attributes:
        url: Where it is attacked.
        port: The service's own, where its health is asked for.
        credentials: Makes what the next five uploads of a client show, if anything.
        spread_out: Whether each upload of the attack is from another address.
        answers: Those to the attacker.
        done: Set at the attack's end.
    """

    url: str
    port: int
    credentials: Callable[[], dict[str, str]] = dict
    spread_out: bool = False
    answers: list[int] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)


@cli.command()
def main(
    tries: Annotated[int, typer.Option(help="Clips of other clients.")] = 10,
    kind: Annotated[list[str] | None, typer.Option(help="Of the attack's files.")] = None,
    way: Annotated[list[str] | None, typer.Option(help="Of the attack's uploads.")] = None,
) -> None:
    """Measure and print."""
    makers = kinds()
    rows = [
        _measured(each_way, each, makers[each], tries)
        for each_way in way or WAYS
        for each in kind or makers
    ]
    publish(
        "decode_attack",
        f"Clips of 5 s while one client sends {AT_ONCE} files at a time",
        rows,
        [
            "Seconds are minimum / median / maximum; what was not tagged within "
            f"{GIVEN_UP_S:g} s counts as that.",
            "Retry-After over truth is 1 where it is right.",
        ],
    )


def _measured(way: str, kind: str, make: Callable[[], bytes], tries: int) -> Row:
    out.print(f"{way}, {kind}", highlight=False)
    make()  # the frames of one are those of the others
    with _attacked(way) as attacked:
        _upload(attacked.url, _clip(0), "127.0.0.1", attacked.credentials())  # to warm it up
        with (
            polling_health("127.0.0.1", attacked.port) as health,
            _attacking(attacked, make, AT_ONCE, again=True),
        ):
            time.sleep(1.0)
            answers, seconds = _victims(attacked, tries)
        ratios = _ratios(attacked, make)
    return {
        "way": way,
        "kind": kind,
        "clips": tally(answers),
        "seconds": spread(seconds, 2),
        f"within {SOON_S:g} s": f"{sum(each <= SOON_S for each in seconds)} of {tries}",
        "attacker": tally(attacked.answers),
        "Retry-After / truth": spread(ratios, 2) if ratios else "none refused",
        "health p99 ms": percentile(health.milliseconds, 99),
        "health errors": health.errors,
    }


@contextmanager
def _attacked(way: str) -> Iterator[Attacked]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings: dict[str, str] = {}
        if way in {"address", "token"}:
            keys = folder / "keys.json"
            shop = create_key(keys, "shop", admin=False)
            settings = {
                "TAGGRAM_KEYS_FILE": str(keys),
                "TAGGRAM_SECRET": secrets.token_hex(32),
                "TAGGRAM_ALLOWED_ORIGINS": f'["{ORIGIN}"]',
            }
        server = stack.enter_context(service(settings))
        url, port = str(server.http.base_url), server.http.base_url.port or 0
        if way == "nginx":
            front, _ = stack.enter_context(run_nginx(folder, port))
            url = f"http://127.0.0.1:{front}"
        attacked = Attacked(url, port)
        if settings:
            key = {"Authorization": f"Bearer {shop}"}
            attacked.credentials = lambda: _token(url, key)
            attacked.spread_out = way == "token"
        yield attacked


def _token(url: str, key: dict[str, str]) -> dict[str, str]:
    response = httpx.post(
        f"{url}/upload-tokens", headers=key, json={"origin": ORIGIN}, trust_env=False
    )
    return {"Authorization": f"Bearer {response.json()['token']}", "Origin": ORIGIN}


@contextmanager
def _attacking(
    attacked: Attacked, make: Callable[[], bytes], at_once: int, *, again: bool
) -> Iterator[None]:
    """Attack during the body, and wait for the last answers."""
    attacked.done.clear()
    if attacked.spread_out:
        at_once = USES
    with ThreadPoolExecutor(at_once) as threads:
        shown = attacked.credentials()
        files = [make() for _ in range(at_once)]
        attackers = [
            threads.submit(_attack, attacked, make, number, shown, data, again)
            for number, data in enumerate(files)
        ]
        try:
            yield
        finally:
            attacked.done.set()
        for attacker in attackers:
            attacker.result()


def _attack(
    attacked: Attacked,
    make: Callable[[], bytes],
    number: int,
    shown: dict[str, str],
    data: bytes,
    again: bool,
) -> None:
    address = f"127.0.1.{number + 1}" if attacked.spread_out else ATTACKER
    while True:
        if shown and number % USES == 0:
            shown.update(attacked.credentials())  # those that share it come along
        response = _upload(attacked.url, data, address, shown)
        attacked.answers.append(response.status_code)
        if not again or attacked.done.is_set():
            return
        if response.status_code in REFUSED | {HTTPStatus.FORBIDDEN}:
            attacked.done.wait(AGAIN_S)
        data = make()


def _victims(attacked: Attacked, tries: int) -> tuple[list[int], list[float]]:
    """Upload a clip each second, each from another address: answers, and seconds until them."""

    def wait(number: int) -> tuple[int, float]:
        time.sleep(number)
        begun = time.monotonic()
        response = _upload(attacked.url, _clip(number + 1), f"127.0.2.{number + 1}", shown[number])
        took_s = time.monotonic() - begun
        return response.status_code, took_s if response.status_code == HTTPStatus.OK else GIVEN_UP_S

    shown = [attacked.credentials() for _ in range(tries)]
    with ThreadPoolExecutor(tries) as threads:
        waited = list(threads.map(wait, range(tries)))
    return [answer for answer, _ in waited], [seconds for _, seconds in waited]


def _ratios(attacked: Attacked, make: Callable[[], bytes]) -> list[float]:
    """Attack once, then compare `Retry-After` with the real wait for the attacker's address."""
    retries: list[tuple[float, float]] = []
    shown = attacked.credentials()
    address = "127.0.1.1" if attacked.spread_out else ATTACKER
    with _attacking(attacked, make, AT_ONCE, again=False):
        time.sleep(1.0)
        deadline = time.monotonic() + GIVEN_UP_S
        while (sent_at := time.monotonic()) < deadline:
            response = _upload(attacked.url, _clip(secrets.randbelow(2**31)), address, shown)
            if response.status_code not in REFUSED:
                break
            retries.append((sent_at, response.retry_after_s))
            time.sleep(INTERVAL_S)
    # Below a second the ratio means nothing.
    return [header_s / max(1.0, sent_at - at) for at, header_s in retries]


def _clip(number: int) -> bytes:
    return encoded(noise(5 * 44_100, number), 44_100, "FLAC")


@dataclass(frozen=True)
class Retries:
    """An answer.

    Attributes:
        status_code: Its status; 0 if there was none.
        retry_after_s: Its `Retry-After` in seconds, if any.
    """

    status_code: int
    retry_after_s: float


def _upload(url: str, data: bytes, address: str, headers: dict[str, str]) -> Retries:
    """Upload from an address of this machine, with as little of its processors as that takes."""
    to = httpx.URL(url)
    connection = http.client.HTTPConnection(
        to.host, to.port, timeout=GIVEN_UP_S, source_address=(address, 0)
    )
    try:
        form = {"Content-Type": CONTENT_TYPE, **headers}
        connection.request("POST", "/suggest-tags", multipart(data), form)
        answer = connection.getresponse()
        answer.read()
        return Retries(answer.status, float(answer.headers.get("Retry-After", "0")))
    except (OSError, http.client.HTTPException):
        return Retries(0, 0.0)
    finally:
        connection.close()


if __name__ == "__main__":
    cli()
