"""GraphiQL from bundled files: the page asks nobody but us."""

from __future__ import annotations

from typing import Final

from app.api.who import FORM, STYLE

PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Retainer: GraphQL</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
    f"<style>body{{height:100%;margin:0;width:100%;overflow:hidden}}#graphiql{{height:100vh}}{STYLE}</style>"
    '<link rel="stylesheet" href="static/graphiql.min.css">'
    '<link rel="stylesheet" href="static/graphiql-plugin-explorer.css"></head>'
    f'<body>{FORM}<div id="graphiql" hidden>Loading...</div>'
    '<script src="static/react.production.min.js"></script><script src="static/react-dom.production.min.js"></script>'
    '<script src="static/graphiql.min.js"></script><script src="static/graphiql-plugin-explorer.js"></script>'
    '<script src="static/graphiql-page.js"></script></body></html>'
)
CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self' data:; worker-src 'self' blob:; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
