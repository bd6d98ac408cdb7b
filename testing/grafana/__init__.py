"""The dashboard of Grafana as code."""
