"""The use cases: a track to its taggram, a taggram to suggestions."""
