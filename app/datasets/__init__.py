"""Datasets of tagged tracks: loading, cleaning, merging, splitting. Without TensorFlow."""
