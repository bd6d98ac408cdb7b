"""Stores and exports artists' feedback on suggestions."""
