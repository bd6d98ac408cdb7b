"""Caches taggrams, so that no track is analysed twice."""
