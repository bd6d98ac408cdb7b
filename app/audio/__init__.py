"""Bytes to waveforms, in processes that may crash."""
