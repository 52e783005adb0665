/**
 * What a button or a form of ours carries back: which request, what of it was shown, and what was chosen. Pure.
 *
 * Invariants
 *   1. The text alone says it all, so a card sent before a restart, or an update, works after it.
 *   2. It decides nothing: who pressed, and whether the card is still current, is judged by the core.
 */
import { z } from 'zod';
import { ApprovalId } from '../../src/domain/ids.ts';

/** Longest custom id, in characters (docs.discord.com, Component Reference). */
const MAX_CUSTOM_ID_CHARS = 100;

const CODE_OF = {
  approve: 'a',
  deny: 'd',
  'deny-with-reason': 'r',
  answer: 'w',
  ask: 'q',
  edit: 'e',
  always: 'l',
  option: 'o',
  happened: 'h',
  'did-not-happen': 'n',
  retry: 'g',
} as const;

export type Pressed = keyof typeof CODE_OF;

export interface CardStamp {
  readonly pressed: Pressed;
  readonly approvalId: ApprovalId;
  readonly gen: number;
  readonly digest: string;
  /** Of a button: which of the options it stands for. A menu says it beside its id. */
  readonly option?: string | undefined;
}

/** `signalbox|a|apr_p7_0123456789ab|1|<digest>`. Throws when the digest is longer than a custom id may be. */
export function toCustomId({ pressed, approvalId, gen, digest, option }: CardStamp): string {
  const parts = ['signalbox', CODE_OF[pressed], approvalId, gen, digest];
  const id = [...parts, ...(option === undefined ? [] : [option])].join('|');
  if (id.length > MAX_CUSTOM_ID_CHARS) throw new Error(`a custom id of ${id.length} characters is too long`);
  return id;
}

const Parts = z.tuple([
  z.literal('signalbox'),
  z.enum(Object.values(CODE_OF)),
  ApprovalId,
  z.string().regex(/^\d{1,9}$/),
  z.string().min(1).max(MAX_CUSTOM_ID_CHARS),
  z.string().min(1).max(16).optional(),
]);

/** Undefined when it is none of ours. */
export function parseCustomId(customId: string): CardStamp | undefined {
  const { data } = Parts.safeParse(customId.split('|'));
  if (!data) return undefined;
  const [, code, approvalId, gen, digest, option] = data;
  const stamp = { pressed: PRESSED_OF[code], approvalId, gen: Number(gen), digest };
  if (option === undefined) return stamp;
  return code === CODE_OF.option ? { ...stamp, option } : undefined;
}

/** Of a button that says something: `signalbox|s|/takeover con_p7_0123456789ab`. */
export function toSayId(says: string): string {
  const id = `${SAY_PREFIX}${says}`;
  if (id.length > MAX_CUSTOM_ID_CHARS) throw new Error(`a custom id of ${id.length} characters is too long`);
  return id;
}

/** What such a button says; undefined when it is none of ours. */
export function parseSayId(customId: string): string | undefined {
  return customId.startsWith(SAY_PREFIX) ? customId.slice(SAY_PREFIX.length) : undefined;
}

const SAY_PREFIX = 'signalbox|s|';

const PRESSED_OF = {
  a: 'approve',
  d: 'deny',
  r: 'deny-with-reason',
  w: 'answer',
  q: 'ask',
  e: 'edit',
  l: 'always',
  o: 'option',
  h: 'happened',
  n: 'did-not-happen',
  g: 'retry',
} as const;
