#!/usr/bin/env bash
# Fetches Swagger UI, GraphiQL and htmx into the package, for pages that ask nobody. For maintainers; needs npm and the
# development venv. The GraphiQL files must be, byte for byte, those whose hashes strawberry's page carries: a strawberry
# upgrade that changes its page fails here (and in tests/packaging) until the versions below follow.
set -euo pipefail
cd "$(dirname "$0")/.."
target=app/api/pages/static
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# package@version, file in the package, name here
files=(
  "swagger-ui-dist@5.35.0 swagger-ui-bundle.js swagger-ui-bundle.js"
  "swagger-ui-dist@5.35.0 swagger-ui.css swagger-ui.css"
  "react@18.2.0 umd/react.production.min.js react.production.min.js"
  "react-dom@18.2.0 umd/react-dom.production.min.js react-dom.production.min.js"
  "js-cookie@3.0.5 dist/js.cookie.min.js js.cookie.min.js"
  "graphiql@3.8.3 graphiql.min.js graphiql.min.js"
  "graphiql@3.8.3 graphiql.min.css graphiql.min.css"
  "@graphiql/plugin-explorer@1.0.2 dist/index.umd.js graphiql-plugin-explorer.js"
  "@graphiql/plugin-explorer@1.0.2 dist/style.css graphiql-plugin-explorer.css"
)
mkdir -p "$target/licenses"
for line in "${files[@]}"; do
  read -r package file name <<<"$line"
  folder="$work/${package//[@\/]/_}"
  if [ ! -d "$folder" ]; then
    mkdir -p "$folder"
    archive=$(npm pack --silent --pack-destination "$folder" "$package")
    tar -xzf "$folder/$archive" -C "$folder" --strip-components=1
    short=${package%@*}; short=${short#@}; short=${short//\//-}
    for found in LICENSE NOTICE; do
      [ ! -f "$folder/$found" ] || cp "$folder/$found" "$target/licenses/$short.$found.txt"
    done
    echo "$package: $(node -p "require('$folder/package.json').license")"
  fi
  cp "$folder/$file" "$target/$name"
done
# The explorer's package carries no licence file of its own; it comes from GraphiQL's repository, under the same terms.
cp "$target/licenses/graphiql.LICENSE.txt" "$target/licenses/graphiql-plugin-explorer.LICENSE.txt"
# What the pages load beside their own files.
pages=app/api/pages/assets
archive=$(npm pack --silent --pack-destination "$work" htmx.org@2.0.6)
mkdir -p "$work/htmx" "$pages/licenses"
tar -xzf "$work/$archive" -C "$work/htmx" --strip-components=1
cp "$work/htmx/dist/htmx.min.js" "$pages/htmx.min.js"
cp "$work/htmx/LICENSE" "$pages/licenses/htmx.LICENSE.txt"
.venv/bin/python -m pytest -q tests/packaging/test_docs_assets.py
