"""All that an operator can set, from the environment or a `.env` file; every name has a default."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Read once at start and never changed; `TAGGRAM_MAX_UPLOAD_BYTES` sets `max_upload_bytes`."""

    model_config = SettingsConfigDict(
        env_prefix="TAGGRAM_", env_file=".env", extra="ignore", frozen=True
    )

    model_store: Path = REPOSITORY / "model_store"
    """The folder of published models: `<name>/<version>/manifest.toml`, weights beside it."""

    models: tuple[str, ...] = Field(("msd-musicnn", "mtt-musicnn"), min_length=1)
    """The models to load, as a JSON list. The first is the default of `model=`; a vocabulary asks
    the first loaded one of each tag family that it names."""

    engine: Literal["auto", "openvino", "tensorflow"] = "auto"
    """What computes the networks: `auto`, `openvino` (best on a CPU) or `tensorflow` (best on a
    GPU)."""

    precision: Literal["auto", "float32", "bf16"] = "auto"
    """`float32`, `bf16` (faster where the machine has it), or `auto`."""

    vocabulary_files: tuple[Path, ...] = ()
    """YAML files with vocabularies of the platform's own, as a JSON list. One that bears the name
    of a built-in vocabulary takes its place."""

    max_upload_bytes: int = Field(32 * 2**20, gt=0)
    """Largest audio file, in bytes; found while streaming."""

    min_duration_s: float = Field(0.5, gt=0, allow_inf_nan=False)
    """Shortest track."""

    max_duration_s: float = Field(600.0, gt=0, le=24 * 3600, allow_inf_nan=False)
    """Longest track, counted in decoded samples; a day at most."""

    decode_workers: int = Field(os.cpu_count() or 1, gt=0)
    """Files decoded at a time, each in a process of its own."""

    decode_timeout_s: float = Field(30.0, gt=0, allow_inf_nan=False)
    """A decode process that takes longer is ended."""

    max_in_flight: int = Field(16, gt=0)
    """Uploads accepted at a time; the next one is answered 503 with Retry-After."""

    max_batch_windows: int | None = Field(None, gt=0)
    """Windows that the device hears at a time; unset, what suits the engine."""

    max_wait_ms: float = Field(1.0, ge=0, allow_inf_nan=False)
    """How long an idle device waits for a batch to fill."""

    max_queued_windows: int = Field(4096, gt=0)
    """Windows of all uploads that may wait for the device; decoding waits where there are more."""

    deadline_s: float = Field(60.0, gt=0, allow_inf_nan=False)
    """The longest that a request may take once its upload is complete."""

    redis_url: str | None = None
    """Where taggrams are kept, as `redis://host:6379/0`; without it in this process's memory."""

    redis_timeout_s: float = Field(0.05, gt=0, allow_inf_nan=False)
    """The longest wait for Redis; after it the request goes on uncached."""

    cache_ttl_s: int = Field(7 * 24 * 3600, gt=0)
    """How long Redis keeps a taggram."""

    cache_bytes: int = Field(64 * 2**20, gt=0)
    """Bound of the in-memory cache."""
