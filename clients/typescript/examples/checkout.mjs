// A checkout: sell credits once, whatever the network does, and see what they brought.
import { Retainer } from "retainer-client";

const retainer = new Retainer(process.env.RETAINER_URL, process.env.RETAINER_KEY);
const order = { customer_id: "ann", placed_at: "2025-01-01T00:00:00Z", currency: "USD", lines: [] };
order.lines.push({ line_id: "1", sku: "license-owned" }, { line_id: "2", sku: "credits-40" });
await retainer.putOrder("example-2001", order);
await retainer.putOrder("example-2001", order);
console.log((await retainer.getBalance("ann")).available);
