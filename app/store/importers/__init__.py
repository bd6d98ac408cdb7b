"""Imports models that others released."""
