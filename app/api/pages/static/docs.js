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
  const things = await kept(key);
  if (policy && offers) suit(structuredClone(original), {name, policy, offers: offers.data, now: clock.now, things});
  state.textContent = `Calls carry the key${name ? ` of a tenant under ${name}` : ""}. ` +
    "What reads begins with what the tenant has. What writes is about what putOrder and putTicket make: begin there.";
}

/** Return an id of each thing that the tenant has, by the name of the parameter. */
async function kept(key) {
  const things = {};
  const read = async (path, ...names) => {
    const found = await ask(`v1/${path}`, key);
    for (const row of found ? found.data : []) {
      for (const name of names) if (row[name]) things[name] = things[name] || row[name];
    }
  };
  await Promise.all([
    read("customers?limit=20", "customer_id"), read("orders?limit=1", "order_id"),
    read("tickets?limit=1", "ticket_id"), read("licenses?limit=1", "license_id"), read("covers?limit=1", "cover_id"),
    read("clocks?limit=1", "clock_id"), read("holds?limit=1", "hold_id"), read("events?limit=1", "id"),
    read("webhook-endpoints?limit=1", "endpoint_id"),
  ]);
  if (things.customer_id) {
    const of = `customers/${encodeURIComponent(things.customer_id)}`;
    await Promise.all([read(`${of}/entries?limit=20`, "entry_id", "lot_id"), read(`${of}/choices`, "choice_id")]);
  }
  things.event_id = things.id;
  return things;
}
const MADE = ["customer_id", "order_id", "ticket_id"];  // what writes name these of comes by putOrder and putTicket

/** Put what a tenant has into the examples. */
function suit(document, {name, policy, offers, now, things}) {
  const known = {
    sku: (offers.find((one) => one.kind === "credits" && !one.sku_pattern && one.available) ||
      offers.find((one) => one.kind === "license" && one.available) || offers[0] || {}).sku,
    category: first(policy.categories, "category"),
    outcome: first(policy.outcomes, "outcome"),
    cause: first(policy.causes, "cause"),
  };
  const examples = {};
  for (const [pathOf, path] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(path)) {
      const content = operation.requestBody && operation.requestBody.content["application/json"];
      if (content && content.example) examples[operation.operationId] = content;
      for (const row of operation.parameters || []) {
        if (row.in !== "path") continue;
        const here = method === "get" || !MADE.includes(row.name) ? things[row.name] : undefined;
        if (here) row.example = here;
        if (row.name === "name" && pathOf.includes("/policies/")) row.example = name;
        if (row.schema && row.schema.enum) row.example = row.schema.enum[0];
        if (row.name === "sku" && offers.length) row.example = offers[0].sku;
        if (row.name === "action") row.example = first(policy.actions, "action") || row.example;
        if (operation.operationId === "explain" && things.ticket_id) {
          row.example = row.name === "kind" ? "ticket" : things.ticket_id;
        }
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
