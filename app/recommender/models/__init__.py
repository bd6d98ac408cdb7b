"""Models that score curators for artists, all behind the interface of `base`."""
