/**
 * The two tools that act on the sandbox's shop: `refund`, which must not happen twice, and `deploy`, which may.
 *
 * Both say truthfully what is known afterwards:
 *   refused by the shop, or never sent   an error in the output: nothing was done
 *   sent, but no clear answer            thrown: it may or may not have been done, and nobody here can tell
 *
 * As steps of a plan both can be taken back: a refund by a charge, a deploy by a rollback.
 */
import { z } from 'zod';
import { timeLimit } from '../../domain/time-limit.ts';
import type { Tool, ToolContext, ToolOutput } from '../../domain/tool.ts';
import { Charge, Deploy, DeployOrder, Refund, RefundOrder, Rollback } from './shop-sandbox.ts';

const SHOP_TIMEOUT_MS = 10_000;

/** Failures that happen before a single byte of the request has left. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

/** `baseUrl` is where the shop's routes begin, e.g. `http://127.0.0.1:4100/shop`. */
export function createShopTools(baseUrl: string): Tool[] {
  return [refundTool(baseUrl), deployTool(baseUrl)];
}

function refundTool(baseUrl: string): Tool<typeof RefundOrder> {
  return {
    name: 'refund',
    group: 'automation',
    family: 'shop',
    version: 1,
    description:
      'Pays money of one order back to the customer. It cannot be undone, except in a plan of which a later step fails.',
    input: RefundOrder,
    risk: 'high',
    effect: 'once',
    reversible: false,
    timeoutMs: SHOP_TIMEOUT_MS,
    preview: async ({ order, amount, currency }, { signal }) => {
      const refunds = z.array(Refund).parse(await get(`${baseUrl}/refunds`, signal));
      const charges = z.array(Charge).parse(await get(`${baseUrl}/charges`, signal));
      const sumOf = (lines: readonly (Refund | Charge)[]) =>
        lines
          .filter((line) => line.order === order && line.currency === currency)
          .reduce((sum, line) => sum + line.amount, 0);
      const before = sumOf(refunds) - sumOf(charges);
      const money = (sum: number) => `${sum.toFixed(2)} ${currency}`;
      return {
        changes: [
          { label: `refunded of order ${order}`, before: money(before), after: money(before + amount) },
        ],
        basis: money(before),
      };
    },
    execute: (order, context) =>
      act(`${baseUrl}/refunds`, order, context, (answer) => toRefunded(Refund.parse(answer))),
    compensation: {
      describe: ({ order, amount, currency }) => `charge order ${order} ${amount.toFixed(2)} ${currency}`,
      execute: (_order, receipt, context) =>
        act(`${baseUrl}/charges`, { refund: Receipt.parse(receipt).id }, context, (answer) => {
          const { order, amount, currency, id } = Charge.parse(answer);
          return { text: `Order ${order} was charged ${amount.toFixed(2)} ${currency} (charge ${id}).` };
        }),
    },
    lookUp: async (_order, { idempotencyKey, signal }) => {
      const refunds = z.array(Refund).parse(await get(`${baseUrl}/refunds`, signal));
      const refund = refunds.find(({ key }) => key === idempotencyKey);
      // One that is not there may still be on its way.
      return refund && { status: 'ok', ...toRefunded(refund) };
    },
  };
}

/** What undoing has to know of what was done. */
const Receipt = z.object({ id: z.string() });

function toRefunded({ id, order, amount, currency }: Refund): Done {
  return {
    text: `Order ${order} was refunded ${amount.toFixed(2)} ${currency} (refund ${id}).`,
    receipt: { id },
  };
}

function deployTool(baseUrl: string): Tool<typeof DeployOrder> {
  return {
    name: 'deploy',
    group: 'automation',
    family: 'shop',
    version: 1,
    description: 'Deploys a service to staging or production. An earlier version can be deployed again.',
    input: DeployOrder,
    risk: 'medium',
    effect: 'idempotent',
    reversible: true,
    timeoutMs: SHOP_TIMEOUT_MS,
    preview: async ({ service, environment, version = 'newest' }, { signal }) => {
      const deploys = z.array(Deploy).parse(await get(`${baseUrl}/deploys`, signal));
      const rollbacks = z.array(Rollback).parse(await get(`${baseUrl}/rollbacks`, signal));
      const last = deploys.findLast(
        (deploy) =>
          deploy.service === service &&
          deploy.environment === environment &&
          !rollbacks.some((rollback) => rollback.deploy === deploy.id),
      );
      const before = last ? (last.version ?? 'newest') : 'nothing';
      return {
        changes: [{ label: `${service} in ${environment}`, before, after: version }],
        basis: last ? `deploy ${last.id}` : 'never deployed',
      };
    },
    execute: (order, context) =>
      act(`${baseUrl}/deploys`, order, context, (answer) => {
        const deploy = Deploy.parse(answer);
        const version = deploy.version === undefined ? '' : ` ${deploy.version}`;
        return {
          text: `${deploy.service}${version} is deployed to ${deploy.environment} (deploy ${deploy.id}).`,
          receipt: { id: deploy.id },
        };
      }),
    compensation: {
      describe: ({ service, environment }) =>
        `roll ${service} in ${environment} back to what was there before`,
      execute: ({ service, environment }, receipt, context) =>
        act(`${baseUrl}/rollbacks`, { deploy: Receipt.parse(receipt).id }, context, (answer) => ({
          text: `${service} in ${environment} was rolled back (rollback ${Rollback.parse(answer).id}).`,
        })),
    },
  };
}

async function get(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`the shop answered ${response.status}`);
  return response.json();
}

/** What an answer of the shop comes to. */
type Done = Pick<ToolOutput, 'text' | 'receipt'>;

async function act(
  url: string,
  order: object,
  context: ToolContext,
  read: (answer: unknown) => Done,
): Promise<ToolOutput> {
  const response = await post(url, order, context);
  if ('neverSent' in response) {
    return {
      status: 'error',
      text: `The shop could not be reached (${response.neverSent}). Nothing was done.`,
    };
  }
  if (response.ok) return { status: 'ok', ...read(await response.json()) };

  const reason = await response.text();
  if (response.status < 500) {
    return {
      status: 'error',
      text: `The shop refused with ${response.status}: ${reason}. Nothing was done.`,
    };
  }
  // A server that breaks may have acted before it broke.
  throw new Error(`the shop answered ${response.status}, so it is not known whether it acted: ${reason}`);
}

async function post(
  url: string,
  order: object,
  context: ToolContext,
): Promise<Response | { neverSent: string }> {
  context.signal.throwIfAborted();
  try {
    return await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': context.idempotencyKey },
      body: JSON.stringify(order),
      signal: AbortSignal.any([context.signal, timeLimit(SHOP_TIMEOUT_MS)]),
    });
  } catch (error) {
    const code = failureCode(error);
    if (NEVER_SENT.has(code)) return { neverSent: code };
    const sentence = `the shop was asked and did not answer (${code}), so it is not known whether it acted`;
    throw new Error(sentence, { cause: error });
  }
}

/** The system's code for a failed fetch (`ECONNRESET`), or the name of what ended it (`TimeoutError`). */
function failureCode(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof Error ? cause.name : 'unknown';
}
