// Two normalised caches through a whole life: node caches.mjs <url of /graphql> <key> <folder of node_modules>
// What a screen holds of a ticket must follow from the answers of the mutations alone, and nothing else may touch it:
// not the past, not a rehearsal, not a replay, not an old version.
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import assert from 'node:assert/strict'

const [url, key, folder] = process.argv.slice(2)
const require = createRequire(`${resolve(folder)}/`)
const { gql } = require('@urql/core')
const headers = { authorization: `Bearer ${key}` }

function apollo() {
  const { ApolloClient, ApolloLink, HttpLink, InMemoryCache } = require('@apollo/client')
  const cache = new InMemoryCache({ possibleTypes: { Node: ['Ticket', 'Customer', 'Order', 'Clock', 'Policy'] } })
  const client = new ApolloClient({ cache, link: new HttpLink({ uri: url, headers, fetch }) })
  return {
    name: 'Apollo Client',
    ask: async (query, variables) => (await client.query({ query, variables, fetchPolicy: 'network-only' })).data,
    act: async (mutation, variables) => (await client.mutate({ mutation, variables })).data,
    watch: (query, variables, shown) =>
      client.watchQuery({ query, variables }).subscribe(({ data }) => data?.ticket && shown(data.ticket.state)),
  }
}

function urql() {
  const { Client, fetchExchange } = require('@urql/core')
  const { cacheExchange } = require('@urql/exchange-graphcache')
  const client = new Client({
    url, fetchOptions: { headers }, preferGetMethod: false,
    exchanges: [cacheExchange({ keys: { Money: () => null, Balance: () => null, Statement: () => null,
      Refusal: () => null, Charge: () => null, Resolution: () => null } , logger: () => {} }), fetchExchange],
  })
  const data = answer => { if (answer.error) throw answer.error; return answer.data }
  return {
    name: 'urql graphcache',
    ask: async (query, variables) => data(await client.query(query, variables, { requestPolicy: 'network-only' })),
    act: async (mutation, variables) => data(await client.mutation(mutation, variables)),
    watch: (query, variables, shown) =>
      client.query(query, variables).subscribe(({ data }) => data?.ticket && shown(data.ticket.state)),
  }
}

const refusal = '... on Refusal { code detail }'
const SCREEN = gql`query Screen($id: ID!) { ticket(ticketId: $id) { id ticketId state } }`
const written = (name, type = 'Ticket', fields = 'id ticketId state') => gql`mutation Write($input: ${name[0].toUpperCase() +
  name.slice(1)}Input!) { ${name}(input: $input) { __typename ... on ${type} { ${fields} } ${refusal} } }`

async function life({ name, ask, act, watch }, mark) {
  const customerId = `cara-${mark}`, ticketId = `C-${mark}`, orderId = `o-${mark}`
  let keys = 0, moment
  const write = async (operation, input, type, fields) => {
    const { [operation]: answer } = await act(written(operation, type, fields), { input })
    assert.equal(answer.__typename, type ?? 'Ticket', `${name}: ${operation}: ${JSON.stringify(answer)}`)
    return answer
  }
  const keyed = (operation, input, ...more) =>
    write(operation, { ticketId, idempotencyKey: `${mark}-${keys += 1}`, ...input }, ...more)
  // A screen that stays open. Whatever it showed on the way counts: `seen` is everything since the last look.
  let seen = []
  const shows = async (state, when) => {
    await new Promise(done => setTimeout(done, 50))
    assert.deepEqual([...new Set(seen)], [state], `${name}: the screen ${when}`)
    seen = seen.slice(-1)
  }

  // Nothing of this is the present.
  const keptApart = async () => {
    const past = gql`query Past($id: ID!, $at: DateTime!) {
      now: ticket(ticketId: $id) { id ticketId state } past: ticket(ticketId: $id, asOf: $at) { id ticketId state } }`
    const both = await ask(past, { id: ticketId, at: moment })
    assert.deepEqual([both.now.state, both.past.state], ['resolved', 'in_progress'], `${name}: now and past`)
    await shows('resolved', 'after a look at the past')
    const rehearsed = await keyed('reopenTicket', { validateOnly: true })
    assert.equal(rehearsed.state, 'in_progress', `${name}: the rehearsal`)
    await shows('resolved', 'after a rehearsal')
    const again = { ticketId, idempotencyKey: `${mark}-again`, author: 'vendor', kind: 'inquiry' }
    const reopened = await keyed('reopenTicket', {})
    assert.equal(reopened.state, 'in_progress')
    await keyed('addResponse', again)
    seen = []
    await keyed('resolveTicket', { cause: 'question' })
    await shows('resolved', 'after the second resolution')
    await keyed('addResponse', again) // a retry of what came before it
    await shows('resolved', 'after a replay')
  }

  const order = await write('putOrder', { orderId, customerId, placedAt: '2025-01-01T00:00:00Z', currency: 'USD',
    lines: [{ lineId: '1', sku: 'license', quantity: 1 }] }, 'Order', 'id orderId choices { choiceId options }')
  await keyed('makeChoice', { ticketId: undefined, customerId, choiceId: order.choices[0].choiceId, option: 'credits' },
    'Choice', 'choiceId option')
  await write('putTicket', { ticketId, customerId, subject: 'Slow pages', category: 'category_2', channel: 'helpdesk',
    language: 'ru' })
  const open = watch(SCREEN, { id: ticketId }, state => seen.push(state))
  while (!seen.length) await new Promise(done => setTimeout(done, 20))
  await shows('awaiting_confirmation', 'after the quote')
  seen = []
  await keyed('confirmAssessment', { number: 1, accept: true })
  await shows('in_progress', 'after the confirmation')
  await keyed('addResponse', { author: 'vendor', kind: 'service' })
  moment = (await ask(gql`{ tenantTime { now } }`)).tenantTime.now
  await act(written('moveTime', 'TenantTime', 'now'), { input: { now: new Date(Date.parse(moment) + 3600e3).toISOString() } })
  seen = []
  await keyed('resolveTicket', { cause: 'question' })
  await shows('resolved', 'after the resolution')

  await keptApart()
  const statement = (await ask(gql`query Statement($id: ID!) { statement(customerId: $id) {
    available resolvedTickets { credits ticket { id state } } } }`, { id: customerId })).statement
  assert.deepEqual(statement.resolvedTickets.map(row => row.credits), [10], `${name}: the statement`)
  await shows('resolved', 'after the statement')
  open.unsubscribe()
  console.log(`partners: ${name} went through a whole life, and kept past, rehearsal and replay apart`)
}

await life(apollo(), 'apollo')
await life(urql(), 'urql')
