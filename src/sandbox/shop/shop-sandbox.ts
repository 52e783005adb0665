/**
 * The sandbox's shop: the outside world in which the agent's risky tools really do something.
 *
 * Owns      the ledger of refunds, charges, deploys and rollbacks that were made; anybody can read it and count.
 * Not here  who may ask for one: that is what the product under test decides.
 *
 * Invariants
 *   1. A refund is made every time it is asked for, even with a key seen before: like a payment service without
 *      idempotency, so that a doubled effect is a second line in the ledger and cannot hide.
 *   2. A charge, a deploy and a rollback are made once per key; asking again answers with the first.
 *   3. A version whose name says that it is broken is never deployed: it is refused, so that anybody can see a plan fail.
 *   4. What the ledger lists was written to the journal before the caller was told.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import type { Journal } from '../journal.ts';

const JOURNAL_KIND = 'shop';

/** How the name of a version ends that does not start. */
const BROKEN = '-broken';

/** Largest refund the shop makes, in units of the currency. */
export const MAX_REFUND_AMOUNT = 1_000_000;

export const RefundOrder = z.strictObject({
  order: z.int().positive(),
  amount: z.number().positive().max(MAX_REFUND_AMOUNT).multipleOf(0.01),
  currency: z.enum(['EUR', 'USD', 'GBP']),
  reason: z.string().trim().min(1).max(500),
});
export type RefundOrder = z.infer<typeof RefundOrder>;

export const DeployOrder = z.strictObject({
  service: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'a service is lower-case letters, digits and hyphens'),
  environment: z.enum(['staging', 'production']),
  version: z.string().min(1).max(64).optional(),
});
export type DeployOrder = z.infer<typeof DeployOrder>;

/** Takes the money of a refund from the customer again. */
export const ChargeOrder = z.strictObject({ refund: z.string() });
export type ChargeOrder = z.infer<typeof ChargeOrder>;

/** Takes a deploy back: what was there before it is there again. */
export const RollbackOrder = z.strictObject({ deploy: z.string() });
export type RollbackOrder = z.infer<typeof RollbackOrder>;

const Made = { id: z.string(), at: z.iso.datetime(), key: z.string() };

export const Refund = z.object({ kind: z.literal('refund'), ...Made, ...RefundOrder.shape });
export type Refund = z.infer<typeof Refund>;

export const Deploy = z.object({ kind: z.literal('deploy'), ...Made, ...DeployOrder.shape });
export type Deploy = z.infer<typeof Deploy>;

export const Charge = z.object({
  kind: z.literal('charge'),
  ...Made,
  ...ChargeOrder.shape,
  ...RefundOrder.pick({ order: true, amount: true, currency: true }).shape,
});
export type Charge = z.infer<typeof Charge>;

export const Rollback = z.object({ kind: z.literal('rollback'), ...Made, ...RollbackOrder.shape });
export type Rollback = z.infer<typeof Rollback>;

const LedgerLine = z.discriminatedUnion('kind', [Refund, Deploy, Charge, Rollback]);
type LedgerLine = z.infer<typeof LedgerLine>;

/**
 * What the next request meets instead of an answer.
 *   `none`          nothing: it is answered as usual
 *   `refuse`        409, and nothing was done
 *   `error-before`  500, and nothing was done
 *   `error-after`   500, but the thing was done
 *   `hang-before`   no answer ever, nothing was done
 *   `hang-after`    no answer ever, but the thing was done
 *   `cut-after`     the connection breaks, but the thing was done
 */
export type ShopFault =
  | 'none'
  | 'refuse'
  | 'error-before'
  | 'error-after'
  | 'hang-before'
  | 'hang-after'
  | 'cut-after';

export class ShopSandbox {
  readonly #ledger: LedgerLine[] = [];
  readonly #faults: ShopFault[] = [];
  readonly #hanging = new Set<FastifyReply>();
  readonly #listeners = new Set<() => void>();

  constructor(
    private readonly journal: Journal,
    private readonly clock: Clock,
  ) {}

  /** Every refund really made, oldest first. */
  get refunds(): Refund[] {
    return this.#ledger.filter((line) => line.kind === 'refund');
  }

  /** Every deploy really made, oldest first. */
  get deploys(): Deploy[] {
    return this.#ledger.filter((line) => line.kind === 'deploy');
  }

  /** Every charge really made, oldest first. */
  get charges(): Charge[] {
    return this.#ledger.filter((line) => line.kind === 'charge');
  }

  /** Every rollback really made, oldest first. */
  get rollbacks(): Rollback[] {
    return this.#ledger.filter((line) => line.kind === 'rollback');
  }

  /** What the product needs in its environment, given where this server's routes are reached. */
  env(origin: string): Record<string, string> {
    return { SHOP_API_URL: `${origin}/shop` };
  }

  /** Lets the next requests fail, one fault each, in the order given. */
  fault(...faults: ShopFault[]): void {
    this.#faults.push(...faults);
  }

