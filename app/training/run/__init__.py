"""From a recipe to a model in a folder."""
