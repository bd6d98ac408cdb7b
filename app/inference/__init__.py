"""Computes scores from waveforms."""
