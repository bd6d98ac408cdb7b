"""Recommends curators by a published recommender, for an artist who may be unknown to it."""
