"""What tests share: the real weights, real music, a real server, the published models' outputs."""

import gc
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, settings

from app.settings import Settings
from testing.packages import chromium as chromium_package
from testing.packages.audio import audio_folder
from testing.server import STUB, Server, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"
GOLDEN = SHARED / "golden"

SHARED_SERVERS = ("server", "stub", "narrow", "marked", "service", "impatient", "s3")
"""Fixtures that start a server for several files, the most expensive first; `s3` is one that the
parameter `place` starts."""

SLOWEST_FILES = 10

GARBAGE_THRESHOLDS = (20_000, 10, 10)
"""See `gc.set_threshold`. With Python's own, the collector takes 7 % of the CPU time of tests that
train networks; with these 2 %, in about the same memory."""

# Few examples, the same ones each time; `pytest --hypothesis-profile thorough` tries more, and new
# ones. Neither depends on the speed of the machine, and each example writes its own files.
anywhere = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("default", anywhere, max_examples=10, derandomize=True)
settings.register_profile("thorough", anywhere, max_examples=200)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options for the tests to run, and for people who watch the page."""
    parser.addoption(
        "--slice", default="1/1", help="run one of several equal parts of the tests, as 2/10"
    )
    parser.addoption("--headed", action="store_true", help="show the browser's windows")
    parser.addoption(
        "--slow-mo", type=int, default=0, metavar="MS", help="wait after each step in the browser"
    )
    parser.addoption(
        "--screenshots", action="store_true", help="keep pictures of the page's states"
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect the tests without the garbage collector, and exempt the imported modules from it.

    It finds nothing there, but each of its full runs would look through all of TensorFlow. It then
    runs more rarely, as networks are many objects, and few of them are garbage.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Select one slice of the tests, and group them by shared fixtures."""
    _keep_slice(config, items)
    _group_by_server(items)


def _keep_slice(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of other slices; a test stays in its slice when others come or go.

    Those marked `release` take longer than a slice may, and are in none of several.
    """
    part, parts = map(int, config.getoption("--slice").split("/"))
    by_part = defaultdict(list)
    for item in items:
        is_left_out = parts > 1 and item.get_closest_marker("release")
        by_part[0 if is_left_out else crc32(item.nodeid.encode()) % parts + 1].append(item)
    items[:] = by_part.pop(part, [])
    config.hook.pytest_deselected(items=[item for others in by_part.values() for item in others])


def _group_by_server(items: list[pytest.Item]) -> None:
    """Run the tests of a file, and all files that share a server, in one process.

    Those of a shared server take longest and begin first, else one process would run them alone at
    the end.
    """
    files = defaultdict(list)
    for item in items:
        files[item.path].append(item)
    groups = defaultdict(list)
    for path, tests in files.items():
        used = {name for test in tests for name in getattr(test, "fixturenames", ())}
        used |= {test.callspec.params.get("place") for test in tests if hasattr(test, "callspec")}
        group = next((name for name in SHARED_SERVERS if name in used), str(path))
        groups[group].extend(tests)
        for test in tests:
            test.add_marker(pytest.mark.xdist_group(group))
    shared = [groups.pop(name) for name in SHARED_SERVERS if name in groups]
    items[:] = chain.from_iterable([*shared, *groups.values()])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the slowest files, including the setup of shared fixtures in the first file."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    terminalreporter.section(f"slowest {SLOWEST_FILES} files")
    for path, duration in seconds.most_common(SLOWEST_FILES):
        terminalreporter.write_line(f"{duration:.2f}s {path}")


@pytest.fixture(scope="session")
def store() -> Path:
    """The model store, with its weights pulled."""
    return Path(Settings().model_store)


@pytest.fixture(scope="session")
def golden() -> Path:
    """Outputs of the published models, if they are next to the checkout."""
    if not GOLDEN.is_dir():
        pytest.skip(f"the published models' outputs are not at {GOLDEN}")
    return GOLDEN


@pytest.fixture(scope="session")
def song() -> Path:
    """A real song: metal with synthesisers, 2:23, Ogg Vorbis, 44.1 kHz stereo."""
    return _music("fretsonfire-songs-sectoid") / "Metal madness" / "song.ogg"


@pytest.fixture(scope="session")
def ambient_song() -> Path:
    """Another real song: ambient electronic, Ogg Vorbis."""
    return _music("singularity-music") / "Through Space.ogg"


@pytest.fixture(scope="session")
def clip(song: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of the song as FLAC, for tests that need no more."""
    samples, rate = soundfile.read(song, dtype="float32", start=44_100 * 20, frames=44_100 * 12)
    path = tmp_path_factory.mktemp("clip") / "clip.flac"
    soundfile.write(path, np.clip(samples, -1, 1), rate)
    return path


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A file outside the received folder."""
    path = tmp_path / "precious" / "diary.txt"
    path.parent.mkdir()
    path.write_text("mine")
    return path


@pytest.fixture
def received(tmp_path: Path) -> Path:
    """A folder that came from elsewhere."""
    folder = tmp_path / "received"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def chromium(pytestconfig: pytest.Config) -> Path:
    """Chromium's program; `NEEDS_BROWSER` makes it a failure that there is none."""
    found = chromium_package.find(headed=pytestconfig.getoption("headed"))
    if found is None:
        missing = pytest.fail if os.environ.get("NEEDS_BROWSER") else pytest.skip
        missing(chromium_package.MISSING)
    return found


def run_browser(chromium: Path, pytestconfig: pytest.Config) -> "Iterator[Browser]":
    """Chromium, for no longer than a module or package: see `browsing` about event loops."""
    from testing.browsing import browsing  # most test processes need no Playwright

    headed, slow_mo_ms = (pytestconfig.getoption(name) for name in ("headed", "slow_mo"))
    with browsing(chromium, headed=headed, slow_mo_ms=slow_mo_ms) as browser:
        yield browser


browser = pytest.fixture(run_browser, scope="module")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server with the default settings, shared by all tests that change none."""
    with serving(tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the default settings and stub networks; see `testing.stub_service`."""
    with serving(tmp_path_factory.mktemp("stub") / "log", command=STUB) as running:
        yield running


def _music(package: str) -> Path:
    folder = audio_folder(package)
    if not folder.is_dir():
        pytest.skip(f"the music of the Debian package {package} is not in .cache; see `make test`")
    return folder
