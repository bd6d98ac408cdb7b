"""The storage of published models: a folder, or a URL."""
