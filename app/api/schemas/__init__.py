"""What goes over HTTP, as pydantic models."""
