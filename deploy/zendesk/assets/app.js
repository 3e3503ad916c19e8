// Shows Retainer's card beside a ticket of Zendesk. It speaks with Zendesk's page by messages, as Zendesk's own SDK does:
// lines of JSON with the app's guid, to the origin that the address names and from nowhere else.
(() => {
  "use strict";
  const HEIGHT = "640px";
  const PATIENCE = 10000;
  const SCOPES = ["customers:read", "tickets:read", "tickets:write", "tickets:qualify", "policies:read", "clocks:read"];
  const TICKET = ["ticket.id", "ticket.requester.email", "currentUser.id", "currentUser.name"];
  const HOSTS = /^https:\/\/[a-z0-9-]+(\.[a-z0-9-]+)*\.zendesk\.com$|^https?:\/\/(127\.0\.0\.1|localhost)(:\d+)?$/;

  const words = document.getElementById("words");
  const frame = document.getElementById("card");
  const named = new URLSearchParams(location.search || location.hash.slice(1));
  const origin = named.get("origin") ?? "";
  const appGuid = named.get("app_guid") ?? "";
  const waiting = new Map();
  const handlers = new Map();
  let count = 0;

  const say = (text) => { words.textContent = text; };
  const post = (message) =>
    window.parent.postMessage(JSON.stringify({ ...message, appGuid, instanceGuid: appGuid }), origin);
  const on = (name, handler) => {
    handlers.set(name, handler);
    if (name !== "app.registered") post({ key: `iframe.on:${name}`, message: { subscriberCount: 1 } });
  };

  // Ask the page: `get` for values, `invoke` to have something done.
  const ask = (request, params) =>
    new Promise((resolve, reject) => {
      const id = ++count;
      const late = setTimeout(() => { waiting.delete(id); reject(new Error("no answer")); }, PATIENCE);
      waiting.set(id, (data) => {
        clearTimeout(late);
        waiting.delete(id);
        if (data.error) reject(data.error);
        else resolve(data.result);
      });
      post({ id, request, params });
    });

  // Call by way of Zendesk's servers, which put the key in: no browser sees it.
  const call = (options) =>
    new Promise((resolve, reject) => {
      const key = `request:${++count}`;
      on(`${key}.done`, (event) => resolve(event.responseArgs[0]));
      on(`${key}.fail`, (event) => reject(event.responseArgs[0]));
      post({ key, message: options });
    });

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== origin) return;
    let data = event.data;
    if (typeof data === "string") {
      try {
        data = JSON.parse(data);
      } catch {
        return;
      }
    }
    if (!data) return;
    if (data.id && waiting.has(data.id)) waiting.get(data.id)(data);
    else if (typeof data.key === "string" && data.key.startsWith("zaf.")) handlers.get(data.key.slice(4))?.(data.message);
  });

  // A link signs the agent in once, as the person who looks at the ticket.
  const linkOf = async (settings, person) => {
    const answer = await call({
      url: `${settings.address}/v1/tenants/${encodeURIComponent(settings.tenant)}/sign-in-links`,
      type: "POST",
      contentType: "application/json",
      headers: { Authorization: "Bearer {{setting.key}}" },
      secure: true,
      data: JSON.stringify({ scopes: SCOPES, person, page: "/card" }),
    });
    const made = typeof answer === "string" ? JSON.parse(answer) : answer;
    return new URL(made.url, settings.address).searchParams.get("link");
  };

  const show = (settings, values, link) => {
    const address = new URL(`${settings.address}/card`);
    if (link) address.searchParams.set("link", link);
    address.searchParams.set("ticket_id", `${settings.prefix ?? ""}${values["ticket.id"]}`);
    if (values["ticket.requester.email"]) address.searchParams.set("email", values["ticket.requester.email"]);
    frame.src = address.href;
    frame.hidden = false;
    say("");
  };

  const begin = async ({ metadata }) => {
    const settings = { ...metadata.settings, address: String(metadata.settings.address).replace(/\/+$/, "") };
    ask("invoke", { resize: [{ width: "100%", height: HEIGHT }] }).catch(() => {});
    const values = await ask("get", TICKET);
    const person = { id: `zendesk:${values["currentUser.id"]}`, name: values["currentUser.name"] };
    on("ticket.requester.email.changed", (email) => show(settings, { ...values, "ticket.requester.email": email }));
    show(settings, values, await linkOf(settings, person));
  };

  if (!HOSTS.test(origin) || !appGuid) {
    say("This page is opened by Zendesk, beside a ticket.");
    return;
  }
  on("app.registered", (data) => {
    begin(data).catch(() => say("Retainer does not answer. Check the app's settings: the address, the tenant and the key."));
  });
  post({ key: "iframe.handshake", message: { version: "2.0.0" } });
})();
