"""The report: `contents` makes a document of evaluations, `html` makes a page of it."""
