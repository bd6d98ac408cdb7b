"""Which layers a stage trains, and at which rates: the options of fine-tuning."""

from typing import Annotated

from pydantic import Field

from app.store.manifest.tables import Table


class Release(Table):
    """The layers that a stage trains, by their depth below the last layer.

    `share`: the share of the depth that is trained, from the last layer down; 0 is the last layer
    alone, 1 are all. `first_layer_rate`: the learning rate of the first layer as a share of the
    stage's, which is that of the last layer; from layer to layer it falls by the same factor.
    """

    share: float = Field(1.0, ge=0, le=1)
    first_layer_rate: Annotated[float, Field(gt=0, le=1)] = 1.0

    @property
    def needs_initial_weights(self) -> bool:
        """Whether the stage keeps layers near their initial weights."""
        return self.share < 1 or self.first_layer_rate < 1
