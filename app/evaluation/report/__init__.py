"""A report: evaluations become a document of blocks (`contents`), and that a page (`html`)."""
