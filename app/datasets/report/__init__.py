"""The report of datasets: counts and pictures of each step on one page."""
