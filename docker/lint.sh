#!/usr/bin/env bash
# Checks the files in this folder. HADOLINT names the program if it is not on the PATH.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")

"${HADOLINT:-hadolint}" "$here/Dockerfile" "$here/Dockerfile.gpu"

if docker compose version >/dev/null 2>&1; then
    TAGGRAM_SECRET=any docker compose --file "$here/compose.yaml" config --quiet
else
    echo "docker/compose.yaml: not checked, as docker with its plugin compose is not here"
fi

if command -v kubectl >/dev/null 2>&1; then
    kubectl kustomize "$here/kubernetes" >/dev/null
else
    echo "docker/kubernetes: not built, as kubectl is not here"
fi
