"""Schemas of upload tokens."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class UploadTokenRequest(BaseModel):
    """The body of POST /upload-tokens."""

    model_config = ConfigDict(extra="forbid")

    origin: str = Field(
        description="Origin of the page that will send the token.",
        examples=["https://signup.example"],
    )


class UploadTokenOut(BaseModel):
    """The answer of POST /upload-tokens."""

    token: str = Field(
        description="Sent by the page as `Authorization: Bearer`.",
        examples=["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzaWdudXAifQ.c2lnbmF0dXJl"],
    )
    expires_at: AwareDatetime = Field(examples=["2026-01-31T12:10:00Z"])
    uses: int = Field(description="Number of uploads that the token allows.", examples=[5])
