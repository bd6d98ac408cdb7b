"""Use cases: from a track to its taggrams, and from taggrams to suggestions."""
