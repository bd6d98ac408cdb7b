"""Taggram compared with other taggers on the same weights."""
