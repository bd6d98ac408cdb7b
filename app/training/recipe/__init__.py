"""Recipes: the phases, stages and settings of a training, as data."""
