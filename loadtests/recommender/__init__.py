"""Recommenders on real data."""
