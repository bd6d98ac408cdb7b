"""Taggram: analyses a track and suggests the subgenres that describe it."""
