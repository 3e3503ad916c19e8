// Our subgraph composed with somebody else's that refers to its entities: node compose.mjs <schema> <folder of node_modules>
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const [schema, folder] = process.argv.slice(2)
const require = createRequire(`${resolve(folder)}/`)
const { composeServices } = require('@apollo/composition')
const { parse } = require('graphql')

const theirs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@external", "@requires"])
  type Query { agent(id: ID!): Agent }
  type Agent @key(fields: "id") { id: ID! name: String! tickets: [Ticket!]! mayHelp: [Entitlement!]! }
  enum TicketState { needs_facts awaiting_qualification awaiting_assessment awaiting_choice awaiting_confirmation
    awaiting_credits in_progress resolved rejected withdrawn }
  type Ticket @key(fields: "ticketId") { ticketId: ID! state: TicketState! @external subject: String! @external
    headline: String @requires(fields: "state subject") assignee: Agent }
  type Customer @key(fields: "customerId") { customerId: ID! crmUrl: String }
  type Entitlement @key(fields: "customerId action") { customerId: ID! action: String! }
`)
const services = [
  { name: 'retainer', url: 'http://retainer/graphql', typeDefs: parse(readFileSync(schema, 'utf8')) },
  { name: 'crm', url: 'http://crm/graphql', typeDefs: theirs },
]
const { errors, hints, supergraphSdl } = composeServices(services)
for (const one of errors ?? []) console.log(`composition: ${one.message}`)
for (const one of hints ?? []) console.log(`composition hints: ${one.message}`)
for (const type of ['Customer', 'Ticket', 'Entitlement'])
  if (!errors && !new RegExp(`type ${type}\\b[^{]*@join__type\\(graph: RETAINER`).test(supergraphSdl)) {
    console.log(`composition: ${type} is not an entity of ours in the supergraph`)
    process.exitCode = 1
  }
if (errors) process.exitCode = 1
else console.log('composition: the subgraph composes, its entities are referred to from another')
