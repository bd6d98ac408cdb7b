"""All that an operator can set, from the environment or a `.env` file; every name has a default."""

import os
import re
from difflib import get_close_matches
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, IPvAnyNetwork, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.cpus import usable_cpus
from app.domain import Decoders
from app.installation import default_store


def _origin(text: str) -> str:
    """Hold a page's origin against the one form in which browsers send it."""
    if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?", text):
        raise ValueError(
            "an origin is written as https://signup.example or https://signup.example:8443, "
            "in lower case, without a path, and without *"
        )
    if (text.startswith("https:"), text.rpartition(":")[2]) in {(True, "443"), (False, "80")}:
        raise ValueError("browsers leave out ports 443 of https and 80 of http; so must an origin")
    return text


def _host(text: str) -> str:
    """Hold a host against the form that it has in a `Host` header, without a port."""
    if not re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", text):
        raise ValueError(
            "a host is written as tags.example, 192.0.2.1 or [2001:db8::1], in lower case, without "
            "https:// and without a port"
        )
    return text


def _named(path: Path) -> Path:
    """Hold a path against the empty one, which an unset variable of a script leaves."""
    if not path.name:
        raise ValueError("name a file, or leave the setting out")
    return path


def unknown_settings() -> dict[str, str | None]:
    """Return the variables, also those of `.env`, that are named like settings and set none.

    Returns:
        By name: the setting that is named most alike, if any is.
    """
    prefix, file = Settings.model_config["env_prefix"], Settings.model_config["env_file"]
    known = [name.upper() for name in Settings.model_fields]
    given = [name.upper() for name in (*os.environ, *dotenv_values(str(file)))]
    unknown = {name.removeprefix(prefix) for name in given if name.startswith(prefix)} - {*known}
    alike = {name: get_close_matches(name, known, n=1) for name in sorted(unknown)}
    return {
        f"{prefix}{name}": f"{prefix}{near[0]}" if near else None for name, near in alike.items()
    }


