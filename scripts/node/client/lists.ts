// Reads every list of the contract to its end, by the types that openapi-typescript makes of it (`types.d.ts`).
// `tsc --strict` compiles it (scripts/clients.py): a list without `data` and `next_cursor`, or one that is not named
// here, does not compile.
import type { paths } from "./types";

type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { "application/json": infer A } } } };
}
  ? A
  : never;
type Page = { data: unknown[]; next_cursor: string | null };
type IsList<P extends keyof paths> = [Answer<P>] extends [never] ? never : Answer<P> extends Page ? P : never;
type Lists = { [P in keyof paths]: IsList<P> }[keyof paths];
type Row<P extends Lists> = Answer<P> extends { data: (infer R)[] } ? R : never;
type Read<P extends Lists> = { data: Row<P>[]; next_cursor: string | null };

const every = [
  "/problems",
  "/v1/audit",
  "/v1/audit-trail",
  "/v1/calendars",
  "/v1/calendars/{name}/closures",
  "/v1/calendars/{name}/versions",
  "/v1/clocks",
  "/v1/covers",
  "/v1/customers",
  "/v1/customers/{customer_id}/choices",
  "/v1/customers/{customer_id}/entries",
  "/v1/events",
  "/v1/holds",
  "/v1/keys",
  "/v1/licenses",
  "/v1/offers",
  "/v1/orders",
  "/v1/policies",
  "/v1/refunds",
  "/v1/sources",
  "/v1/sources/{name}/deliveries",
  "/v1/tenants",
  "/v1/tickets",
  "/v1/webhook-endpoints",
  "/v1/webhook-endpoints/{endpoint_id}/deliveries",
] as const;
type Forgotten = Exclude<Lists, (typeof every)[number]>;
const forgotten: [Forgotten] extends [never] ? true : Forgotten = true;

async function page<P extends Lists>(base: URL, path: P, cursor: string | null): Promise<Read<P>> {
  const url = new URL(path, base);
  if (cursor !== null) url.searchParams.set("cursor", cursor);
  return (await (await fetch(url)).json()) as Read<P>;
}

export async function* rows<P extends Lists>(base: URL, path: P): AsyncGenerator<Row<P>> {
  let cursor: string | null = null;
  do {
    const found: Read<P> = await page(base, path, cursor);
    for (const row of found.data) yield row;
    cursor = found.next_cursor;
  } while (cursor !== null);
}

export async function count(base: URL): Promise<number> {
  let found = 0;
  for (const path of every) for await (const row of rows(base, path)) found += row === undefined ? 0 : 1;
  return forgotten ? found : 0;
}

// What is read has its type: the members of a row, and the states of a ticket.
export async function waiting(base: URL): Promise<string[]> {
  const found: string[] = [];
  for await (const ticket of rows(base, "/v1/tickets")) {
    if (ticket.state === "in_progress") found.push(`${ticket.ticket_id}: ${ticket.subject}`);
  }
  for await (const clock of rows(base, "/v1/clocks")) {
    if (clock.phase === "running" && clock.due_at !== null) found.push(`${clock.ticket_id}: ${clock.due_at}`);
  }
  return found;
}
