"""Where tracks come from, one dataset a file."""
