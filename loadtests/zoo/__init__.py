"""The cost of every architecture."""
