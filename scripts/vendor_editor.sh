#!/bin/sh
# Bundles the policy bench's editor into the package, for pages that ask nobody. For maintainers; needs npm and the
# registry that npm is configured for. The lock in scripts/node/editor says exactly which versions. Run it after a
# change of scripts/node/editor, and commit what it writes.
set -eu
cd "$(dirname "$0")/.."
assets=app/api/pages/assets
tools=$(PYTHONPATH=. python3 -c 'from scripts.node_tools import tools; print(tools("editor"))')
NODE_PATH="$tools/node_modules" "$tools/node_modules/.bin/esbuild" scripts/node/editor/editor.mjs --bundle --minify --format=iife --target=es2022 \
    --legal-comments=none --outfile="$assets/editor.min.js"
cp "$tools/node_modules/@codemirror/view/LICENSE" "$assets/licenses/codemirror.LICENSE.txt"
