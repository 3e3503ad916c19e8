// What `verifyWebhook` takes and refuses; run by scripts/clients.py beside the compiled client.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { Retainer, TooManyError, UnauthorizedError, WebhookError, verifyWebhook } from "retainer-client";

const key = Buffer.from("0123456789abcdef0123456789abcdef");
const secret = `whsec_${key.toString("base64")}`;
const body = '{"type":"ticket.opened","data":{"n":"ü"}}';
const at = 1_700_000_000;

function signed(by) {
  const signature = createHmac("sha256", by).update(`evt_1.${at}.${body}`).digest("base64");
  return { "Webhook-Id": "evt_1", "Webhook-Timestamp": String(at), "Webhook-Signature": `v1,${signature}` };
}

for (const headers of [signed(key), new Headers(signed(key)), new Request("http://here", { headers: signed(key) }).headers]) {
  assert.equal((await verifyWebhook(body, headers, secret, at)).type, "ticket.opened");
}
await assert.rejects(verifyWebhook(body, signed("another"), secret, at), WebhookError);
await assert.rejects(verifyWebhook(body, new Headers(), secret, at), WebhookError);
for (const wrong of ["", "whsec_", "whsec_my-secret!", "plain secret", "whsec_AAAA", [secret, ""]]) {
  for (const by of ["", key]) await assert.rejects(verifyWebhook(body, signed(by), wrong, at), WebhookError);
}

for (const [status, kind] of [[401, UnauthorizedError], [429, TooManyError]]) {
  const answer = async () => Response.json({ code: "some_code" }, { status });
  const retainer = new Retainer("http://here", "key", { fetch: answer, sleep: async () => {} });
  await assert.rejects(retainer.getBalance("ann"), kind);
}