class Settings(BaseSettings):
    """Read once at start and never changed; `TAGGRAM_MAX_UPLOAD_BYTES` sets `max_upload_bytes`."""

    model_config = SettingsConfigDict(
        env_prefix="TAGGRAM_", env_file=".env", extra="ignore", frozen=True
    )

    model_store: str = Field(default_factory=lambda: str(default_store()))
    """Where published models lie: a folder, or a URL as `s3://bucket/models`. By default
    `model_store` of the checkout; installed, `taggram/model_store` in the user's data folder."""

    models: tuple[str, ...] = Field(("msd-musicnn", "mtt-musicnn"), min_length=1)
    """The models to serve, as a JSON list of names or of `name/version`; without a version the one
    that was promoted, or else the newest. `vocabulary=raw` asks the first one by default."""

    vocabulary_models: tuple[str, ...] = ()
    """Those of `models` that a vocabulary may ask where a request names no model, as a JSON list of
    names; by default all. It asks those that know one of its tags, `max_loaded_models` at most."""

    max_loaded_models: int = Field(4, gt=0)
    """So many models are in memory; the one that was not asked for longest gives way to another."""

    engine: Literal["auto", "openvino", "tensorflow"] = "auto"
    """What computes the networks: `auto`, `openvino` (best on a CPU) or `tensorflow` (best on a
    GPU)."""

    precision: Literal["auto", "float32", "bf16"] = "auto"
    """`float32`, `bf16` (faster where the machine has it), or `auto`."""

    log_level: Literal["info", "debug"] = "info"
    """With `debug` the log also holds the tracebacks of failures that are otherwise one line."""

    vocabulary_files: tuple[Path, ...] = ()
    """YAML files with vocabularies of the platform's own, as a JSON list. One that bears the name
    of a built-in vocabulary takes its place."""

    max_upload_bytes: int = Field(32 * 2**20, gt=0)
    """Largest audio file, in bytes; found while streaming."""

    stall_timeout_s: float = Field(10.0, gt=0, allow_inf_nan=False)
    """A body that brings less than `min_upload_rate` over so long is given up."""

    min_upload_rate: int = Field(4096, ge=0)
    """The fewest bytes a second of a body."""

    body_timeout_s: float = Field(300.0, gt=0, allow_inf_nan=False)
    """The longest that a whole body may take."""

    min_duration_s: float = Field(0.5, gt=0, allow_inf_nan=False)
    """Shortest track."""

    max_duration_s: float = Field(600.0, gt=0, le=24 * 3600, allow_inf_nan=False)
    """Longest track, counted in decoded samples; a day at most."""

    decoders: Decoders = Decoders.ALL
    """What reads files: `all`, or `soundfile` to go without PyAV (FFmpeg), and so without M4A, AAC,
    WebM, WMA and others; damaged and unusual files are refused then."""

    decode_workers: int = Field(default_factory=usable_cpus, gt=0)
    """Files decoded at a time, each in a process of its own; by default one for each CPU."""

    decode_timeout_s: float = Field(30.0, gt=0, allow_inf_nan=False)
    """A decode process that takes longer is ended."""

    max_in_flight: int = Field(32, gt=0)
    """Uploads accepted at a time; the next one is answered 503 with Retry-After."""

    max_backlog_s: float = Field(1.0, gt=0, allow_inf_nan=False)
    """How long the tracks that wait may take to be heard, as measured lately; where it is longer,
    an upload is answered 503 with Retry-After before it is read."""

    min_free_bytes: int = Field(256 * 2**20, ge=0)
    """Under a container's memory limit: an upload is refused while less than this is left."""

    max_batch_windows: int | None = Field(None, gt=0)
    """Windows that the device hears at a time; unset, what suits the engine."""

    max_wait_ms: float = Field(1.0, ge=0, allow_inf_nan=False)
    """How long an idle device waits for a batch to fill."""

    max_queued_windows: int = Field(4096, gt=0)
    """Windows of all uploads that may wait for the device; decoding waits where there are more."""

    deadline_s: float = Field(60.0, gt=0, allow_inf_nan=False)
    """The longest that a request may take once its upload is complete."""

    keys_file: Annotated[Path, AfterValidator(_named)] | None = None
    """The file of API keys that `taggram keys` writes. With it, whoever wants tags shows a key or
    an upload token; without it everything is open to whoever reaches the service."""

    secret: SecretStr | None = Field(None, min_length=32)
    """What this service signs with, at least 32 characters; needed with API keys and with Redis."""

    allowed_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()
    """The pages that may call from a browser, as a JSON list of origins."""

    allowed_hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()
    """The names and addresses by which callers know this service, as a JSON list, each with any
    port. Without API keys it answers to these, localhost and addresses of loopback only, with keys
    to all where none is set."""

    upload_token_minutes: float = Field(10.0, gt=0, le=24 * 60)
    """How long an upload token is good."""

    upload_token_uses: int = Field(5, gt=0)
    """How many uploads are accepted with one upload token."""

    key_requests_per_minute: int = Field(600, gt=0)
    """How often an API key may call, on average; half of it at once."""

    address_requests_per_minute: int = Field(60, gt=0)
    """How often an address without an API key may call, on average; half of it at once. The
    addresses of an IPv6 network of 64 bits count as one, this machine's own are not counted."""

    trusted_proxies: tuple[IPvAnyNetwork, ...] = (IPv4Network("127.0.0.1"),)
    """Whose word for the client's address is taken (X-Forwarded-For), as a JSON list of addresses
    and networks."""

    operations_address: str | None = Field(None, pattern=r"^.+:\d{1,5}$")
    """Where metrics, documentation and reloading are served instead of beside the API, as
    `127.0.0.1:9000`."""

    feedback_file: Annotated[Path, AfterValidator(_named)] | None = None
    """The SQLite file that keeps what artists made of the suggestions; without it that is counted
    and not kept."""

    redis_url: str | None = None
    """Where taggrams are kept, as `redis://host:6379/0`; without it in this process's memory."""

    redis_timeout_s: float = Field(0.04, gt=0, allow_inf_nan=False)
    """The longest wait for Redis; after it the request goes on uncached."""

    cache_ttl_s: int = Field(7 * 24 * 3600, gt=0)
    """How long a taggram is kept, in Redis or in memory."""

    cache_bytes: int = Field(64 * 2**20, gt=0)
    """Bound of the in-memory cache."""
