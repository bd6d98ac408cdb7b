"""Published models on disk: manifests, weights, the checks that tie them."""
