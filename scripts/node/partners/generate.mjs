// Generators over the published schema: node generate.mjs <schema> <folder to write to> <folder of node_modules>
// graphql-codegen with strict scalars, its types read by `tsc --strict`; relay-compiler with connections both ways.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import assert from 'node:assert/strict'

const [schema, out, folder] = process.argv.slice(2)
const require = createRequire(`${resolve(folder)}/`)
const { codegen } = require('@graphql-codegen/core')
const { buildSchema, parse } = require('graphql')
const text = readFileSync(schema, 'utf8')
const built = buildSchema(text)

const scalars = { Amount: 'string', Credits: 'number', Date: 'string', DateTime: 'string', JSON: 'unknown', Long: 'number',
  _Any: 'unknown', _FieldSet: 'string', federation__FieldSet: 'string', link__Import: 'string' }
const document = parse(`
  query Board($first: Int!, $after: String) { tickets(first: $first, after: $after) { pageInfo { endCursor hasNextPage }
    nodes { id ticketId state customer { balance { available } } clocks { milestone dueAt breaches { at } }
      assessments { number credits inputs } } } }
  query Feed($since: String) { events(since: $since) { nodes { type data { ticket { ticketId state reasons { code } }
    order { orderId lines { lineId quantity } } credits { credits balance { held } } } } } }
  query Why($id: ID!) { explain(kind: "ticket", id: $id) { summary trace { step summary clause at } clauses { text } } }
  mutation Many($commands: [CreditCommandInput!]!) { createCreditBatch(input: {commands: $commands}) { __typename
    ... on CreditBatch { results { idempotencyKey status result { credits } problem { code nextStep } } }
    ... on Refusal { code } } }
`)
const config = { strictScalars: true, scalars, avoidOptionals: true, enumsAsTypes: true }
for (const name of ['typescript', 'typescript-operations']) {
  const types = await codegen({
    filename: `${name}.ts`, schema: parse(text), schemaAst: built, documents: [{ location: 'board.graphql', document }],
    config, plugins: [{ made: {} }], pluginMap: { made: require(`@graphql-codegen/${name}`) },
  })
  assert.ok(!/: any\b/.test(types.replace(/\/\*\*[^]*?\*\//g, '')), `${name}: a type is any`)
  writeFileSync(join(out, `${name}.ts`), types)
}
const bin = name => join(resolve(folder), 'node_modules', '.bin', name)
const run = (program, words, cwd) => {
  const done = spawnSync(program, words, { cwd, encoding: 'utf8' })
  assert.equal(done.status, 0, `${program} ${words.join(' ')}\n${done.stdout}${done.stderr}`)
}
run(bin('tsc'), ['--noEmit', '--strict', '--skipLibCheck', 'typescript.ts', 'typescript-operations.ts'], out)

const relay = join(out, 'relay')
mkdirSync(join(relay, 'src'), { recursive: true })
symlinkSync(join(resolve(folder), 'node_modules'), join(relay, 'node_modules'))
writeFileSync(join(relay, 'schema.graphql'), text)
writeFileSync(join(relay, 'package.json'), '{"private": true}')
writeFileSync(join(relay, 'relay.config.json'), JSON.stringify({
  src: './src', schema: './schema.graphql', language: 'typescript', noFutureProofEnums: true,
  customScalarTypes: { ...scalars },
}))
writeFileSync(join(relay, 'src', 'Board.ts'), `
const query = graphql\`query BoardQuery($customerId: ID!) { customer(customerId: $customerId) { id ...Board_tickets } }\`
const list = graphql\`fragment Board_tickets on Customer @refetchable(queryName: "BoardTicketsQuery")
  @argumentDefinitions(first: {type: "Int", defaultValue: 20}, after: {type: "String"}) {
  tickets(first: $first, after: $after) @connection(key: "Board_tickets") { edges { node { id ...Board_ticket } } } }\`
const back = graphql\`fragment Board_entries on Customer @refetchable(queryName: "BoardEntriesQuery")
  @argumentDefinitions(last: {type: "Int", defaultValue: 20}, before: {type: "String"}) {
  entries(last: $last, before: $before) @connection(key: "Board_entries") { edges { node { credits } } } }\`
const row = graphql\`fragment Board_ticket on Ticket { ticketId state clocks { milestone dueAt outcome } }\`
const node = graphql\`query BoardNodeQuery($id: ID!) { node(id: $id) { __typename id ...Board_ticket @alias } }\`
const debit = graphql\`mutation BoardDebitMutation($input: CreateDebitInput!) { createDebit(input: $input) { __typename
  ... on Hold { credits } ... on Refusal { code nextStep } } }\`
export default { query, list, back, row, node, debit }
`)
run(bin('relay-compiler'), ['relay.config.json'], relay)
console.log('partners: graphql-codegen with strict scalars and relay-compiler took the published schema')
