"""Make splits without leaks, and resample their training part."""
