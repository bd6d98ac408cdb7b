"""The manifest of a published model."""
