"""Reads containers and tags before anything is decoded."""
