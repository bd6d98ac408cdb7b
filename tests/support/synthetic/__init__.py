"""Synthetic music, and datasets of it in the layouts of the real ones."""
