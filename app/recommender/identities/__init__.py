"""Tag vectors of artists and curators, from the tags of their tracks (thesis, section 2.2.2)."""
