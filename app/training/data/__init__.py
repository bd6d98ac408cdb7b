"""Batches of windows for training."""
