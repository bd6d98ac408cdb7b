"""Run a recipe: from a split and an audio store to a model in a folder."""
