"""Numbers that describe a track without a model: tempo, key, loudness, spectrum, onsets.

All of them are pure functions of a mono waveform and its sample rate. Import this package inside
functions: librosa takes two seconds to import.
"""
