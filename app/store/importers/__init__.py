"""Models that others released."""
