"""`taggram zoo`: compare the architectures."""
