"""Splits without leaks, and how often training repeats a track."""
