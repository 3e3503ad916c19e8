// Our subgraph composed with other people's: node compose.mjs <schema> <folder of node_modules>
// One refers to our entities. One has Relay connections, a Money and a Node of its own, as many have.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const [schema, folder] = process.argv.slice(2)
const require = createRequire(`${resolve(folder)}/`)
const { composeServices } = require('@apollo/composition')
const { buildSchema, parse, validateSchema } = require('graphql')

const crm = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@external", "@requires"])
  type Query { agent(id: ID!): Agent }
  type Agent @key(fields: "id") { id: ID! name: String! tickets: [Ticket!]! mayHelp: [Entitlement!]! }
  enum TicketState { needs_facts awaiting_qualification awaiting_assessment awaiting_choice awaiting_confirmation
    awaiting_credits in_progress resolved rejected withdrawn }
  type Ticket @key(fields: "ticketId") { ticketId: ID! state: TicketState! @external subject: String! @external
    headline: String @requires(fields: "state subject") assignee: Agent }
  type Customer @key(fields: "customerId") { customerId: ID! crmUrl: String }
  type Entitlement @key(fields: "customerId action") { customerId: ID! action: String! }
`
const shop = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
  interface Node { id: ID! }
  type Query { node(id: ID!): Node @shareable carts(first: Int, after: String): CartConnection! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  type CartConnection { edges: [CartEdge!]! pageInfo: PageInfo! }
  type CartEdge { cursor: String! node: Cart! }
  type Cart implements Node @key(fields: "id") { id: ID! total: Money! owner: Customer }
  type Money @shareable { amount: String! currency: String! }
  type Customer @key(fields: "customerId") { customerId: ID! carts(first: Int, after: String): CartConnection! }
`
const text = readFileSync(schema, 'utf8')
const wrong = []
for (const one of validateSchema(buildSchema(text))) wrong.push(`schema: ${one.message}`)
const services = Object.entries({ retainer: text, crm, shop }).map(([name, sdl]) => (
  { name, url: `http://${name}/graphql`, typeDefs: parse(sdl) }
))
const { errors, hints, supergraphSdl } = composeServices(services)
for (const one of errors ?? []) wrong.push(one.message)
for (const one of hints ?? []) console.log(`composition hints: ${one.message}`)
if (!errors) {
  for (const type of ['Customer', 'Ticket', 'Entitlement'])
    if (!new RegExp(`type ${type}\\b[^{]*@join__type\\(graph: RETAINER`).test(supergraphSdl))
      wrong.push(`${type} is not an entity of ours in the supergraph`)
  // What a router counts a request by has to arrive there.
  for (const field of ['clocks: [Clock!]! @listSize(assumedSize: 2)', '@cost(weight: 3)', 'sizedFields: ["edges", "nodes"]'])
    if (!supergraphSdl.includes(field.replace('clocks: [Clock!]! ', ''))) wrong.push(`${field} is not in the supergraph`)
}
for (const one of wrong) console.log(`composition: ${one}`)
if (wrong.length) process.exitCode = 1
else console.log('composition: the subgraph composes with two others, its costs are in the supergraph')
