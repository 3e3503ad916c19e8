// Runs every audit of the `graphql-http` suite against a running service.
//   node scripts/graphql_audits.mjs <url of /graphql> <key> <folder with node_modules>
// Prints one line for each audit that does not pass, and the count; exits 1 unless all pass.
import { createRequire } from "node:module";
import path from "node:path";

const [url, key, folder] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(folder), "package.json"));
const { serverAudits } = require("graphql-http");

const fetchFn = (input, init = {}) =>
  fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } });

let passed = 0;
const audits = serverAudits({ url, fetchFn });
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === "ok") passed += 1;
  else console.log(`${result.status}\t${result.id}\t${result.name}\t${result.reason ?? ""}`);
}
console.log(`${passed}/${audits.length} audits of graphql-http passed`);
process.exit(passed === audits.length ? 0 : 1);
