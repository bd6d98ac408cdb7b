"""Secrets of URLs are in nothing that is printed, logged or answered."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import masking
from app.cache.redis import RedisCache
from app.cache.signer import Signer
from app.cli.console import cell, say
from app.datasets.audio.fetching import fetch
from app.datasets.audio.file_source import FileSource
from app.datasets.audio.library import open_library
from app.errors import SetupError, describe
from app.logs import JsonLine, PlainLine, show_traceback
from app.masking import mask, remember
from app.metrics import Metrics
from app.store.importers.download import download_checkpoint
from app.store.manifest.manifest import read_store
from app.store.manifest.source import Checkpoint
from app.store.storage.store import Store

SECRETS = ("hunter2", "pa/ss@wd", "wd", "s3cr3t", "S1GNED")

URLS = [
    "s3://operator:hunter2@bucket/models",
    "s3://operator:pa/ss@wd@bucket/models",
    "redis://operator:pa/ss@wd@host:6379/0",
    "redis://:pa%2Fss%40wd@host:6379/0",
    "https://hunter2@host/models",
    "https://host/models?sig=S1GNED&page=2",
    "https://host/models?page=2&X-Amz-Credential=s3cr3t&X-Amz-Signature=S1GNED",
    "simplecache::s3://operator:hunter2@bucket/models",
]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(masking, "_secrets", set[str]())
    return


def assert_masked(text: str) -> None:
    assert not [secret for secret in SECRETS if secret in text], text


@pytest.mark.parametrize("url", URLS)
def test_a_url_is_shown_without_its_secrets(url: str) -> None:
    shown = mask(f"{url}: can't be read")
    assert_masked(shown)
    assert "***" in shown
    assert shown.endswith(": can't be read")


@pytest.mark.parametrize(
    "reason",
    [
        'Invalid bucket name "operator:hunter2@bucket"',
        "Port could not be cast to integer value as 'pa/ss'",
        "no host in pa/ss@wd@host",
        "the password hunter2 is wrong",
        "GET /models?sig=S1GNED: 403",
        "signature S1GNED has expired",
        "hunter2",
    ],
)
def test_the_secret_parts_of_a_url_are_masked_everywhere(reason: str) -> None:
    for url in URLS:
        remember(url)
    assert_masked(mask(reason))
    assert "***" in mask(reason)


@pytest.mark.parametrize(
    "text",
    [
        "s3://bucket/models: can't be read",
        "https://host/models/v@1.2/file",
        "https://host/models?page=2",
        "a word of a@b.example",
        "hop = 256, by=7",
        "the forward pass is wide",
    ],
)
def test_other_text_is_not_masked(text: str) -> None:
    for url in URLS:
        remember(url)
    assert mask(text) == text


def test_every_output_masks(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    url = "s3://operator:pa/ss@wd@bucket/models"
    remember(url)
    try:
        try:
            raise ValueError(f"Invalid bucket name {url!r}")
        except ValueError as error:
            raise RuntimeError("wd is wrong") from error
    except RuntimeError as error:
        raised = error
    values = {"msg": "can't read %s", "args": (url,), "exc_info": (RuntimeError, raised, None)}
    record = logging.makeLogRecord(values)

    say(Console(), url)
    Console().print(cell(url))
    show_traceback(RuntimeError, raised, raised.__traceback__)
    output = capsys.readouterr()
    line = JsonLine().format(record)
    for text in (output.out, output.err, line, PlainLine().format(record), describe(raised)):
        assert_masked(text)
        assert "***" in text
    assert json.loads(line)["message"] == "can't read s3://***@bucket/models"


@pytest.mark.parametrize(
    "url",
    [
        "s3://operator:hunter2@bucket/models",
        "s3://operator:pa/ss@wd@bucket/models",
        "http://operator:pa/ss@wd@127.0.0.1:1/models",
        "http://127.0.0.1:1/models?sig=S1GNED",
        "nothing://operator:pa/ss@wd@host/models",
    ],
)
def test_library_errors_about_a_store_or_a_dataset_are_masked(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_MAX_ATTEMPTS", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr("app.datasets.audio.fetching.ATTEMPTS", 1)
    with pytest.raises(SetupError) as refused:
        read_store(Store(url))
    assert_masked(str(refused.value))
    assert "***" in str(refused.value)

    output = ""
    try:
        with open_library(tmp_path) as library:
            fetched = fetch(library, ["fma/1.mp3"], {"fma": FileSource(url)}, {}, lambda *_: None)
        output = " ".join(fetched.failed.values())
    except SetupError as error:
        output = str(error)
    assert output
    assert_masked(mask(output))


def test_a_mirror_and_a_cache_are_masked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    wanted = Checkpoint(base="https://host/a", path="b.pth", size=1, sha256="0" * 64)
    with pytest.raises(SetupError) as refused:
        download_checkpoint(wanted, "http://operator:hunter2@127.0.0.1:1/a", lambda _: None)
    assert_masked(mask(str(refused.value)))

    url = "redis://operator:pa/ss@wd@host:6379/0"
    with pytest.raises(SetupError) as refused:
        RedisCache(url, Signer(b""), Metrics(), timeout_s=1, ttl_s=1, max_duration_s=1)
    error = refused.value
    record = logging.makeLogRecord({"exc_info": (type(error), error, error.__traceback__)})
    text = json.loads(JsonLine().format(record))["exception"]
    assert "as '***'" in text  # the port that redis found
    assert_masked(text)
