"""Schemas of requests and responses, as pydantic models."""
