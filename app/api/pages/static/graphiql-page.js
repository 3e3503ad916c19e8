// The page /graphql: it asks for a key before anything else, and then starts GraphiQL with it.
"use strict";
const form = document.getElementById("who");
const query = `{
  tenantTime { mode now }
}
`;

/** Start GraphiQL with a key. It is kept by the page alone, and ends with it. */
function start(key) {
  form.hidden = true;
  const place = document.getElementById("graphiql");
  place.hidden = false;
  const fetcher = GraphiQL.createFetcher({url: location.pathname});
  const explorer = GraphiQLPluginExplorer.explorerPlugin();
  ReactDOM.createRoot(place).render(React.createElement(GraphiQL, {
    fetcher, plugins: [explorer], defaultEditorToolsVisibility: "headers", shouldPersistHeaders: false,
    defaultQuery: query, isHeadersEditorEnabled: true,
    headers: JSON.stringify({Authorization: `Bearer ${key}`}, null, 2),
  }));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const key = form.elements.key.value.trim();
  if (key) start(key);
});
fetch("docs/tenants").then((answer) => answer.json()).then(({tenants}) => {
  if (!tenants.length) return;
  const choice = form.elements.tenant;
  for (const name of tenants) choice.add(new Option(name, name));
  choice.parentElement.hidden = false;
  choice.addEventListener("change", async () => {
    if (!choice.value) return;
    const body = JSON.stringify({tenant: choice.value});
    const headers = {"Content-Type": "application/json"};
    const answer = await fetch("docs/keys", {method: "POST", headers, body});
    if (answer.ok) start((await answer.json()).key);
  });
});
