"""Peaks for the tests that need some, and do not look at them."""

import numpy as np

from app.domain import PEAK_PAIRS

SILENT = np.zeros((PEAK_PAIRS, 2), np.int8)
