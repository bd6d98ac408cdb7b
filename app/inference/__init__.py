"""Waveforms to scores."""