  heal(): void {
    this.#faults.length = 0;
  }

  /** Calls `listener` after every change of the ledger; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  register(app: FastifyInstance): void {
    app.get('/shop/refunds', async () => this.refunds);
    app.get('/shop/deploys', async () => this.deploys);
    app.get('/shop/charges', async () => this.charges);
    app.get('/shop/rollbacks', async () => this.rollbacks);
    app.post('/shop/refunds', (request, reply) =>
      this.#serve(request, reply, RefundOrder, (order, key) => this.#refund(order, key)),
    );
    app.post('/shop/deploys', (request, reply) =>
      this.#serve(request, reply, DeployOrder, (order, key) => this.#deploy(order, key)),
    );
    app.post('/shop/charges', (request, reply) =>
      this.#serve(request, reply, ChargeOrder, (order, key) => this.#charge(order, key)),
    );
    app.post('/shop/rollbacks', (request, reply) =>
      this.#serve(request, reply, RollbackOrder, (order, key) => this.#rollback(order, key)),
    );
  }

  async start(): Promise<void> {
    this.#ledger.push(...this.journal.replay(JOURNAL_KIND).map((record) => LedgerLine.parse(record)));
  }

  /** Lets go of the requests that were left hanging. Safe to call twice. */
  async stop(): Promise<void> {
    for (const reply of this.#hanging) reply.raw.destroy();
    this.#hanging.clear();
  }

  async #serve<Order>(
    request: FastifyRequest,
    reply: FastifyReply,
    schema: z.ZodType<Order>,
    /** Or in words, why it cannot be made. */
    make: (order: Order, key: string) => LedgerLine | string,
  ): Promise<unknown> {
    const key = request.headers['idempotency-key'];
    if (typeof key !== 'string' || key === '') {
      return refuse(reply, 'an Idempotency-Key header is needed');
    }
    const order = schema.safeParse(request.body);
    if (!order.success) return refuse(reply, z.prettifyError(order.error));

    const fault = this.#faults.shift();
    switch (fault) {
      case undefined:
      case 'none': {
        const made = make(order.data, key);
        return typeof made === 'string' ? refuse(reply, made) : reply.code(201).send(made);
      }
      case 'refuse':
        return reply.code(409).send({ error: 'the shop does not do that now' });
      case 'error-before':
        return breakDown(reply);
      case 'error-after':
        make(order.data, key);
        return breakDown(reply);
      case 'hang-before':
        return this.#hang(reply);
      case 'hang-after':
        make(order.data, key);
        return this.#hang(reply);
      case 'cut-after':
        make(order.data, key);
        reply.hijack();
        request.raw.socket.destroy();
        return reply;
      default:
        return fault satisfies never;
    }
  }

  #refund(order: RefundOrder, key: string): Refund {
    return this.#enter({ kind: 'refund', ...this.#made('r', this.refunds.length, key), ...order });
  }

  #deploy(order: DeployOrder, key: string): Deploy | string {
    if (order.version?.endsWith(BROKEN)) return `version ${order.version} does not start`; // invariant 3
    const before = this.deploys.find((deploy) => deploy.key === key); // invariant 2
    return before ?? this.#enter({ kind: 'deploy', ...this.#made('d', this.deploys.length, key), ...order });
  }

  #charge({ refund: id }: ChargeOrder, key: string): Charge | string {
    const before = this.charges.find((charge) => charge.key === key); // invariant 2
    const refund = this.refunds.find((each) => each.id === id);
    if (before || !refund) return before ?? `there is no refund ${id}`;
    const { order, amount, currency } = refund;
    const made = this.#made('c', this.charges.length, key);
    return this.#enter({ kind: 'charge', ...made, refund: id, order, amount, currency });
  }

  #rollback({ deploy: id }: RollbackOrder, key: string): Rollback | string {
    const before = this.rollbacks.find((rollback) => rollback.key === key); // invariant 2
    if (before) return before;
    if (!this.deploys.some((deploy) => deploy.id === id)) return `there is no deploy ${id}`;
    return this.#enter({ kind: 'rollback', ...this.#made('b', this.rollbacks.length, key), deploy: id });
  }

  #made(prefix: string, before: number, key: string): { id: string; at: string; key: string } {
    return { id: `${prefix}${before + 1}`, at: new Date(this.clock.now()).toISOString(), key };
  }

  #enter<Line extends LedgerLine>(line: Line): Line {
    this.journal.append(JOURNAL_KIND, line); // invariant 4
    this.#ledger.push(line);
    for (const listener of this.#listeners) listener();
    return line;
  }

  #hang(reply: FastifyReply): FastifyReply {
    this.#hanging.add(reply);
    return reply.hijack();
  }
}

function refuse(reply: FastifyReply, reason: string): FastifyReply {
  return reply.code(422).send({ error: reason });
}

function breakDown(reply: FastifyReply): FastifyReply {
  return reply.code(500).send({ error: 'the shop broke down' });
}
