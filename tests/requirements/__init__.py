"""Tests of the locks, and of what is checked and written from them."""
