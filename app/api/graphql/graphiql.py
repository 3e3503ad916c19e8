"""GraphiQL from bundled files: the page asks nobody but us."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

_START: Final = """
const fetcher = GraphiQL.createFetcher({url: location.pathname});
const explorer = GraphiQLPluginExplorer.explorerPlugin();
const hint = `# Put your key under Headers: {"Authorization": "Bearer rtn_test_..."}

{
  tenantTime { mode now }
}
`;
ReactDOM.createRoot(document.getElementById("graphiql")).render(React.createElement(GraphiQL, {
  fetcher, plugins: [explorer], defaultEditorToolsVisibility: "headers", shouldPersistHeaders: false,
  defaultQuery: hint, isHeadersEditorEnabled: true,
}));
"""
PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Retainer: GraphQL</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
    "<style>body{height:100%;margin:0;width:100%;overflow:hidden}#graphiql{height:100vh}</style>"
    '<link rel="stylesheet" href="static/graphiql.min.css">'
    '<link rel="stylesheet" href="static/graphiql-plugin-explorer.css"></head>'
    '<body><div id="graphiql">Loading...</div>'
    '<script src="static/react.production.min.js"></script><script src="static/react-dom.production.min.js"></script>'
    '<script src="static/graphiql.min.js"></script><script src="static/graphiql-plugin-explorer.js"></script>'
    f"<script>{_START}</script></body></html>"
)
_HASH: Final = base64.b64encode(hashlib.sha256(_START.encode()).digest()).decode()
CONTENT_POLICY: Final = (
    f"default-src 'none'; script-src 'self' 'sha256-{_HASH}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self' data:; worker-src 'self' blob:; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
