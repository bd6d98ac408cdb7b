"""Printable HTML pages of tables and charts."""
