"""Taggram: listens to a track and suggests the subgenres that describe it."""
