"""Debian packages that tests and load tests need: music, a browser, nginx."""
