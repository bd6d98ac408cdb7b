"""Schemas of errors."""

from pydantic import BaseModel, ConfigDict, Field


class InvalidParameter(BaseModel):
    """An invalid parameter."""

    parameter: str = Field(examples=["top_k"])
    problem: str = Field(examples=["Input should be greater than or equal to 1"])


class Problem(BaseModel):
    """RFC 9457 problem details; each kind may add members with further information."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(
        description="Stable identifier of the error kind.", examples=["/problems/silent_audio"]
    )
    title: str = Field(examples=["The track is silent"])
    status: int = Field(description="The status of the response.", examples=[422])
    detail: str = Field(
        description="What is wrong and what to do.",
        examples=["The track is silent. Send one with sound."],
    )
    request_id: str = Field(
        description="Also in X-Request-ID and in the log.",
        examples=["6f1c2a9e8d7b4c5f9a0b1c2d3e4f5a6b"],
    )
