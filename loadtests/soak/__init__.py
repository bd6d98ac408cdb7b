"""The service over minutes of valid and hostile requests."""
