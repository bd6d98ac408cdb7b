"""Versions of models: packaged, published, promoted, loaded."""
