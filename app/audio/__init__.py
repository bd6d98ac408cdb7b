"""Decodes audio files to waveforms, in processes that may crash."""
