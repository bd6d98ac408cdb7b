"""Compares two recommenders on live users, by what feedback says of their recommendations."""
