// A partner: every customer, page by page, with what is left to each.
import { Retainer } from "retainer-client";

const retainer = new Retainer(process.env.RETAINER_URL, process.env.RETAINER_KEY);
for await (const customer of retainer.eachCustomers()) {
  console.log(customer.customer_id, (await retainer.getBalance(customer.customer_id)).available);
}
