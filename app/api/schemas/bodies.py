"""What the schemas of JSON bodies share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

NO_CONTROL_CHARACTERS = r"^[^\u0000-\u001f\u007f-\u009f]+$"
"""Written as ranges: some JSON schema validators do not support Unicode categories."""

RECOMMENDATION_ID = "1c7c0f5e-0d3b-4c55-9d0f-7b6a4c1d2e3f"
"""An example."""

MAX_ID_CHARACTERS = 1_000

PlatformId = Annotated[
    str, StringConstraints(max_length=MAX_ID_CHARACTERS, pattern=NO_CONTROL_CHARACTERS)
]
"""An id of an artist, a curator or a track in the platform's own database."""


class StrictModel(BaseModel):
    """A body, or a part of one, without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
