// The page /docs: Swagger UI, with the key that was chosen, and examples that suit the tenant whose key it is.
"use strict";
const form = document.getElementById("who");
const state = document.getElementById("state");

/** Ask the service; null where it refuses. */
async function ask(path, key, body) {
  const headers = key ? {Authorization: `Bearer ${key}`} : {};
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, {method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body)});
  return answer.ok ? answer.json() : null;
}

/** Offer the sandboxes whose keys may be made here: in development, on this machine. */
async function offer() {
  const found = await ask("docs/tenants");
  if (!found || !found.tenants.length) return;
  const choice = form.elements.tenant;
  for (const name of found.tenants) choice.add(new Option(name, name));
  choice.parentElement.hidden = false;
  choice.addEventListener("change", async () => {
    if (!choice.value) return;
    const made = await ask("docs/keys", null, {tenant: choice.value});
    if (made) await use(made.key);
  });
}

/** Take a key: calls carry it, and examples name what its tenant sells. */
async function use(key) {
  await ready;  // a key may be put in before the contract is here
  const clock = await ask("v1/clock", key);
  if (!clock) {
    state.textContent = "This key opens nothing.";
    return;
  }
  ui.preauthorizeApiKey("bearer", key);
  const policies = await ask("v1/policies?limit=1", key);
  const name = policies && policies.data.length ? policies.data[0].name : null;
  const policy = name && await ask(`v1/policies/${encodeURIComponent(name)}`, key);
  const offers = await ask("v1/offers?limit=100", key);
  if (policy && offers) suit(structuredClone(original), {name, policy, offers: offers.data, now: clock.now});
  state.textContent = `Calls carry the key${name ? ` of a tenant under ${name}` : ""}. ` +
    "Begin with putOrder and putTicket: the other examples are about what these two make.";
}

/** Put what a tenant has into the examples. */
function suit(document, {name, policy, offers, now}) {
  const known = {
    sku: (offers.find((one) => one.kind === "credits" && !one.sku_pattern && one.available) ||
      offers.find((one) => one.kind === "license" && one.available) || offers[0] || {}).sku,
    category: first(policy.categories, "category"),
    outcome: first(policy.outcomes, "outcome"),
    cause: first(policy.causes, "cause"),
  };
  const examples = {};
  for (const [pathOf, path] of Object.entries(document.paths)) {
    for (const operation of Object.values(path)) {
      const content = operation.requestBody && operation.requestBody.content["application/json"];
      if (content && content.example) examples[operation.operationId] = content;
      for (const row of operation.parameters || []) {
        if (row.name === "name" && row.in === "path" && pathOf.includes("/policies/")) row.example = name;
      }
    }
  }
  const order = examples.putOrder.example;
  order.placed_at = now;
  order.currency = policy.currency || order.currency;
  order.lines = [{line_id: "1", sku: known.sku, quantity: 1}];
  for (const content of Object.values(examples)) {
    for (const member of ["category", "outcome", "cause"]) {
      if (!(member in content.example)) continue;
      if (known[member]) content.example[member] = known[member];
      else delete content.example[member];
    }
  }
  ui.specActions.updateJsonSpec(document);
}

/** Return the first name of a policy's list. */
function first(rows, member) {
  const row = (rows || [])[0];
  return row && typeof row === "object" ? row[member] : row;
}

let ui;
let original;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  use(form.elements.key.value.trim());
});
const ready = ask("docs/contract").then((contract) => {
  contract.servers = [{url: new URL(".", location.href).href.replace(/\/$/, "")}];
  original = contract;
  ui = SwaggerUIBundle({
    spec: structuredClone(contract), dom_id: "#docs", deepLinking: true, persistAuthorization: false,
    validatorUrl: null, tryItOutEnabled: true, docExpansion: "none", defaultModelsExpandDepth: -1,
    defaultModelExpandDepth: 1, syntaxHighlight: false,
  });
  offer();
});
