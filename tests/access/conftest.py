"""A real Redis."""

from tests.cache.conftest import redis_server

__all__ = ["redis_server"]
