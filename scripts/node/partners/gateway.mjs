// A gateway over our subgraph and somebody else's: node gateway.mjs <url of /graphql> <key> <folder of node_modules>
// Theirs has Relay connections, a `node` and a Money of its own, extends our entities, and needs our fields for its own.
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import assert from 'node:assert/strict'

const [url, key, folder] = process.argv.slice(2)
const require = createRequire(`${resolve(folder)}/`)
const { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } = require('@apollo/gateway')
const { ApolloServer } = require('@apollo/server')
const { buildSubgraphSchema } = require('@apollo/subgraph')
const { composeServices } = require('@apollo/composition')
const { parse } = require('graphql')

const theirs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",
    import: ["@key", "@shareable", "@external", "@requires"])
  interface Node { id: ID! }
  type Query { node(id: ID!): Node accounts(first: Int, after: String): AccountConnection! agent(id: ID!): Agent }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type AccountConnection { edges: [AccountEdge!]! pageInfo: PageInfo! }
  type AccountEdge { cursor: String! node: Account! }
  type Account implements Node @key(fields: "id") { id: ID! worth: Money! customer: Customer }
  type Money @shareable { amount: String! currency: String! }
  type Agent @key(fields: "id") { id: ID! tickets: [Ticket!]! }
  enum TicketState { needs_facts awaiting_qualification awaiting_assessment awaiting_choice awaiting_confirmation
    awaiting_credits in_progress resolved rejected withdrawn }
  type Ticket @key(fields: "ticketId") { ticketId: ID! state: TicketState! @external subject: String! @external
    headline: String @requires(fields: "state subject") }
  type Customer @key(fields: "customerId") { customerId: ID! crmUrl: String mayWrite: Entitlement }
  type Entitlement @key(fields: "customerId action") { customerId: ID! action: String! }
