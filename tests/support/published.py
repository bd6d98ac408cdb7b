"""The published models: one of each architecture by default, all of them in the thorough tests."""

import pytest

MODELS = (
    "msd-musicnn",
    "mtt-vgg",
    pytest.param("msd-vgg", marks=pytest.mark.thorough),
    pytest.param("mtt-musicnn", marks=pytest.mark.thorough),
)
