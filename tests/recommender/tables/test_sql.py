"""Tables in a database: SQLite, and PostgreSQL where its programs are installed."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from app import masking
from app.errors import SetupError
from app.recommender.data import Platform
from app.recommender.tables.problems import Problem
from app.recommender.tables.reading import read_platform
from tests.recommender.tables.test_reading import NOW, SUBGENRES, Tables, read, tables

sql = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")

COLUMNS = {
    "artists": "artist_id INTEGER, subgenres TEXT, country TEXT, joined TIMESTAMP",
    "curators": "curator_id TEXT, liked TEXT, neutral TEXT, disliked TEXT, country TEXT, "
    "language TEXT",
    "tracks": "external_id INTEGER, artist_id INTEGER, track_id TEXT",
    "interactions": "artist_id INTEGER, curator_id TEXT, external_id INTEGER, track_id TEXT, "
    "score FLOAT, at TEXT, position INTEGER, propensity FLOAT",
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users of databases are masked in this test only; they are words of other tests."""
    monkeypatch.setattr(masking, "_secrets", set[str]())


def fill(url: str, content: Tables) -> None:
    """Create the tables of a database."""
    engine = sql.create_engine(url)
    with engine.begin() as connection:
        for name, rows in content.items():
            connection.execute(sql.text(f"CREATE TABLE {name} ({COLUMNS[name]})"))
            table = sql.Table(name, sql.MetaData(), autoload_with=connection)
            for row in rows:
                cells = {key: "|".join(v) if isinstance(v, list) else v for key, v in row.items()}
                typed = cells | ({"joined": None} if name == "artists" else {})
                connection.execute(table.insert(), typed)
    engine.dispose()


def check_same(platform: Platform, other: Platform) -> None:
    assert platform.artists.ids == other.artists.ids
    assert platform.curators.liked.tolist() == other.curators.liked.tolist()
    assert platform.interactions.scores.tolist() == other.interactions.scores.tolist()
    assert platform.interactions.at.tolist() == other.interactions.at.tolist()
    assert platform.interactions.tracks.tolist() == other.interactions.tracks.tolist()


def test_a_database_is_read_as_files_are(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/platform.db"
    fill(url, tables())

    platform, problems = read_platform(url, SUBGENRES, now=NOW)

    assert problems.counts == {}
    check_same(platform, read(tmp_path / "files", tables())[0])


def test_an_invalid_row_is_named_by_its_ids(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/platform.db"
    content = tables()
    content["interactions"][0]["score"] = 0.3
    fill(url, content)

    _, problems = read_platform(url, SUBGENRES, now=NOW, max_invalid_share=0.5)

    place = problems.examples[Problem.INVALID_VALUE][0].place
    assert place.endswith(
        "table interactions, artist_id 2, curator_id 'x', external_id 20, column score"
    )


def test_a_database_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"nowhere\.db does not exist"):
        read_platform(f"sqlite:///{tmp_path}/nowhere.db", SUBGENRES)
    (tmp_path / "other.db").write_text("this is not a database, " * 50)
    with pytest.raises(SetupError, match="not a database"):
        read_platform(f"sqlite:///{tmp_path}/other.db", SUBGENRES)
    with pytest.raises(SetupError, match="can't be opened"):
        read_platform("oracular://host/db", SUBGENRES)


def test_a_driver_that_is_not_installed_is_named() -> None:
    with pytest.raises(SetupError, match="its driver cx_Oracle is not installed"):
        read_platform("oracle+cx_oracle://user:sesame-open@host/platform", SUBGENRES)


def test_a_table_that_a_database_lacks_is_named(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/platform.db"
    content = tables()
    del content["tracks"]
    fill(url, content)

    with pytest.raises(SetupError, match="it has no table tracks"):
        read_platform(url, SUBGENRES)


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "postgresql"])
def test_the_password_of_a_database_is_in_no_message(driver: str) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    url = f"{driver}://user:sesame-open@127.0.0.1:1/platform"

    with pytest.raises(SetupError) as raised:
        read_platform(url, SUBGENRES)

    assert "sesame-open" not in str(raised.value)
    assert "can't be opened" in str(raised.value)


BINARIES = next((each for each in sorted(Path("/usr/lib/postgresql").glob("*/bin"))[::-1]), None)


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[str]:
    """A URL of an empty database of a PostgreSQL that is reached through a socket of its own."""
    if BINARIES is None or importlib.util.find_spec("psycopg") is None:
        pytest.skip("PostgreSQL or psycopg is not installed")
    user = "postgres" if os.geteuid() == 0 else None  # its programs refuse to run as root
    folder = Path(f"/tmp/taggram-postgresql-{uuid4().hex}")
    folder.mkdir(mode=0o700)
    if user:
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder, env=BARE)

    data, log = folder / "data", folder / "log"
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c shared_buffers=8MB"
    try:
        run(
            f"{BINARIES}/initdb",
            "-D",
            str(data),
            "-A",
            "trust",
            "-U",
            "taggram",
            "-N",
            "-E",
            "UTF8",
        )
        run(f"{BINARIES}/pg_ctl", "-D", str(data), "-l", str(log), "-o", options, "-w", "start")
        yield f"postgresql+psycopg://taggram@/postgres?host={folder}"
        run(f"{BINARIES}/pg_ctl", "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


BARE = {"PATH": os.environ["PATH"], "LC_ALL": "C"}


def test_postgresql_is_read_as_files_are(postgresql: str, tmp_path: Path) -> None:
    fill(postgresql, tables())

    platform, problems = read_platform(postgresql, SUBGENRES, now=NOW)

    assert problems.counts == {}
    check_same(platform, read(tmp_path / "files", tables())[0])
