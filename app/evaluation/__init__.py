"""Evaluate models: scores, metrics, intervals, reports."""
