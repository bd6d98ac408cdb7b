"""Settings from the environment or a `.env` file; each setting has a default."""

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
    """Check that an origin has the form in which browsers send it."""
    if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?", text):
        raise ValueError(
            f"{text!r} is not a valid origin; write it as https://signup.example or "
            "https://signup.example:8443, in lower case, without a path, and without *"
        )
    if (text.startswith("https:"), text.rpartition(":")[2]) in {(True, "443"), (False, "80")}:
        raise ValueError(
            f"{text!r} names the default port, which browsers leave out; remove the port"
        )
    return text


def _host(text: str) -> str:
    """Check that a host has the form of a `Host` header without a port."""
    if not re.fullmatch(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]", text):
        raise ValueError(
            f"{text!r} is not a valid host; write it as tags.example, 192.0.2.1 or [2001:db8::1], "
            "in lower case, without https:// and without a port"
        )
    return text


def _not_empty(path: Path) -> Path:
    """Refuse an empty path, the result of an unset variable in a script."""
    if not path.name:
        raise ValueError("the path is empty; name a file, or remove the setting")
    return path


def find_unknown_settings() -> dict[str, str | None]:
    """Return the variables with the prefix of settings that are not settings, also of `.env`.

    Returns:
        By name, the setting with the most similar name, or None.
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
    """The settings, read at start; for example, `TAGGRAM_MODELS` sets `models`."""

    model_config = SettingsConfigDict(
        env_prefix="TAGGRAM_", env_file=".env", extra="ignore", frozen=True
    )

    model_store: str = Field(default_factory=lambda: str(default_store()))
    """The store of published models: a folder, or a URL such as `s3://bucket/models`. By default
    `model_store` of the checkout; if installed, `taggram/model_store` in the user's data folder."""

    models: tuple[str, ...] = Field(("msd-musicnn", "mtt-musicnn"), min_length=1)
    """The models to serve, as a JSON list of `name` or `name/version`. Without a version the
    promoted one is used, or else the newest. `vocabulary=raw` uses the first model by default."""

    commercial: bool = False
    """Whether the service is commercial: models with a licence that does not allow that, or with
    terms that are not stated, are refused at start."""

    vocabulary_models: tuple[str, ...] = ()
    """The models of `models` that a vocabulary may use if a request names no model, as a JSON list
    of names; by default all. Of these it uses the models that know one of its tags,
    `max_loaded_models` at most."""

    max_loaded_models: int = Field(4, gt=0)
    """The most models in memory; the least recently used one is evicted first."""

    engine: Literal["auto", "openvino", "tensorflow"] = "auto"
    """The inference engine: `auto`, `openvino` (best on a CPU) or `tensorflow` (best on a GPU)."""

    precision: Literal["auto", "float32", "bf16"] = "auto"
    """The arithmetic precision: `float32`, `bf16` (faster on machines that support it), `auto`."""

    log_level: Literal["info", "debug"] = "info"
    """With `debug` the log also contains tracebacks of failures that otherwise take one line."""

    vocabulary_files: tuple[Path, ...] = ()
    """YAML files with the platform's vocabularies, as a JSON list. A vocabulary with the name of a
    built-in one replaces it."""

    max_upload_bytes: int = Field(32 * 2**20, gt=0)
    """The largest audio file in bytes, checked while it is received."""

    max_pooled_bytes: int = Field(128 * 2**20, gt=0)
    """The most bytes of all files of one `POST /suggest-tags/pooled` together."""

    stall_timeout_s: float = Field(10.0, gt=0, allow_inf_nan=False)
    """A body that arrives more slowly than `min_upload_rate` over this time is refused."""

    min_upload_rate: int = Field(4096, ge=0)
    """The lowest rate of a body, in bytes a second."""

    body_timeout_s: float = Field(300.0, gt=0, allow_inf_nan=False)
    """The longest time that a whole body may take."""

    min_duration_s: float = Field(0.5, gt=0, allow_inf_nan=False)
    """The shortest track."""

    max_duration_s: float = Field(600.0, gt=0, le=24 * 3600, allow_inf_nan=False)
    """The longest track, in decoded audio; a day at most."""

    decoders: Decoders = Decoders.ALL
    """The decoder libraries: `all`, or `soundfile` for none but that: without PyAV (FFmpeg), M4A,
    AAC, WebM, WMA and others, and damaged and unusual files, are refused."""

    decode_workers: int = Field(default_factory=usable_cpus, gt=0)
    """The most files decoded at a time, each in a separate process; by default one for each CPU."""

    decode_timeout_s: float = Field(30.0, gt=0, allow_inf_nan=False)
    """The longest time that decoding a file may take."""

    max_in_flight: int = Field(32, gt=0)
    """The most uploads accepted at a time; further ones get 503 with Retry-After."""

    max_backlog_s: float = Field(1.0, gt=0, allow_inf_nan=False)
    """The longest time that waiting tracks may take, at the recently measured pace; while it is
    longer, uploads get 503 with Retry-After before they are read."""

    min_free_bytes: int = Field(256 * 2**20, ge=0)
    """Under a container's memory limit: uploads are refused while less than this is free, or less
    than twice this if a model takes stereo."""

    max_batch_windows: int | None = Field(None, gt=0)
    """The most windows in a batch; by default a number that suits the engine."""

    max_wait_ms: float = Field(1.0, ge=0, allow_inf_nan=False)
    """How long an idle device waits for a batch to fill."""

    max_queued_windows: int = Field(4096, gt=0)
    """The most windows of all uploads that wait for the device; at the limit, decoding waits."""

    deadline_s: float = Field(60.0, gt=0, allow_inf_nan=False)
    """The longest time that a request may take once its upload is complete."""

    keys_file: Annotated[Path, AfterValidator(_not_empty)] | None = None
    """The file of API keys, written by `taggram keys`. With it, clients need a key or an upload
    token for tags; without it every client that reaches the service may use all of it."""

    secret: SecretStr | None = Field(None, min_length=32)
    """The secret for signatures, at least 32 characters; needed with API keys and with Redis."""

    allowed_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()
    """The origins whose pages may call from a browser, as a JSON list."""

    allowed_hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()
    """The host names and addresses of this service, as a JSON list, each valid with any port.
    Without API keys it accepts these, localhost and loopback addresses only. With keys it accepts
    all hosts if none is set."""

    upload_token_minutes: float = Field(10.0, gt=0, le=24 * 60)
    """How long an upload token is valid."""

    upload_token_uses: int = Field(5, gt=0)
    """The number of uploads that one upload token allows."""

    key_requests_per_minute: int = Field(600, gt=0)
    """The most requests a minute with an API key, on average; half of them may come at once."""

    address_requests_per_minute: int = Field(60, gt=0)
    """The most requests a minute of an address without an API key, on average; half of them may
    come at once. An IPv6 network of 64 bits counts as one address; this machine is not counted."""

    trusted_proxies: tuple[IPvAnyNetwork, ...] = (IPv4Network("127.0.0.1"),)
    """The proxies whose X-Forwarded-For is used as the client's address, as a JSON list of
    addresses and networks."""

    operations_address: str | None = Field(None, pattern=r"^.+:\d{1,5}$")
    """A separate address for metrics, documentation and reloading, such as `127.0.0.1:9000`; by
    default the address of the API."""

    feedback_file: Annotated[Path, AfterValidator(_not_empty)] | None = None
    """The SQLite file that stores artists' feedback; without it feedback is only counted."""

    catalogue: Annotated[str, Field(min_length=1)] | None = None
    """The catalogue to which the scores of uploads are appended: a folder, or a URL such as
    `s3://bucket/catalogue`; without it they are not kept beyond the cache."""

    recommender: Annotated[str, Field(min_length=1)] | None = None
    """The recommender of curators to serve, of the model store: `name`, `name/version` or
    `name/alias`; without it `POST /recommendations` is answered 404."""

    recommender_candidate: Annotated[str, Field(min_length=1)] | None = None
    """A second recommender, which answers a share of the artists, to compare both on live users."""

    recommender_candidate_share: float = Field(0.5, ge=0, le=1, allow_inf_nan=False)
    """The share of artists that the candidate answers, chosen by a hash of the artist."""

    redis_url: str | None = None
    """The Redis that caches taggrams, as `redis://host:6379/0`; by default they are cached in the
    memory of this process."""

    redis_timeout_s: float = Field(0.04, gt=0, allow_inf_nan=False)
    """The longest wait for Redis; after it the request continues without the cache."""

    cache_ttl_s: int = Field(7 * 24 * 3600, gt=0)
    """How long a taggram is cached, in Redis or in memory."""

    cache_bytes: int = Field(64 * 2**20, gt=0)
    """The largest size of the cache in memory."""
