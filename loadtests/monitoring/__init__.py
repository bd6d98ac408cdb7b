"""Looks at a service as its operators do."""
