"""Schemas of the state and the limits of the service."""

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The state of the service."""

    status: Literal["alive", "ready"]


class FormatOut(BaseModel):
    """A supported audio format."""

    name: str = Field(examples=["MP3"])
    extensions: list[str] = Field(examples=[[".mp3"]])
    media_types: list[str] = Field(
        description="Media types that browsers use for such files.", examples=[["audio/mpeg"]]
    )


class PooledLimitsOut(BaseModel):
    """The limits of a form with several tracks."""

    max_files: int = Field(examples=[10])
    max_bytes: int = Field(description="Of all files together.", examples=[134217728])


class LimitsOut(BaseModel):
    """The limits of uploads."""

    max_bytes: int = Field(description="Of each file.", examples=[33554432])
    min_duration_s: float = Field(examples=[0.5])
    max_duration_s: float = Field(examples=[600.0])
    pooled: PooledLimitsOut = Field(description="Of POST /suggest-tags/pooled.")
    formats: list[FormatOut]
