"""A hybrid neural model: two towers for retrieval, and a head that predicts ratings."""
