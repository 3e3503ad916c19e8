// The operations of the contract. Made by `python -m scripts.sdk` from the contract; do not edit.
import type * as models from "./models.js";

export const CONTRACT = "0.1.0";

export interface Sent {
  query?: Record<string, unknown>;
  body?: unknown;
  keyed?: boolean;
  key?: string;
  ifMatch?: string;
}

const at = (part: string | number): string => encodeURIComponent(String(part));

export abstract class Operations {
  protected abstract send<T>(method: string, path: string, sent?: Sent): Promise<T>;

  /** What is available and held, and the lots it is in, the first 100; exact at the instant. */
  getBalance(customerId: string, options: { "cursor"?: string; "as_of"?: string; "known_at"?: string } = {}): Promise<models.Balance> {
    return this.send("GET", `/v1/customers/${at(customerId)}/balance`, { query: options });
  }

  /** Holds and captures at once; the answer's `hold_id` is what a refund needs. */
  createDebit(customerId: string, body: models.DebitBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Hold> {
    return this.send("POST", `/v1/customers/${at(customerId)}/debits`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Reserves credits in order of spending. */
  createHold(customerId: string, body: models.HoldBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Hold> {
    return this.send("POST", `/v1/customers/${at(customerId)}/holds`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Takes held credits for good, in the hold's order. */
  captureHold(holdId: string, body: models.CaptureBody = {} as models.CaptureBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Hold> {
    return this.send("POST", `/v1/holds/${at(holdId)}/capture`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Gives held credits back to the lots they came from, in reverse. */
  releaseHold(holdId: string, body: models.GiveBackBody = {} as models.GiveBackBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Hold> {
    return this.send("POST", `/v1/holds/${at(holdId)}/release`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Gives captured credits back to the lots they came from, in reverse. */
  refundHold(holdId: string, body: models.GiveBackBody = {} as models.GiveBackBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Hold> {
    return this.send("POST", `/v1/holds/${at(holdId)}/refund`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Corrects a balance by hand: +n grants a lot (and makes the customer), -n takes what is available. */
  adjustCredits(customerId: string, body: models.AdjustmentBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Adjustment> {
    return this.send("POST", `/v1/customers/${at(customerId)}/adjustments`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Up to 1,000 commands, each with a status, a code and a result of its own; no header key. */
  createCreditBatch(body: models.BatchBody, options: { "validate_only"?: boolean } = {}): Promise<models.CreditBatch> {
    return this.send("POST", `/v1/credit-batches`, { body, query: options });
  }

  /** Where credits came from, tickets in progress, resolved tickets: three parts whose totals meet the balance. */
  getStatement(customerId: string, options: { "cursor"?: string; "as_of"?: string; "known_at"?: string } = {}): Promise<models.Statement> {
    return this.send("GET", `/v1/customers/${at(customerId)}/statement`, { query: options });
  }

  /** The ledger: immutable moves between buckets. */
  listEntries(customerId: string, options: { "limit"?: number; "cursor"?: string; "as_of"?: string; "known_at"?: string } = {}): Promise<models.EntryPage> {
    return this.send("GET", `/v1/customers/${at(customerId)}/entries`, { query: options });
  }

  /** Every row of `listEntries`, page by page. */
  async *eachEntries(customerId: string, options: { "as_of"?: string; "known_at"?: string } = {}): AsyncGenerator<models.Entry> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.EntryPage = await this.listEntries(customerId, { ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** One line of the ledger, if it was there `as_of`, by what was `known_at`. */
  getEntry(entryId: string, options: { "as_of"?: string; "known_at"?: string } = {}): Promise<models.Entry> {
    return this.send("GET", `/v1/entries/${at(entryId)}`, { query: options });
  }

  /** A lot as it stands, or stood `as_of` by what was `known_at`. */
  getLot(lotId: string, options: { "as_of"?: string; "known_at"?: string } = {}): Promise<models.Lot> {
    return this.send("GET", `/v1/lots/${at(lotId)}`, { query: options });
  }

  /** Replaces what you keep beside a lot, whoever granted it. Nothing else of it changes. */
  putLotMetadata(lotId: string, body: models.LotMetadataBody, options: { "validate_only"?: boolean } = {}): Promise<models.Lot> {
    return this.send("PUT", `/v1/lots/${at(lotId)}/metadata`, { body, query: options });
  }

  /** Gives a lot to another customer, or refuses, as the policy says. */
  transferLot(lotId: string, body: models.TransferBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Transfer> {
    return this.send("POST", `/v1/lots/${at(lotId)}/transfer`, { keyed: true, body, query: options, key: extra.key });
  }

  /** What the unused credits of a lot would bring back in money now. */
  quoteLotRefund(lotId: string): Promise<models.RefundQuote> {
    return this.send("GET", `/v1/lots/${at(lotId)}/refund-quote`, {  });
  }

  /** Voids unused credits and says what money is due; `override` needs `credits:refund` and a reason. */
  refundLot(lotId: string, body: models.LotRefundBody = {} as models.LotRefundBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.RefundQuote> {
    return this.send("POST", `/v1/lots/${at(lotId)}/refund`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Every broken invariant of the ledger; an empty list is the promise. A large tenant is looked at stretch by stretch: a call looks for some seconds, and `next_cursor` goes on. The promise holds for the whole tenant once `next_cursor` is null and no part had a row. */
  getAudit(options: { "limit"?: number; "cursor"?: string } = {}): Promise<models.LedgerAudit> {
    return this.send("GET", `/v1/audit`, { query: options });
  }

  /** Every code that a refusal can have, with its cause and what to do; a page for browsers, JSON for programs. */
  listProblems(): Promise<models.ProblemEntryPage> {
    return this.send("GET", `/problems`, {  });
  }

  /** One code; a page for browsers, JSON for programs. */
  getProblem(code: string): Promise<models.ProblemEntry> {
    return this.send("GET", `/problems/${at(code)}`, {  });
  }

  /** The tenants that live on this server, by their ids. With `policy` or `suspended` a page may have fewer rows. */
  listTenants(options: { "query"?: models.AnyId; "policy"?: models.AnyId; "suspended"?: boolean; "limit"?: number; "cursor"?: string } = {}): Promise<models.TenantPage> {
    return this.send("GET", `/v1/tenants`, { query: options });
  }

  /** Every row of `listTenants`, page by page. */
  async *eachTenants(options: { "query"?: models.AnyId; "policy"?: models.AnyId; "suspended"?: boolean } = {}): AsyncGenerator<models.Tenant> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.TenantPage = await this.listTenants({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** A tenant under a policy. 201 the first time, 200 with the same body again, 409 with other content. */
  putTenant(tenantId: string, body: models.TenantBody, options: { "validate_only"?: boolean } = {}): Promise<models.Tenant> {
    return this.send("PUT", `/v1/tenants/${at(tenantId)}`, { body, query: options });
  }

  /** Suspends a tenant, or lifts it: `{"suspended": false}`. Its keys stop, or go on, within a second. */
  suspendTenant(tenantId: string, body: models.SuspensionBody = {} as models.SuspensionBody, options: { "validate_only"?: boolean } = {}): Promise<models.Tenant> {
    return this.send("PUT", `/v1/tenants/${at(tenantId)}/suspension`, { body, query: options });
  }

  /** Whether a tenant lives on this server, moves, or has moved. See docs/scale.md for a whole move. */
  getTenantMove(tenantId: string): Promise<models.TenantMove> {
    return this.send("GET", `/v1/tenants/${at(tenantId)}/move`, {  });
  }

  /** Brings a tenant's move to a state, or gives it up: `{"state": "here"}`. The same state again changes nothing. While it is `moving` writes are 503 `tenant_moving`; once it has `moved` all calls are 421 `tenant_moved`. */
  putTenantMove(tenantId: string, body: models.MoveBody, options: { "validate_only"?: boolean } = {}): Promise<models.TenantMove> {
    return this.send("PUT", `/v1/tenants/${at(tenantId)}/move`, { body, query: options });
  }

  /** A key of the tenant. It is shown in this answer and never again. */
  createKey(tenantId: string, body: models.KeyBody, options: { "validate_only"?: boolean } = {}): Promise<models.ApiKey> {
    return this.send("POST", `/v1/tenants/${at(tenantId)}/keys`, { body, query: options });
  }

  /** The tenant's keys, without the keys themselves. */
  listKeys(options: { "tenant_id"?: string; "limit"?: number; "cursor"?: string } = {}): Promise<models.ApiKeyPage> {
    return this.send("GET", `/v1/keys`, { query: options });
  }

  /** Every row of `listKeys`, page by page. */
  async *eachKeys(options: { "tenant_id"?: string } = {}): AsyncGenerator<models.ApiKey> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.ApiKeyPage = await this.listKeys({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** Ends a key for good. It stops within a second. */
  revokeKey(keyId: string, options: { "tenant_id"?: string; "validate_only"?: boolean } = {}): Promise<models.ApiKey> {
    return this.send("DELETE", `/v1/keys/${at(keyId)}`, { query: options });
  }

  /** A successor with the same scopes; both live until the overlap is over. */
  rotateKey(keyId: string, body: models.KeyRotationBody = {} as models.KeyRotationBody, options: { "tenant_id"?: string; "validate_only"?: boolean } = {}): Promise<models.ApiKey> {
    return this.send("POST", `/v1/keys/${at(keyId)}/rotation`, { body, query: options });
  }

  /** A link that signs a person of the vendor in to the pages, once, with these scopes. */
  createSignInLink(tenantId: string, body: models.SignInLinkBody, options: { "validate_only"?: boolean } = {}): Promise<models.SignInLink> {
    return this.send("POST", `/v1/tenants/${at(tenantId)}/sign-in-links`, { body, query: options });
  }

  /** A link that opens the operator's page of all tenants, once, for an hour. No page of a tenant opens by it. */
  createOperatorSignInLink(body: models.OperatorLinkBody = {} as models.OperatorLinkBody, options: { "validate_only"?: boolean } = {}): Promise<models.OperatorSignInLink> {
    return this.send("POST", `/v1/operator/sign-in-links`, { body, query: options });
  }

  /** An opaque token for this customer, at most ten minutes, and the `url` of the page that it opens. It reads. With `may` `act` it does what a customer may do: confirm or decline a quote, choose, withdraw, dispute, resume, answer what a ticket asks for. That wants the scope `tickets:write`. */
  createCustomerToken(customerId: string, body: models.TokenBody = {} as models.TokenBody, options: { "validate_only"?: boolean } = {}): Promise<models.CustomerToken> {
    return this.send("POST", `/v1/customers/${at(customerId)}/tokens`, { body, query: options });
  }

  /** The tenant's time: its own, or the real one. */
  getTime(): Promise<models.TenantTime> {
    return this.send("GET", `/v1/clock`, {  });
  }

  /** Moves a sandbox's time forward; everything due in between happens, in order. Repeat until `reached`. */
  moveTime(body: models.TimeBody, options: { "validate_only"?: boolean } = {}): Promise<models.TenantTime> {
    return this.send("PUT", `/v1/clock`, { body, query: options });
  }

  /** What can be bought, priced for this customer; an unknown customer is priced as an empty account. */
  listOffers(options: { "customer_id"?: models.AnyId; "currency"?: string; "limit"?: number; "cursor"?: string } = {}): Promise<models.OfferPage> {
    return this.send("GET", `/v1/offers`, { query: options });
  }

  /** Every row of `listOffers`, page by page. */
  async *eachOffers(options: { "customer_id"?: models.AnyId; "currency"?: string } = {}): AsyncGenerator<models.Offer> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.OfferPage = await this.listOffers({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** One offer by a sku that can be ordered, such as `credits-40`, priced for this customer step by step. */
  getOffer(sku: string, options: { "customer_id"?: models.AnyId; "currency"?: string } = {}): Promise<models.Offer> {
    return this.send("GET", `/v1/offers/${at(sku)}`, { query: options });
  }

  /** What an order granted and why, as it stands now, and its refunds. */
  getOrder(orderId: string): Promise<models.Order> {
    return this.send("GET", `/v1/orders/${at(orderId)}`, {  });
  }

  /** Records an order: the licenses, lots, covers and open choices it granted, what it did not grant and why, and notices. 201 the first time, 200 with the same body again, 409 `order_conflict` with other content. */
  putOrder(orderId: string, body: models.OrderBody, options: { "validate_only"?: boolean } = {}): Promise<models.Order> {
    return this.send("PUT", `/v1/orders/${at(orderId)}`, { body, query: options });
  }

  /** Takes back what is unspent of the refunded units and reports what was spent. 201 the first time, 200 again. */
  refundOrder(orderId: string, body: models.RefundBody, options: { "validate_only"?: boolean } = {}): Promise<models.OrderRefund> {
    return this.send("POST", `/v1/orders/${at(orderId)}/refunds`, { body, query: options });
  }

  /** Judges lines with an unknown sku anew by the policy in force now; safe any number of times. */
  replayOrder(orderId: string, options: { "validate_only"?: boolean } = {}): Promise<models.Order> {
    return this.send("POST", `/v1/orders/${at(orderId)}/replay`, { query: options });
  }

  /** The open choices, oldest first; `all=true`: those made or taken back too. */
  listChoices(customerId: string, options: { "all"?: boolean; "limit"?: number; "cursor"?: string } = {}): Promise<models.ChoicePage> {
    return this.send("GET", `/v1/customers/${at(customerId)}/choices`, { query: options });
  }

  /** Every row of `listChoices`, page by page. */
  async *eachChoices(customerId: string, options: { "all"?: boolean } = {}): AsyncGenerator<models.Choice> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.ChoicePage = await this.listChoices(customerId, { ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** A choice as it stands now, whether it is open, made or taken back. */
  getChoice(choiceId: string): Promise<models.Choice> {
    return this.send("GET", `/v1/choices/${at(choiceId)}`, {  });
  }

  /** Grants exactly one option, for good. */
  makeChoice(customerId: string, choiceId: string, body: models.ChoiceBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Choice> {
    return this.send("POST", `/v1/customers/${at(customerId)}/choices/${at(choiceId)}`, { keyed: true, body, query: options, key: extra.key });
  }

  /** A license as it stands now. */
  getLicense(licenseId: string): Promise<models.License> {
    return this.send("GET", `/v1/licenses/${at(licenseId)}`, {  });
  }

  /** Ends a license and the levels and covers that serve it alone; once. */
  terminateLicense(licenseId: string, body: models.TerminationBody = {} as models.TerminationBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.License> {
    return this.send("POST", `/v1/licenses/${at(licenseId)}/termination`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Registers a license to an installation; again moves it. */
  registerLicense(licenseId: string, body: models.RegistrationBody, options: { "validate_only"?: boolean } = {}): Promise<models.License> {
    return this.send("POST", `/v1/licenses/${at(licenseId)}/registration`, { body, query: options });
  }

  /** Orders, by the instant they were placed; `GET /v1/orders/{order_id}` says what one granted. */
  listOrders(options: { "state"?: string; "payment_state"?: string; "limit"?: number; "cursor"?: string; "customer_id"?: models.AnyId; "since"?: string; "until"?: string; "sort"?: "newest" | "oldest" } = {}): Promise<models.ListedOrderPage> {
    return this.send("GET", `/v1/orders`, { query: options });
  }

  /** Every row of `listOrders`, page by page. */
  async *eachOrders(options: { "state"?: string; "payment_state"?: string; "customer_id"?: models.AnyId; "since"?: string; "until"?: string; "sort"?: "newest" | "oldest" } = {}): AsyncGenerator<models.ListedOrder> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.ListedOrderPage = await this.listOrders({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** Refunds of orders, by the instant they were told. */
  listRefunds(options: { "state"?: string; "order_id"?: models.AnyId; "limit"?: number; "cursor"?: string; "customer_id"?: models.AnyId; "since"?: string; "until"?: string; "sort"?: "newest" | "oldest" } = {}): Promise<models.OrderRefundPage> {
    return this.send("GET", `/v1/refunds`, { query: options });
  }

  /** Every row of `listRefunds`, page by page. */
  async *eachRefunds(options: { "state"?: string; "order_id"?: models.AnyId; "customer_id"?: models.AnyId; "since"?: string; "until"?: string; "sort"?: "newest" | "oldest" } = {}): AsyncGenerator<models.OrderRefund> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.OrderRefundPage = await this.listRefunds({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** Holds and debits, as they were made; by their end those that are open and have one. */
  listHolds(options: { "state"?: string; "ticket_id"?: models.AnyId; "open"?: boolean; "limit"?: number; "cursor"?: string; "customer_id"?: models.AnyId; "since"?: string; "until"?: string; "sort"?: "newest" | "oldest" | "soonest" | "latest" } = {}): Promise<models.HoldPage> {
    return this.send("GET", `/v1/holds`, { query: options });
  }

  /** Every row of `listHolds`, page by page. */
  async *eachHolds(options: { "state"?: string; "ticket_id"?: models.AnyId; "open"?: boolean; "customer_id"?: models.AnyId; "since"?: string; "until"?: string; "sort"?: "newest" | "oldest" | "soonest" | "latest" } = {}): AsyncGenerator<models.Hold> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.HoldPage = await this.listHolds({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** Licenses, by the instant their order was placed. */
  listLicenses(options: { "active"?: boolean; "ended_reason"?: string; "domain"?: models.AnyId; "limit"?: number; "cursor"?: string; "customer_id"?: models.AnyId; "since"?: string; "until"?: string; "sort"?: "newest" | "oldest" } = {}): Promise<models.LicensePage> {
    return this.send("GET", `/v1/licenses`, { query: options });
  }

  /** Every row of `listLicenses`, page by page. */
  async *eachLicenses(options: { "active"?: boolean; "ended_reason"?: string; "domain"?: models.AnyId; "customer_id"?: models.AnyId; "since"?: string; "until"?: string; "sort"?: "newest" | "oldest" } = {}): AsyncGenerator<models.License> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.LicensePage = await this.listLicenses({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** Periods of support, by the instant they were granted; with a state or a bound of ends by their ends. */
  listCovers(options: { "state"?: string; "ends_after"?: string; "ends_before"?: string; "license_id"?: models.AnyId; "limit"?: number; "cursor"?: string; "customer_id"?: models.AnyId; "since"?: string; "until"?: string; "sort"?: "newest" | "oldest" | "soonest" | "latest" } = {}): Promise<models.CoverPage> {
    return this.send("GET", `/v1/covers`, { query: options });
  }

  /** Every row of `listCovers`, page by page. */
  async *eachCovers(options: { "state"?: string; "ends_after"?: string; "ends_before"?: string; "license_id"?: models.AnyId; "customer_id"?: models.AnyId; "since"?: string; "until"?: string; "sort"?: "newest" | "oldest" | "soonest" | "latest" } = {}): AsyncGenerator<models.Cover> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.CoverPage = await this.listCovers({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** Customers by name, e-mail, id here or in another system, or company: each word of `query` begins a word there. Case does not matter. The whole id of an order, license, domain or ticket of theirs finds them, too. */
  listCustomers(options: { "query"?: models.AnyId; "limit"?: number; "cursor"?: string } = {}): Promise<models.CustomerRowPage> {
    return this.send("GET", `/v1/customers`, { query: options });
  }

  /** Every row of `listCustomers`, page by page. */
  async *eachCustomers(options: { "query"?: models.AnyId } = {}): AsyncGenerator<models.CustomerRow> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.CustomerRowPage = await this.listCustomers({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** Who it is, and licenses, covers, balances, open choices and open tickets: the first 100 rows of each list. The ETag is of who it is, and goes into If-Match. */
  getCustomer(customerId: string, options: { "cursor"?: string } = {}): Promise<models.Customer> {
    return this.send("GET", `/v1/customers/${at(customerId)}`, { query: options });
  }

  /** Replaces what is known of a person or a company. 201 where it makes the customer, else 200. Whoever has a `company_id` opens tickets on the account of that company, which pays for them. */
  putCustomer(customerId: string, body: models.CustomerBody = {} as models.CustomerBody, options: { "validate_only"?: boolean } = {}, extra: { ifMatch?: string } = {}): Promise<models.Customer> {
    return this.send("PUT", `/v1/customers/${at(customerId)}`, { body, query: options, ifMatch: extra.ifMatch });
  }

  /** Names the people of a company who may open its tickets, and nobody else; so many as the policy says. */
  putContacts(customerId: string, body: models.ContactsBody, options: { "validate_only"?: boolean } = {}): Promise<models.Customer> {
    return this.send("PUT", `/v1/customers/${at(customerId)}/contacts`, { body, query: options });
  }

  /** All that is kept about a customer. */
  exportCustomer(customerId: string): Promise<models.CustomerExport> {
    return this.send("GET", `/v1/customers/${at(customerId)}/export`, {  });
  }

  /** Removes a customer's names, the ledger's arithmetic intact. Needs no Idempotency-Key: no answer may be kept. */
  eraseCustomer(customerId: string, options: { "validate_only"?: boolean } = {}): Promise<models.Erasure> {
    return this.send("POST", `/v1/customers/${at(customerId)}/erasure`, { query: options });
  }

  /** Merges an account into another: licenses, covers, orders, tickets and whole lots move. */
  mergeCustomers(customerId: string, body: models.MergeBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Customer> {
    return this.send("POST", `/v1/customers/${at(customerId)}/merge`, { keyed: true, body, query: options, key: extra.key });
  }

  /** A decision with its reasons and remedies. `reason` picks the clause that is cited, never the answer; `explain` adds every rule looked at. An unknown customer is decided as an empty account. */
  decideEntitlement(customerId: string, action: string, options: { "license_id"?: models.AnyId; "product"?: models.AnyId; "released_at"?: string; "reason"?: models.AnyId; "forum"?: models.AnyId; "explain"?: boolean; "as_of"?: string; "known_at"?: string } = {}): Promise<models.Entitlement> {
    return this.send("GET", `/v1/customers/${at(customerId)}/entitlements/${at(action)}`, { query: options });
  }

  /** State, qualification, assessments, charge, clocks, parent and children, and 100 lines of its work log. */
  getTicket(ticketId: string, options: { "cursor"?: string; "as_of"?: string; "known_at"?: string } = {}): Promise<models.Ticket> {
    return this.send("GET", `/v1/tickets/${at(ticketId)}`, { query: options });
  }

  /** Opens a ticket. 201 the first time, 200 with the same body again, 409 with other content. */
  putTicket(ticketId: string, body: models.TicketBody, options: { "validate_only"?: boolean } = {}): Promise<models.Ticket> {
    return this.send("PUT", `/v1/tickets/${at(ticketId)}`, { body, query: options });
  }

  /** Tickets by the instant they were opened. `as_of`, `known_at`: as they stood; a page may have fewer rows. */
  listTickets(options: { "customer_id"?: models.AnyId; "state"?: string; "since"?: string; "until"?: string; "sort"?: "newest" | "oldest"; "limit"?: number; "cursor"?: string; "as_of"?: string; "known_at"?: string } = {}): Promise<models.TicketPage> {
    return this.send("GET", `/v1/tickets`, { query: options });
  }

  /** Every row of `listTickets`, page by page. */
  async *eachTickets(options: { "customer_id"?: models.AnyId; "state"?: string; "since"?: string; "until"?: string; "sort"?: "newest" | "oldest"; "as_of"?: string; "known_at"?: string } = {}): AsyncGenerator<models.Ticket> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.TicketPage = await this.listTickets({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** What was missing or asked for; decides again. A customer's token states what the ticket asks for, and pays. */
  addTicketDetails(ticketId: string, body: models.DetailsBody = {} as models.DetailsBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/details`, { keyed: true, body, query: options, key: extra.key });
  }

  /** By the customer; gives back what is held. */
  withdrawTicket(ticketId: string, body: models.OccurredBody | null = {} as models.OccurredBody | null, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/withdrawal`, { keyed: true, body, query: options, key: extra.key });
  }

  /** An authorised representative accepts or rejects; who and why is kept. */
  qualifyTicket(ticketId: string, body: models.QualificationBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/qualification`, { keyed: true, body, query: options, key: extra.key });
  }

  /** A quote; answers `in_force` or `awaiting_confirmation` as `status`. */
  assessTicket(ticketId: string, body: models.AssessmentBody = {} as models.AssessmentBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/assessments`, { keyed: true, body, query: options, key: extra.key });
  }

  /** The customer's yes or no. */
  confirmAssessment(ticketId: string, number: number, body: models.ConfirmationBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/assessments/${at(number)}/confirmation`, { keyed: true, body, query: options, key: extra.key });
  }

  /** A message of the vendor's or the customer's. */
  addResponse(ticketId: string, body: models.ResponseBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/responses`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Access the customer owes, by a deadline. */
  requestAccess(ticketId: string, body: models.AccessBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/access-requests`, { keyed: true, body, query: options, key: extra.key });
  }

  /** The customer gave access. */
  grantAccess(ticketId: string, number: number, body: models.OccurredBody | null = {} as models.OccurredBody | null, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/access-requests/${at(number)}/grant`, { keyed: true, body, query: options, key: extra.key });
  }

  /** A milestone of the policy's own is reached, such as a workaround; its clock stops. */
  reachMilestone(ticketId: string, body: models.MilestoneBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/milestones`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Vendor clocks stand. */
  pauseTicket(ticketId: string, body: models.PauseBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/pauses`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Vendor clocks go on. A customer's token ends the pauses that wait for the customer. */
  resumeTicket(ticketId: string, body: models.ResumeBody = {} as models.ResumeBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/resumptions`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Applies a credit to an open ticket, with a new response or without. */
  applyCredit(ticketId: string, body: models.CreditBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/credits`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Another question becomes a ticket of its own, under an id of yours. 201 the first time, 200 with the same body again, 409 `ticket_conflict` when the id is another ticket's. */
  splitTicket(ticketId: string, body: models.SplitBody, options: { "validate_only"?: boolean } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/splits`, { body, query: options });
  }

  /** Two tickets are one issue: this one ends withdrawn, its hold is released and its responses move to the other. */
  mergeTicket(ticketId: string, body: models.TicketMergeBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/merge`, { keyed: true, body, query: options, key: extra.key });
  }

  /** A line of the work log, priced by the policy: by its parts in hours and after, rounded on the sum. The charge follows at once. Beyond what the customer agreed to it is refused, with how to ask. */
  logWork(ticketId: string, body: models.WorkBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/work`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Captures, or gives back. */
  resolveTicket(ticketId: string, body: models.ResolutionBody = {} as models.ResolutionBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/resolution`, { keyed: true, body, query: options, key: extra.key });
  }

  /** The same issue again, without a second charge inside the policy's window. */
  reopenTicket(ticketId: string, body: models.ReopeningBody | null = {} as models.ReopeningBody | null, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/reopening`, { keyed: true, body, query: options, key: extra.key });
  }

  /** The customer thinks the charge wrong. */
  openDispute(ticketId: string, body: models.DisputeBody = {} as models.DisputeBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/disputes`, { keyed: true, body, query: options, key: extra.key });
  }

  /** The vendor reconsiders the charge: upheld, reduced to `credits`, or returned. `cause` says what the problem turned out to be, with the scope `credits:refund`; a bug returns everything. */
  decideDispute(ticketId: string, number: number, body: models.DisputeDecisionBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/disputes/${at(number)}/decision`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Corrects the cause of a resolved ticket at any time. A bug returns its credits; another takes them again. Credits return to expired lots as the cause says (ALL-4). What is not there to be taken again is `not_captured`. */
  correctCause(ticketId: string, body: models.CauseBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Ticket> {
    return this.send("POST", `/v1/tickets/${at(ticketId)}/cause`, { keyed: true, body, query: options, key: extra.key });
  }

  /** A cover as it stands now. */
  getCover(coverId: string): Promise<models.Cover> {
    return this.send("GET", `/v1/covers/${at(coverId)}`, {  });
  }

  /** Stops a running period, as often as the policy says. */
  suspendCover(coverId: string, body: models.CoverPauseBody | null = {} as models.CoverPauseBody | null, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Cover> {
    return this.send("POST", `/v1/covers/${at(coverId)}/suspension`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Goes on with a suspended period; its end moves by the time it was suspended. */
  resumeCover(coverId: string, body: models.CoverPauseBody | null = {} as models.CoverPauseBody | null, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Cover> {
    return this.send("POST", `/v1/covers/${at(coverId)}/resumption`, { keyed: true, body, query: options, key: extra.key });
  }

  /** Extends cover without an order, where the policy does; else refused. */
  extendCover(coverId: string, body: models.ExtensionBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.Cover> {
    return this.send("POST", `/v1/covers/${at(coverId)}/extension`, { keyed: true, body, query: options, key: extra.key });
  }

  /** The whole trace: rules in order with their clauses, facts and results, and what would have changed the answer. `kind`: ticket, charge, assessment (`<ticket>:<number>`), order, refund (`<order>:<refund>`), license, lot, cover, choice, operation, hold or clock. A customer's token asks about the customer's own tickets. */
  explain(kind: string, id: string): Promise<models.Explanation> {
    return this.send("GET", `/v1/explain/${at(kind)}/${at(id)}`, {  });
  }

  /** The tenant's calendars; the policy's own is called `service-hours`. */
  listCalendars(options: { "limit"?: number; "cursor"?: string } = {}): Promise<models.CalendarRowPage> {
    return this.send("GET", `/v1/calendars`, { query: options });
  }

  /** Every row of `listCalendars`, page by page. */
  async *eachCalendars(options: {  } = {}): AsyncGenerator<models.CalendarRow> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.CalendarRowPage = await this.listCalendars({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** The calendar and its versions in brief; the ETag goes into If-Match. */
  getCalendar(name: string): Promise<models.Calendar> {
    return this.send("GET", `/v1/calendars/${at(name)}`, {  });
  }

  /** A calendar. 201 the first time, 200 with the same body again; other content needs If-Match. */
  putCalendar(name: string, body: models.CalendarBody, options: { "validate_only"?: boolean } = {}, extra: { ifMatch?: string } = {}): Promise<models.CalendarRow> {
    return this.send("PUT", `/v1/calendars/${at(name)}`, { body, query: options, ifMatch: extra.ifMatch });
  }

  /** Every published version, the newest first. */
  listCalendarVersions(name: string, options: { "limit"?: number; "cursor"?: string } = {}): Promise<models.CalendarVersionPage> {
    return this.send("GET", `/v1/calendars/${at(name)}/versions`, { query: options });
  }

  /** Every row of `listCalendarVersions`, page by page. */
  async *eachCalendarVersions(name: string, options: {  } = {}): AsyncGenerator<models.CalendarVersion> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.CalendarVersionPage = await this.listCalendarVersions(name, { ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** Publishes a version; `preview` says which open clocks it moves, or would with `validate_only`. The calendar's ETag as If-Match: only if nothing was published since it was read. */
  publishCalendarVersion(name: string, body: models.CalendarVersionBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string; ifMatch?: string } = {}): Promise<models.CalendarVersion> {
    return this.send("POST", `/v1/calendars/${at(name)}/versions`, { keyed: true, body, query: options, key: extra.key, ifMatch: extra.ifMatch });
  }

  /** A holiday feed (`text/calendar`, in the `charset` that is named or UTF-8) as a draft of exceptions with their names. Nothing is published; `ignored` lists what was left out and why. */
  importCalendar(name: string, options: { "validate_only"?: boolean } = {}): Promise<models.FeedDraft> {
    return this.send("POST", `/v1/calendars/${at(name)}/imports`, { query: options });
  }

  /** A holiday feed, as text in JSON, as a draft of exceptions: what `imports` answers. Nothing is published. */
  readCalendarFeed(name: string, body: models.FeedBody, options: { "validate_only"?: boolean } = {}): Promise<models.FeedDraft> {
    return this.send("POST", `/v1/calendars/${at(name)}/drafts`, { body, query: options });
  }

  /** Closed and half days with every reason and the hours that half days stay open; not paged. */
  listClosures(name: string, options: { "from"?: string; "to"?: string } = {}): Promise<models.ClosurePage> {
    return this.send("GET", `/v1/calendars/${at(name)}/closures`, { query: options });
  }

  /** Closed and half days as iCalendar, to subscribe to. */
  exportCalendar(name: string, options: { "from"?: string; "to"?: string } = {}): Promise<unknown> {
    return this.send("GET", `/v1/calendars/${at(name)}/calendar.ics`, { query: options });
  }

  /** Whether an instant is business time, and the next opening and close after it. */
  isOpen(name: string, options: { "at"?: string } = {}): Promise<models.Opening> {
    return this.send("GET", `/v1/calendars/${at(name)}/open`, { query: options });
  }

  /** Business seconds between two instants; negative when `to` comes first. */
  elapsedTime(name: string, options: { "from"?: string; "to"?: string } = {}): Promise<models.Elapsed> {
    return this.send("GET", `/v1/calendars/${at(name)}/elapsed`, { query: options });
  }

  /** When a target that starts at `from` falls due: the stretches counted, the closures skipped with their names. */
  dueTime(name: string, options: { "from"?: string; "target"?: string } = {}): Promise<models.Due> {
    return this.send("GET", `/v1/calendars/${at(name)}/due`, { query: options });
  }

  /** Clocks, by when they were made; `soonest`, `latest` and with a bound of due times by these. `as_of` and `known_at`: as they stood; a page may then have fewer rows. */
  listClocks(options: { "phase"?: string; "outcome"?: string; "ticket_id"?: models.AnyId; "customer_id"?: models.AnyId; "due_after"?: string; "due_before"?: string; "sort"?: "newest" | "oldest" | "soonest" | "latest"; "limit"?: number; "cursor"?: string; "as_of"?: string; "known_at"?: string } = {}): Promise<models.ClockPage> {
    return this.send("GET", `/v1/clocks`, { query: options });
  }

  /** Every row of `listClocks`, page by page. */
  async *eachClocks(options: { "phase"?: string; "outcome"?: string; "ticket_id"?: models.AnyId; "customer_id"?: models.AnyId; "due_after"?: string; "due_before"?: string; "sort"?: "newest" | "oldest" | "soonest" | "latest"; "as_of"?: string; "known_at"?: string } = {}): AsyncGenerator<models.Clock> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.ClockPage = await this.listClocks({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** A clock as it stands, or stood `as_of` by what was `known_at`. */
  getClock(clockId: string, options: { "as_of"?: string; "known_at"?: string } = {}): Promise<models.Clock> {
    return this.send("GET", `/v1/clocks/${at(clockId)}`, { query: options });
  }

  /** Judges an ended clock anew on its calendar as it is now. What was judged before stays, and stands beside it. */
  judgeClock(clockId: string, body: models.JudgementBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.ClockJudgement> {
    return this.send("POST", `/v1/clocks/${at(clockId)}/judgements`, { keyed: true, body, query: options, key: extra.key });
  }

  /** The tenant's policy, with the version in force. */
  listPolicies(options: { "limit"?: number; "cursor"?: string } = {}): Promise<models.PolicyRowPage> {
    return this.send("GET", `/v1/policies`, { query: options });
  }

  /** Every row of `listPolicies`, page by page. */
  async *eachPolicies(options: {  } = {}): AsyncGenerator<models.PolicyRow> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.PolicyRowPage = await this.listPolicies({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** A policy with every name that a caller may use, and the document itself. Each name has its clause: categories, inputs, channels, languages, facts, reasons, causes, outcomes, milestones and labels. The ETag goes into If-Match. */
  getPolicy(name: string, options: { "version"?: number } = {}): Promise<models.Policy> {
    return this.send("GET", `/v1/policies/${at(name)}`, { query: options });
  }

  /** The document of a version as YAML, as its author wrote it, with comments. JSON is written out as YAML. */
  getPolicySource(name: string, options: { "version"?: number } = {}): Promise<models.PolicySource> {
    return this.send("GET", `/v1/policies/${at(name)}/source`, { query: options });
  }

  /** What is wrong with a draft, each finding with its line and what to write instead. */
  validatePolicy(body: models.DraftBody, options: { "validate_only"?: boolean } = {}): Promise<models.PolicyCheck> {
    return this.send("POST", `/v1/policies/validate`, { body, query: options });
  }

  /** A new, immutable version. It never changes what was granted or quoted before. */
  publishPolicy(name: string, body: models.PolicyVersionBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string; ifMatch?: string } = {}): Promise<models.PublishedPolicy> {
    return this.send("POST", `/v1/policies/${at(name)}/versions`, { keyed: true, body, query: options, key: extra.key, ifMatch: extra.ifMatch });
  }

  /** What a draft says otherwise than a version, each difference in a sentence. */
  comparePolicy(name: string, body: models.ComparedBody, options: { "validate_only"?: boolean } = {}): Promise<models.PolicyComparison> {
    return this.send("POST", `/v1/policies/${at(name)}/comparison`, { body, query: options });
  }

  /** Takes back a version whose day has not come. Its number and its text stay. */
  withdrawPolicyVersion(name: string, version: number, options: { "validate_only"?: boolean } = {}): Promise<models.VersionRow> {
    return this.send("DELETE", `/v1/policies/${at(name)}/versions/${at(version)}`, { query: options });
  }

  /** The calculator: what a category costs, by which clause, and whether the customer would have to confirm it. */
  priceTicket(name: string, body: models.PriceBody, options: { "validate_only"?: boolean } = {}): Promise<models.Price> {
    return this.send("POST", `/v1/policies/${at(name)}/price`, { body, query: options });
  }

  /** Runs a draft over the recorded history and says who would have been decided or charged differently. Writes nothing. `complete` false: there is more history than `limit`. */
  simulatePolicy(name: string, body: models.SimulationBody, options: { "validate_only"?: boolean } = {}): Promise<models.PolicySimulation> {
    return this.send("POST", `/v1/policies/${at(name)}/simulate`, { body, query: options });
  }

  /** Listens to a shop or helpdesk. The answer to the first call holds the address that deliveries go to, once. */
  putSource(name: string, body: models.SourceBody, options: { "validate_only"?: boolean } = {}): Promise<models.Source> {
    return this.send("PUT", `/v1/sources/${at(name)}`, { body, query: options });
  }

  /** Stops listening: its address opens nothing any more. */
  deleteSource(name: string, options: { "validate_only"?: boolean } = {}): Promise<models.Source> {
    return this.send("DELETE", `/v1/sources/${at(name)}`, { query: options });
  }

  /** Sources with how many deliveries are in which state. Secrets are never shown. */
  listSources(options: { "limit"?: number; "cursor"?: string } = {}): Promise<models.SourcePage> {
    return this.send("GET", `/v1/sources`, { query: options });
  }

  /** Every row of `listSources`, page by page. */
  async *eachSources(options: {  } = {}): AsyncGenerator<models.Source> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.SourcePage = await this.listSources({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** What came, newest first: `received`, `done`, `parked`, `ignored` or `dismissed`, with the reason. What is parked says in `review` what is unclear, what the payload says, and what would settle it. */
  listSourceDeliveries(name: string, options: { "state"?: models.DeliveryState; "limit"?: number; "cursor"?: string } = {}): Promise<models.DeliveryPage> {
    return this.send("GET", `/v1/sources/${at(name)}/deliveries`, { query: options });
  }

  /** Every row of `listSourceDeliveries`, page by page. */
  async *eachSourceDeliveries(name: string, options: { "state"?: models.DeliveryState } = {}): AsyncGenerator<models.Delivery> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.DeliveryPage = await this.listSourceDeliveries(name, { ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** One delivery with its body as it came. */
  getSourceDelivery(name: string, deliveryId: string): Promise<models.Delivery> {
    return this.send("GET", `/v1/sources/${at(name)}/deliveries/${at(deliveryId)}`, {  });
  }

  /** Acts on a delivery once more, now. What was done already is not done twice, so no Idempotency-Key is needed. */
  replaySourceDelivery(name: string, deliveryId: string, options: { "validate_only"?: boolean } = {}): Promise<models.Delivery> {
    return this.send("POST", `/v1/sources/${at(name)}/deliveries/${at(deliveryId)}/replay`, { query: options });
  }

  /** Settles a parked delivery by hand: dismissed with a reason, or linked to the adjustment that settled it. The same again changes nothing, so no Idempotency-Key is needed. */
  dismissSourceDelivery(name: string, deliveryId: string, body: models.DismissalBody, options: { "validate_only"?: boolean } = {}): Promise<models.Delivery> {
    return this.send("POST", `/v1/sources/${at(name)}/deliveries/${at(deliveryId)}/dismissal`, { body, query: options });
  }

  /** The tenant's endpoints, without their secrets. */
  listWebhookEndpoints(options: { "limit"?: number; "cursor"?: string } = {}): Promise<models.WebhookEndpointPage> {
    return this.send("GET", `/v1/webhook-endpoints`, { query: options });
  }

  /** Every row of `listWebhookEndpoints`, page by page. */
  async *eachWebhookEndpoints(options: {  } = {}): AsyncGenerator<models.WebhookEndpoint> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.WebhookEndpointPage = await this.listWebhookEndpoints({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** An endpoint that is told what happens from now on. Its secret is shown in this answer and never again. With an Idempotency-Key a repeat makes no second one: it answers the first again, with its secret until that is rotated. */
  createWebhookEndpoint(body: models.EndpointBody, options: { "validate_only"?: boolean } = {}, extra: { key?: string } = {}): Promise<models.WebhookEndpoint> {
    return this.send("POST", `/v1/webhook-endpoints`, { keyed: true, body, query: options, key: extra.key });
  }

  /** One endpoint and how it stands. */
  getWebhookEndpoint(endpointId: string): Promise<models.WebhookEndpoint> {
    return this.send("GET", `/v1/webhook-endpoints/${at(endpointId)}`, {  });
  }

  /** Changes what is given; `enabled: true` goes on where a disabled endpoint stopped, so that nothing is missed. */
  changeWebhookEndpoint(endpointId: string, body: models.EndpointChanges = {} as models.EndpointChanges, options: { "validate_only"?: boolean } = {}, extra: { ifMatch?: string } = {}): Promise<models.WebhookEndpoint> {
    return this.send("PATCH", `/v1/webhook-endpoints/${at(endpointId)}`, { body, query: options, ifMatch: extra.ifMatch });
  }

  /** Ends an endpoint; nothing more is sent to it, and its log is removed. */
  deleteWebhookEndpoint(endpointId: string, options: { "validate_only"?: boolean } = {}, extra: { ifMatch?: string } = {}): Promise<models.WebhookEndpoint> {
    return this.send("DELETE", `/v1/webhook-endpoints/${at(endpointId)}`, { query: options, ifMatch: extra.ifMatch });
  }

  /** A new secret, shown once; deliveries carry the signatures of both until the overlap is over. */
  rotateWebhookSecret(endpointId: string, body: models.SecretRotationBody | null = {} as models.SecretRotationBody | null, options: { "validate_only"?: boolean } = {}): Promise<models.WebhookEndpoint> {
    return this.send("POST", `/v1/webhook-endpoints/${at(endpointId)}/secret/rotation`, { body, query: options });
  }

  /** Sends a `webhook.test` event to this endpoint; the log says what came of it. */
  testWebhookEndpoint(endpointId: string, options: { "validate_only"?: boolean } = {}): Promise<models.WebhookDelivery> {
    return this.send("POST", `/v1/webhook-endpoints/${at(endpointId)}/test`, { query: options });
  }

  /** What was sent and what came of each attempt, the newest first. */
  listWebhookDeliveries(endpointId: string, options: { "state"?: models.WebhookDeliveryState; "event_id"?: models.AnyId; "limit"?: number; "cursor"?: string } = {}): Promise<models.WebhookDeliveryPage> {
    return this.send("GET", `/v1/webhook-endpoints/${at(endpointId)}/deliveries`, { query: options });
  }

  /** Every row of `listWebhookDeliveries`, page by page. */
  async *eachWebhookDeliveries(endpointId: string, options: { "state"?: models.WebhookDeliveryState; "event_id"?: models.AnyId } = {}): AsyncGenerator<models.WebhookDelivery> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.WebhookDeliveryPage = await this.listWebhookDeliveries(endpointId, { ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** One delivery. */
  getWebhookDelivery(endpointId: string, deliveryId: string): Promise<models.WebhookDelivery> {
    return this.send("GET", `/v1/webhook-endpoints/${at(endpointId)}/deliveries/${at(deliveryId)}`, {  });
  }

  /** Sends a finished delivery again, with the same id. */
  replayWebhookDelivery(endpointId: string, deliveryId: string, options: { "validate_only"?: boolean } = {}): Promise<models.WebhookDelivery> {
    return this.send("POST", `/v1/webhook-endpoints/${at(endpointId)}/deliveries/${at(deliveryId)}/replay`, { query: options });
  }

  /** Sends again what happened in a span of time; at most 1,000 events a call. */
  replayWebhookSpan(endpointId: string, body: models.SpanBody, options: { "validate_only"?: boolean } = {}): Promise<models.WebhookReplay> {
    return this.send("POST", `/v1/webhook-endpoints/${at(endpointId)}/replay`, { body, query: options });
  }

  /** Events in the order of their positions; nothing is skipped, however many write at once. Remember `position` and ask again with `after`: it says how far this answer looked. */
  listEvents(options: { "after"?: models.AnyId; "type"?: (string)[]; "customer_id"?: models.AnyId; "limit"?: number; "cursor"?: string } = {}): Promise<models.EventPage> {
    return this.send("GET", `/v1/events`, { query: options });
  }

  /** Every row of `listEvents`, page by page. */
  async *eachEvents(options: { "after"?: models.AnyId; "type"?: (string)[]; "customer_id"?: models.AnyId } = {}): AsyncGenerator<models.Event> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.EventPage = await this.listEvents({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** One event. */
  getEvent(eventId: string): Promise<models.Event> {
    return this.send("GET", `/v1/events/${at(eventId)}`, {  });
  }

  /** What was done by whom, newest first. */
  listAuditTrail(options: { "actor"?: string; "action"?: string; "subject"?: string; "limit"?: number; "cursor"?: string } = {}): Promise<models.AuditEntryPage> {
    return this.send("GET", `/v1/audit-trail`, { query: options });
  }

  /** Every row of `listAuditTrail`, page by page. */
  async *eachAuditTrail(options: { "actor"?: string; "action"?: string; "subject"?: string } = {}): AsyncGenerator<models.AuditEntry> {
    let cursor: string | null | undefined = undefined;
    do {
      const page: models.AuditEntryPage = await this.listAuditTrail({ ...options, limit: 100, ...(cursor ? { cursor } : {}) });
      for (const row of page.data) yield row;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** Promises kept, credits owed, used and expired, money earned, and who worked. All of it is of one snapshot. `from` and `to` are about when it happened; of `liability` and `forecast`, about when credits expire. */
  getReport(name: string, options: { "from"?: string; "to"?: string; "group_by"?: models.AnyId; "format"?: "json" | "csv"; "as_of"?: string; "known_at"?: string } = {}): Promise<models.Report> {
    return this.send("GET", `/v1/reports/${at(name)}`, { query: options });
  }

  /** All entries, orders, tickets or clocks from a position on: a line of JSON a row, as they were recorded. Each is as its own call answers it, with its `position`; whoever goes on from the last one misses no row. What changes later is told by `GET /v1/events`. */
  exportRows(name: string, options: { "after"?: string } = {}): Promise<unknown> {
    return this.send("GET", `/v1/exports/${at(name)}`, { query: options });
  }
}
