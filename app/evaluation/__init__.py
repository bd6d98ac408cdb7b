"""How well models tag: scores, metrics, intervals, reports."""