`)
const account = number => ({ __typename: 'Account', id: `a-${number}`, worth: { amount: '1.00', currency: 'USD' },
  customer: { customerId: number === 0 ? 'gina' : `nobody-${number}` } })
const resolvers = {
  Query: {
    node: (_, { id }) => account(Number(id.slice(2))),
    accounts: (_, { first = 10 }) => ({
      edges: Array.from({ length: first }, (_, number) => ({ cursor: `${number}`, node: account(number) })),
      pageInfo: { hasNextPage: true, hasPreviousPage: false, startCursor: '0', endCursor: `${first - 1}` },
    }),
    agent: (_, { id }) => ({ id, tickets: [{ ticketId: 'G-1' }, { ticketId: 'G-0' }] }),
  },
  Node: { __resolveType: () => 'Account' },
  Ticket: { headline: ({ state, subject }) => state === undefined ? null : `${subject} (${state})` },
  Customer: {
    crmUrl: ({ customerId }) => `crm:${customerId}`,
    mayWrite: ({ customerId }) => ({ customerId, action: 'open_ticket' }),
  },
}
const crm = buildSubgraphSchema({ typeDefs: theirs, resolvers })

const ask = async (query, headers = { authorization: `Bearer ${key}` }) => (await fetch(url, {
  method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ query }),
})).json()
const ours = (await ask('{ _service { sdl } }')).data._service.sdl
const { supergraphSdl, errors } = composeServices([
  { name: 'retainer', url, typeDefs: parse(ours) }, { name: 'crm', url: 'local', typeDefs: theirs },
])
assert.equal(errors, undefined, errors?.map(one => one.message).join('\n'))
for (const words of ['@cost(weight: 3)', '@listSize(assumedSize: 2)', 'sizedFields: ["edges", "nodes"]'])
  assert.ok(supergraphSdl.includes(words), `${words} is not in the supergraph`)

class Ours extends RemoteGraphQLDataSource {
  willSendRequest({ request, context }) { request.http.headers.set('authorization', `Bearer ${context.key ?? key}`) }
}
const gateway = new ApolloGateway({
  supergraphSdl,
  buildService: ({ name, url }) => name === 'crm' ? new LocalGraphQLDataSource(crm) : new Ours({ url }),
  logger: { debug() {}, info() {}, warn() {}, error: console.error },
})
const server = new ApolloServer({ gateway, logger: { debug() {}, info() {}, warn() {}, error: console.error } })
await server.start()
const run = async (query, variables, contextValue = {}) =>
  (await server.executeOperation({ query, variables }, { contextValue })).body.singleResult
const plain = value => JSON.parse(JSON.stringify(value))
let tried = 0
const check = async (what, work) => {
  try { await work(); tried += 1 } catch (error) { error.message = `${what}: ${error.message}`; throw error }
}

await check('mutations go through', async () => {
  const found = await run(`mutation { adjustCredits(input: {idempotencyKey: "g-1", customerId: "gina", credits: 9,
    reason: "welcome"}) { __typename } putTicket(input: {ticketId: "G-1", customerId: "gina", subject: "Slow"}) {
    __typename ... on Refusal { code detail } } }`)
  assert.equal(found.errors, undefined, JSON.stringify(found.errors))
  assert.deepEqual(plain(found.data), { adjustCredits: { __typename: 'Hold' }, putTicket: { __typename: 'Ticket' } })
})
await check('their field needs ours', async () => {
  const { data, errors } = await run('{ agent(id: "1") { tickets { ticketId headline } } }')
  assert.equal(errors, undefined, JSON.stringify(errors))
  assert.match(data.agent.tickets[0].headline, /^Slow \(/)
  assert.equal(data.agent.tickets[1].headline, null) // a ticket that nobody knows
})
await check('a page of theirs with ours in every row', async () => {
  const { data, errors } = await run(`{ accounts(first: 100) { pageInfo { endCursor } edges { node { worth { amount }
    customer { customerId crmUrl balance { available held } openTickets { ticketId } covers { coverId }
      entitlement(action: "open_ticket") { allowed reasons { code } } } } } } }`)
  assert.equal(errors, undefined, JSON.stringify(errors))
  assert.equal(data.accounts.edges.length, 100)
  const first = data.accounts.edges[0].node
  assert.deepEqual(plain([first.worth.amount, first.customer.crmUrl, first.customer.balance]),
    ['1.00', 'crm:gina', { available: 9, held: 0 }])
})
await check('an entity of ours that they refer to', async () => {
  const { data } = await run('{ accounts(first: 1) { edges { node { customer { mayWrite { allowed } } } } } }')
  assert.equal(typeof data.accounts.edges[0].node.customer.mayWrite.allowed, 'boolean')
})
await check('a node of theirs', async () => {
  const { data } = await run('{ node(id: "a-3") { id ... on Account { worth { currency } } } }')
  assert.deepEqual(plain(data.node), { id: 'a-3', worth: { currency: 'USD' } })
})
await check('our refusal keeps its code', async () => {
  const { data, errors } = await run(`{ accounts(first: 100) { edges { node { id customer { tickets(first: 100) { nodes {
    ticketId } } } } } } }`)
  assert.equal(data.accounts.edges.length, 100)
  assert.equal(errors[0].extensions.code, 'graphql_limit', JSON.stringify(errors[0]))
  assert.ok(errors[0].extensions.costs.length > 1)
})
await check('a scope that is missing keeps its code', async () => {
  const narrow = (await ask(`mutation { createKey(input: {tenantId: "gates", scopes: ["orders:read"]}) {
    ... on ApiKey { key } ... on Refusal { code } } }`)).data.createKey.key
  const { errors } = await run('{ accounts(first: 1) { edges { node { customer { balance { held } } } } } }', {},
    { key: narrow })
  assert.equal(errors[0].extensions.code, 'scope_missing', JSON.stringify(errors))
})
await check('a forged key', async () => {
  const { errors } = await run('{ customers { nodes { customerId } } }', {}, { key: 'forged' })
  assert.equal(errors[0].extensions.code, 'UNAUTHENTICATED', JSON.stringify(errors[0]))
})
await server.stop()
console.log(`partners: a gateway over two subgraphs, ${tried} questions`)
