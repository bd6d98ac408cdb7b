"""A platform's tables: read from files or SQL, checked row by row, and written."""
