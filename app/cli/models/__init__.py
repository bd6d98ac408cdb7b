"""`taggram models`: publish models, download and verify weights."""
