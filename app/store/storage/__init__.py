"""Where published models lie: a folder, or a URL."""
