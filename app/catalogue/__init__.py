"""A platform's tracks: tagged once each, as a Parquet dataset that later runs continue."""
