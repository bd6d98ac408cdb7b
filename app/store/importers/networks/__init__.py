"""Imports networks of other projects: labels, metadata, conversion, plausibility, publication."""
