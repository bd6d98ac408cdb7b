"""Metrics of recommenders: each on what really happened, with bootstrap intervals over artists."""
