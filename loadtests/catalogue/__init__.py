"""Measurements of runs over catalogues: their speed and their memory."""
