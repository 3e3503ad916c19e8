// Does not compile, and must not: "in_progres" is no state of a ticket.
import { rows } from "./lists";

export async function waiting(base: URL): Promise<string[]> {
  const found: string[] = [];
  for await (const ticket of rows(base, "/v1/tickets")) {
    if (ticket.state === "in_progres") found.push(ticket.ticket_id);
  }
  return found;
}
