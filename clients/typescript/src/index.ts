// A client of Retainer, on fetch, without dependencies.
import { CONTRACT, Operations, type Sent } from "./operations.js";

export * as models from "./models.js";
export { CONTRACT };

const ATTEMPTS = 5;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

export interface Problem {
  code?: string;
  detail?: string;
  next_step?: string;
  reasons?: { code: string; clause: string | null; message: string; reading: boolean }[];
  remedies?: Record<string, unknown>[];
  errors?: { pointer: string; code: string; message: string }[];
  [member: string]: unknown;
}

/** A refusal: `code` says which, `nextStep` what to do, and `problem` is all of the answer. Status 0: no answer came. */
export class RetainerError extends Error {
  readonly code: string;
  readonly detail: string;
  readonly nextStep: string;

  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(`${problem.code ?? `http_${status}`}: ${problem.detail ?? ""} ${problem.next_step ?? ""}`.trim());
    this.name = "RetainerError";
    this.code = problem.code ?? `http_${status}`;
    this.detail = problem.detail ?? "";
    this.nextStep = problem.next_step ?? "";
  }
}

/** Refused by policy, by state, for want of credits or by conflict. */
export class RefusedError extends RetainerError {}
/** Wrong input: `problem.errors` names each field. */
export class InvalidError extends RetainerError {}
/** There is nothing of that id, or it is another tenant's. */
export class NotFoundError extends RetainerError {}
/** No key, or one that does not count. */
export class UnauthorizedError extends RetainerError {}
/** The key lacks a scope. */
export class ForbiddenError extends RetainerError {}
/** Too many calls. */
export class TooManyError extends RetainerError {}
/** The service cannot answer now, or does not answer. */
export class UnavailableError extends RetainerError {}

const KINDS: Record<number, typeof RetainerError> = {
  400: InvalidError,
  401: UnauthorizedError,
  403: ForbiddenError,
  404: NotFoundError,
  409: RefusedError,
  412: RefusedError,
  413: InvalidError,
  415: InvalidError,
  422: InvalidError,
  429: TooManyError,
};

export interface Options {
  fetch?: typeof fetch;
  /** Milliseconds until an attempt is given up. */
  timeout?: number;
  /** Waits before a call is sent again; for tests. */
  sleep?: (milliseconds: number) => Promise<void>;
}

/** The service. A keyed call gets its Idempotency-Key before it is first sent, and keeps it over retries. */
export class Retainer extends Operations {
  private readonly base: string;
  private readonly call: typeof fetch;
  private readonly timeout: number;
  private readonly sleep: (milliseconds: number) => Promise<void>;

  constructor(
    url: string,
    private readonly key: string,
    options: Options = {},
  ) {
    super();
    this.base = url.replace(/\/+$/, "");
    this.call = options.fetch ?? fetch;
    this.timeout = options.timeout ?? 30_000;
    this.sleep = options.sleep ?? ((milliseconds) => new Promise((done) => setTimeout(done, milliseconds)));
  }

  protected async send<T>(method: string, path: string, sent: Sent = {}): Promise<T> {
    const headers: Record<string, string> = {
      Authorization: `Bearer ${this.key}`,
      Accept: "application/json, application/problem+json, */*;q=0.5",
    };
    if (sent.keyed) headers["Idempotency-Key"] = sent.key ?? crypto.randomUUID();
    if (sent.ifMatch) headers["If-Match"] = sent.ifMatch;
    let body: string | undefined;
    if (method !== "GET" && method !== "DELETE") {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify(sent.body ?? {});
    }
    const repeatable = method === "GET" || method === "PUT" || method === "DELETE" || sent.keyed === true;
    const address = this.base + path + asked(sent.query);
    for (let attempt = 0; ; attempt++) {
      const last = attempt >= ATTEMPTS - 1;
      let answer: Response;
      let text: string;
      try {
        const signal = AbortSignal.timeout(this.timeout);
        answer = await this.call(address, { method, headers, signal, ...(body === undefined ? {} : { body }) });
        text = await answer.text();
      } catch (error) {
        if (last || !repeatable) throw new UnavailableError(0, { code: "no_answer", detail: String(error) });
        await this.sleep(backoff(attempt));
        continue;
      }
      const inFlight = answer.status === 409 && text.includes('"request_in_flight"');
      const later = inFlight || [429, 502, 503, 504].includes(answer.status);
      if (later && !last && (repeatable || answer.status === 429)) {
        await this.sleep(Math.max(said(answer), backoff(attempt)));
        continue;
      }
      const json = (answer.headers.get("content-type") ?? "").includes("json");
      if (answer.status < 400) return (json ? JSON.parse(text) : text) as T;
      const kind = KINDS[answer.status] ?? (answer.status >= 500 ? UnavailableError : RetainerError);
      throw new kind(answer.status, json ? (JSON.parse(text) as Problem) : { detail: text.slice(0, 200) });
    }
  }
}

function asked(query: Record<string, unknown> | undefined): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === null) continue;
    for (const item of Array.isArray(value) ? value : [value]) pairs.append(name, String(item));
  }
  const text = pairs.toString();
  return text && `?${text}`;
}

/** Longer each time, by chance within it, so that callers do not come back together. */
function backoff(attempt: number): number {
  return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt) * (0.5 + Math.random() / 2);
}

function said(answer: Response): number {
  const seconds = Number(answer.headers.get("retry-after") ?? 0);
  return Number.isFinite(seconds) ? Math.min(LONGEST_WAIT, Math.max(0, seconds * 1000)) : 0;
}

/** The delivery is not the service's or too old, or a secret cannot be read. */
export class WebhookError extends Error {}

const TOLERANCE = 300;

/**
 * The event of a delivery (Standard Webhooks). Give the body as it came, its headers as `fetch` or Node has them, and
 * one secret or two; each is `whsec_` and base64 of 16 to 128 bytes.
 */
export async function verifyWebhook(
  body: string,
  headers: Headers | Record<string, string | string[] | undefined>,
  secrets: string | string[],
  now: number = Date.now() / 1000,
): Promise<Record<string, unknown>> {
  // All of them first: a secret that cannot be read is a mistake, even where another one would do.
  const keys = (Array.isArray(secrets) ? secrets : [secrets]).map(keyOf);
  const pairs = headers instanceof Headers ? [...headers] : Object.entries(headers);
  const lower = Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), String(value ?? "")]));
  const id = lower["webhook-id"];
  const at = lower["webhook-timestamp"];
  const signed = lower["webhook-signature"];
  if (!id || !at || !signed || !/^\d{1,12}$/.test(at)) throw new WebhookError("the headers of a webhook are missing");
  if (Math.abs(now - Number(at)) > TOLERANCE) throw new WebhookError("the delivery is older than five minutes");
  const data = new TextEncoder().encode(`${id}.${at}.${body}`);
  for (const raw of keys) {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", raw, algorithm, false, ["verify"]);
    for (const part of signed.split(" ")) {
      if (!part.startsWith("v1,")) continue;
      const presented = decoded(part.slice(3));
      if (presented.length && (await crypto.subtle.verify("HMAC", key, presented, data))) {
        return JSON.parse(body) as Record<string, unknown>;
      }
    }
  }
  throw new WebhookError("no secret signed this body");
}

/** The key of a secret. An empty one would let anybody sign. */
function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const key = secret.startsWith("whsec_") ? decoded(secret.slice("whsec_".length)) : new Uint8Array();
  if (key.length < 16 || key.length > 128) throw new WebhookError("a secret is whsec_ and base64 of 16 to 128 bytes");
  return key;
}

function decoded(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
