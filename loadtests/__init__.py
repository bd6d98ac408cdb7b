"""Measurements that anyone can repeat, a folder for each subject. No test asserts a time."""
