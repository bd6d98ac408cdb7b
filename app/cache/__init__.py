"""Keeps taggrams, so that no track is heard twice."""
