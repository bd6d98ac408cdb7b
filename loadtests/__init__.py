"""Measurements that anyone can repeat; see the Makefile. No test asserts a time."""
