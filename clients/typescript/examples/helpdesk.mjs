// A helpdesk: may this customer ask, what does it cost, and open the ticket; a refusal says what would help.
import { RefusedError, Retainer } from "retainer-client";

const retainer = new Retainer(process.env.RETAINER_URL, process.env.RETAINER_KEY);
const decision = await retainer.decideEntitlement("ann", "open_ticket");
const ticket = await retainer.putTicket("example-1", { customer_id: "ann", subject: "Taxes", category: "domain_change" });
try {
  await retainer.createDebit("ann", { credits: 100_000 });
} catch (refusal) {
  if (!(refusal instanceof RefusedError)) throw refusal;
  console.log(decision.allowed, ticket.state, refusal.code, refusal.nextStep);
}
