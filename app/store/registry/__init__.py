"""Packages, publishes, promotes and loads versions of models."""
