"""The figures of one track, as in the thesis: how its waveform becomes features."""
