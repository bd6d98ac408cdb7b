"""The HTTP layer: routes, schemas, uploads, middleware and error responses."""
