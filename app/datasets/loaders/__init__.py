"""Loaders of datasets' metadata, one file for each dataset."""
