"""Stores and exports feedback on suggestions and recommendations."""
