"""Mutants of valid files, and malformed requests."""
