import { describe, expect, it } from 'vitest';
import type { ApprovalStore } from '../../../src/approvals/approval-store.ts';
import { createReplyTokens } from '../../../src/approvals/reply-token.ts';
import { EscalationTrigger } from '../../../src/config/escalation-triggers.ts';
import { BROKEN_OFF, MAY_BE_SENT, NOT_SENT, SENT_IN_PART } from '../../../src/control/sentences.ts';
import { EscalationItem } from '../../../src/delivery/escalation-item.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { RateLimitedError, UndeliverableError } from '../../../src/domain/errors.ts';
import type { Escalation } from '../../../src/domain/escalation/record.ts';
import type { Progress, ProgressUpdate } from '../../../src/domain/gateway.ts';
import { type AccountId, PersonId, Platform } from '../../../src/domain/ids.ts';
import { type Address, requireSayable } from '../../../src/domain/message.ts';
import type { Person } from '../../../src/domain/person.ts';
import type { Directory } from '../../../src/identity/directory.ts';
import type { Claim, KeyedQueue } from '../../../src/mailbox/keyed-queue.ts';
import type { Effect } from '../../../src/redis/effects.ts';
import { DeliveryWorker } from '../../../src/router/delivery-worker.ts';
import type { Reach } from '../../../src/router/reach.ts';
import { anAddress, anApproval, SLACK } from '../../support/approvals.ts';
import { silent } from '../../support/core.ts';

const HOUR_MS = 60 * 60 * 1_000;

const ALEX: Person = { id: PersonId.parse('alex'), name: 'Alex Kim', roles: [], accounts: [], prefers: [] };
const MAIL: Address = { platform: Platform.parse('email'), route: { to: 'alex@corp.test' } };
const ISSUE: Address = { platform: Platform.parse('jira'), route: { issue: 'OPS-1' } };

/** The outbox item in which the requester is told of a text that was refused for good, with these places of theirs. */
async function reportOf(item: object, places: readonly Address[] = [MAIL]): Promise<unknown> {
  const written: Effect[] = [];
  await attempt(
    { requester: 'alex', ...item },
    { ageMs: 0, error: new UndeliverableError(SLACK, 'is_archived'), places, written },
  );
  const outs = written.flatMap((effect) => (effect.kind === 'out' ? [effect.item] : []));
  expect(outs.length).toBeLessThanOrEqual(1);
  return outs[0];
}

/** What becomes of a message its platform refuses with "too fast", this long after it was posted. */
async function fateOf(ageMs: number): Promise<string[]> {
  const written: Effect[] = [];
  const later = await attempt({}, { ageMs, error: new RateLimitedError('slack', 30_000), written });
  return [...written.map(({ kind }) => kind), ...later];
}

interface Circumstances {
  readonly ageMs: number;
  /** What sending it comes to. */
  readonly error: Error;
  readonly progress?: Progress;
  readonly places?: readonly Address[];
  readonly approval?: Approval;
  readonly triggers?: readonly EscalationTrigger[];
  readonly claim?: Partial<Claim>;
  /** What people are called about. */
  readonly escalation?: Escalation;
  /** How often the conversation has changed hands; of several, each time it is asked. */
  readonly epoch?: number | number[];
  /** Items in the dead letters. */
  readonly letters?: readonly string[];
  readonly written: Effect[];
}

async function attempt(
  more: object,
  {
    ageMs,
    error,
    places = [],
    approval,
    escalation,
    triggers = [],
    claim,
    epoch = 0,
    letters = [],
    progress,
    written,
  }: Circumstances,
): Promise<string[]> {
  const fate: string[] = [];
  const queue = {
    commit: async (_claim: Claim, effects: readonly Effect[]) => {
      written.push(...effects);
      return { next: undefined, handed: [] };
    },
    retryLater: async () => {
      fate.push('later');
    },
  } as unknown as KeyedQueue; // all that a delivery uses of it
  const worker = new DeliveryWorker({
    queue,
    gateway: {
      platform: SLACK,
      start: async () => undefined,
      stop: async () => undefined,
      send: async (message) => {
        await requireSayable(message);
        throw error;
      },
      directAddress: (account: AccountId) => ({ platform: SLACK, route: { user: account } }),
      check: async () => [],
      ...(progress ? { progress } : {}),
    },
    approvals: { find: async () => approval } as unknown as ApprovalStore, // all that is asked of it
    controls: {
      epochOf: async () =>
        typeof epoch === 'number' ? epoch : ((epoch.length > 1 ? epoch.shift() : epoch[0]) ?? 0),
    },
    holdOf: async () => undefined,
    escalations: { find: async () => escalation },
    deadLetters: { isKept: async (_partition, isSuch) => letters.some(isSuch) },
    triggers: () => triggers,
    keepTranscriptMs: () => 1,
    directory: { find: () => ALEX, personOf: () => ALEX } as unknown as Directory,
    reach: {
      placesOf: () => places.map((to) => ({ to })),
      tellsEverybody: (platform: Platform) => platform === ISSUE.platform,
    } as unknown as Reach, // of all they do, what a report of a failure asks for
    tokens: createReplyTokens('a secret that is long enough'),
    secrets: { without: (facts) => facts },
    clock: { now: () => ageMs },
    log: silent,
  });
  const item = {
    kind: 'text',
    id: 'i',
    correlation: 'c',
    conversationId: 'slack:1',
    markdown: 'hi',
    atMs: 0,
    ...more,
  };
  await worker.handle(
    {
      queue: 'o.slack',
      partition: 0,
      lane: 'l',
      item: JSON.stringify({ ...item, to: anAddress('slack') }),
      attempt: 1,
      failures: 0,
      entries: [],
      signal: new AbortController().signal,
      ...claim,
    } as unknown as Claim, // its fence and step are for the queue
    'yield',
  );
  return fate;
}

describe('a message the platform always refuses as too fast', () => {
  it('waits its time, and goes to the dead letters after a day, not round for ever', async () => {
    expect(await fateOf(HOUR_MS)).toEqual(['later']);
    expect(await fateOf(25 * HOUR_MS)).toEqual(['dead', 'audit']);
  });
});

describe('a message that cannot be delivered', () => {
  const triggers = [EscalationTrigger.parse({ when: 'dead_letter', raise: 'duty', severity: 'warning' })];

  it('OM-166 calls somebody anew when it fails again after it was retried, and once for each failure', async () => {
    const reportIn = async (claim: Partial<Claim>) => {
      const written: Effect[] = [];
      const error = new UndeliverableError(SLACK, 'is_archived');
      await attempt({}, { ageMs: 0, error, triggers, claim, written });
      const items = written.flatMap((effect) => (effect.kind === 'out' ? [effect.item] : []));
      return items.flatMap((item) => EscalationItem.safeParse(item).data?.id ?? []);
    };

    const first = await reportIn({ fence: '7', step: '1' });

    expect(first).toHaveLength(1);
    expect(await reportIn({ fence: '7', step: '1' })).toEqual(first);
    expect(await reportIn({ fence: '7', step: '2' })).not.toEqual(first);
    expect(await reportIn({ fence: '8', step: '1' })).not.toEqual(first);
  });
});

describe('a card that is refused', () => {
  const { id: approvalId } = anApproval();
  const cardOf = (face: number, copyId = 'lee.slack') => ({
    kind: 'card',
    id: `card:${approvalId}:${copyId}:${face}`,
    approvalId,
    copyId,
    face,
  });
  const fateOfCard = async (item: object, letters: readonly string[]) => {
    const written: Effect[] = [];
    const triggers = [EscalationTrigger.parse({ when: 'dead_letter', raise: 'duty', severity: 'warning' })];
    const error = new UndeliverableError(SLACK, 'is_archived');
    await attempt(item, { ageMs: 0, error, approval: anApproval(), triggers, letters, written });
    return written.map(({ kind }) => kind);
  };

  it('OM-142 is kept once for each place, and calls people once, however often it changes', async () => {
    const kept = [JSON.stringify(cardOf(2))];

    expect(await fateOfCard(cardOf(2, 'conversation'), [])).toEqual(['dead', 'audit', 'out']);
    expect(await fateOfCard(cardOf(3, 'conversation'), kept)).toEqual(['dead', 'audit', 'out']);
    const again = [JSON.stringify(cardOf(2, 'conversation'))];
    expect(await fateOfCard(cardOf(3, 'conversation'), again)).toEqual(['audit']);
  });
});

describe('a call of somebody that cannot be delivered', () => {
  const page = (escalation: string, id: string, epoch = 1) => ({
    id,
    escalation,
    epoch,
    platform: 'slack',
    importance: 'urgent',
    why: 'last',
    markdown: 'Somebody has to look at it.',
    atMs: 0,
  });
  const callOf = (person: string, ...pages: ReturnType<typeof page>[]) => ({
    kind: 'page',
    id: `call:${JSON.stringify(pages)}`,
    correlation: 'c',
    conversationId: `page:${person}`,
    person,
    to: anAddress('slack'),
    pages,
    atMs: 0,
  });
  /** With these kept already, whether it is kept too, and of how many calls its escalation hears that they failed. */
  const keptBeside = async (item: { pages: { epoch: number }[] }, ...kept: object[]) => {
    const { epoch } = item.pages[0]!;
    const written: Effect[] = [];
    const letters = kept.map((each) => JSON.stringify(each));
    const error = new UndeliverableError(SLACK, 'user_not_found');
    const escalation = { epoch } as Escalation; // all that is asked of it
    await attempt(item, { ageMs: 0, error, letters, escalation, written });
    const kinds = written.map(({ kind }) => kind);
    expect(kinds).toContain('audit');
    return [kinds.includes('dead'), kinds.filter((kind) => kind !== 'dead' && kind !== 'audit').length];
  };

  it('E13 OM-142 is kept once, however often it is repeated, and each time the next way is taken', async () => {
    const kept = callOf('alex', page('esc_p1_000000000001', 'p1'));

    expect(await keptBeside(kept)).toEqual([true, 1]);
    expect(await keptBeside(callOf('alex', page('esc_p1_000000000001', 'p2')), kept)).toEqual([false, 1]);
  });

  it('E13 OM-142 is kept beside one of somebody else, elsewhere, about something else or of before', async () => {
    const one = page('esc_p1_000000000001', 'p1');
    const two = page('esc_p1_000000000002', 'p2');
    const kept = callOf('alex', one);

    expect(await keptBeside(callOf('dana', one), kept)).toEqual([true, 1]);
    expect(await keptBeside(callOf('alex', one), { ...kept, to: MAIL })).toEqual([true, 1]);
    expect(await keptBeside(callOf('alex', one, two), kept)).toEqual([true, 2]);
    expect(await keptBeside(callOf('alex', one, two), kept, callOf('alex', two))).toEqual([false, 2]);
    expect(await keptBeside(callOf('alex', page('esc_p1_000000000001', 'p3', 2)), kept)).toEqual([true, 1]);
    expect(await keptBeside(callOf('alex', one), { kind: 'text', about: 'esc_p1_000000000001' })).toEqual([
      true,
      1,
    ]);
  });
});

describe('a text of somebody that cannot be delivered where they asked', () => {
  const here = anAddress('slack');
  const direct: Address = { platform: SLACK, route: { user: 'U0ALEX' } };

  it('OM-142 is told them in private, on another platform if they have one', async () => {
    expect(await reportOf({}, [ISSUE, direct, MAIL])).toMatchObject({ to: MAIL });
    expect(await reportOf({}, [ISSUE, direct])).toMatchObject({ to: direct });
    expect(await reportOf({}, [ISSUE, here])).toBeUndefined();
  });

  it('OM-142 is told them with its files and words, which stay those of the turn they were said in', async () => {
    const files = [{ name: 'a.csv', mediaType: 'text/csv', base64: 'YQ==' }];

    const report = await reportOf({ markdown: 'Refunded.', files, epoch: 3 });

    expect(report).toMatchObject({ id: 'undeliverable:i', files, epoch: 3 });
    expect(report).toHaveProperty('markdown', expect.stringMatching(/is_archived[\s\S]*Refunded\./));
  });

  it('OM-142 is told them though only the account is known that they wrote from', async () => {
    expect(await reportOf({ requester: undefined, saidTo: 'slack:T/U0ALEX' })).toMatchObject({ to: MAIL });
    expect(await reportOf({ requester: undefined })).toBeUndefined();
  });

  it('OM-142 is told them without its words where those were for them alone, on that very account', async () => {
    const code = { kind: 'notice', requester: undefined, onlyFor: 'slack:T/U0ALEX', markdown: 'code 4711' };

    const report = await reportOf(code);

    expect(report).toMatchObject({ to: MAIL });
    expect(JSON.stringify(report)).not.toContain('4711');
  });

  it('OM-142 is told where they asked, and there alone, where that is another place', async () => {
    expect(await reportOf({ author: MAIL }, [direct])).toMatchObject({ to: MAIL });
  });

  it('OM-142 is said once of a request, as long as it stands the same, and again when it is over', async () => {
    const open = anApproval();
    const about = async (approval: Approval, face: number) => {
      const written: Effect[] = [];
      const { id: approvalId } = approval;
      await attempt(
        { kind: 'card', id: `card:${face}`, approvalId, copyId: 'conversation', face },
        { ageMs: 0, error: new UndeliverableError(SLACK, 'is_archived'), places: [MAIL], approval, written },
      );
      return written.flatMap((effect) => (effect.kind === 'out' ? [effect.once?.key] : []));
    };

    const first = await about(open, 1);
    const reminded = await about({ ...open, face: 2 }, 2);
    const approved = await about({ ...open, face: 3, state: 'APPROVED' }, 3);
    const done = await about({ ...open, face: 4, state: 'EXECUTED' }, 4);

    expect(first).toEqual([expect.stringContaining(open.id)]);
    expect(reminded).toEqual(first);
    expect(approved).toEqual([]);
    expect(done).toEqual([expect.not.stringMatching(first[0] ?? '')]);
  });

  it('OM-142 is said of a person once while somebody is waited for, and no more when it is settled', async () => {
    // She has had it once, and is out of reach since.
    const open = anApproval({
      copies: [{ id: 'dana', to: direct, person: PersonId.parse('dana'), ref: '1', shown: 0 }],
    });
    const about = async (approval: Approval) => {
      const written: Effect[] = [];
      const { id: approvalId, face } = approval;
      await attempt(
        { kind: 'card', id: `card:${face}`, author: MAIL, approvalId, copyId: 'dana', face },
        { ageMs: 0, error: new UndeliverableError(SLACK, 'is_archived'), approval, written },
      );
      return written.flatMap((effect) => (effect.kind === 'out' ? [effect] : []));
    };

    const [first, ...more] = await about(open);
    expect(more).toEqual([]);
    expect(first?.item).toMatchObject({
      to: MAIL,
      markdown: expect.stringContaining('could not deliver the request for an approval to Alex Kim'),
      about: { kind: 'undelivered', approvalId: open.id },
    });
    for (const state of ['OPEN', 'NEEDS_INFO'] as const) {
      const [again] = await about({ ...open, state, face: 2, gen: 2 });
      expect(again?.once).toEqual(first?.once);
    }
    const [unknown] = await about({ ...open, state: 'UNKNOWN', face: 3 });
    expect(unknown?.once?.key).not.toBe(first?.once?.key);
    for (const state of ['APPROVED', 'EXECUTING', 'EXECUTED', 'DENIED', 'CANCELLED'] as const) {
      expect(await about({ ...open, state, face: 4 })).toEqual([]);
    }
  });

  it('tells nobody of itself once it is such a report', async () => {
    const report = await reportOf({});

    // The report, and nothing more, is what an outbox keeps.
    expect(await reportOf({ ...(report as object), requester: undefined }, [direct])).toBeUndefined();
    expect(report).not.toHaveProperty('requester');
    expect(report).not.toHaveProperty('author');
  });
});

it('words that somebody said from elsewhere, and that are refused, are told to them, and the agent knows that nobody read them', async () => {
  const written: Effect[] = [];

  await attempt(
    { id: 'said:g1', author: MAIL, epoch: 0 },
    { ageMs: 0, error: new UndeliverableError(SLACK, 'is_archived'), written },
  );

  const entries = written.flatMap((effect) => (effect.kind === 'entry' ? [effect.entry] : []));
  expect(entries).toEqual([
    expect.objectContaining({ kind: 'event', text: expect.stringContaining('Nobody here has read it') }),
  ]);
  const outs = written.flatMap((effect) => (effect.kind === 'out' ? [effect.item] : []));
  expect(outs).toEqual([
    expect.objectContaining({ to: MAIL, markdown: expect.stringContaining('I could not deliver') }),
  ]);
});

describe('a reply that may not be said any more', () => {
  const withheld = async (claim: Partial<Claim>, item: object = {}) => {
    const written: Effect[] = [];
    const reply = { id: 'reply:m1', replaces: 'shown', epoch: 0, ...item };
    await attempt(reply, { ageMs: 0, error: new Error('nothing is sent'), claim, epoch: 1, written });
    return {
      said: written.flatMap((effect) => (effect.kind === 'out' ? [effect.item] : [])),
      noted: written.flatMap((effect) => (effect.kind === 'entry' ? [effect.entry] : [])),
    };
  };

  it('C1 takes the place of what was shown of it with a word that it broke off', async () => {
    const { said, noted } = await withheld({ attempt: 1 });

    expect(said).toEqual([expect.objectContaining({ replaces: 'shown', markdown: BROKEN_OFF })]);
    expect(noted).toEqual([expect.objectContaining({ text: NOT_SENT })]);
  });

  it('C1 stays as it is where an attempt before sent all of it, which the agent is told nobody knows', async () => {
    const { said, noted } = await withheld({ attempt: 2 });

    // Only what shows progress is changed by that.
    expect(said).toEqual([
      expect.objectContaining({ progressOf: 'reply:m1', replaces: 'shown', markdown: BROKEN_OFF }),
    ]);
    expect(noted).toEqual([expect.objectContaining({ text: MAY_BE_SENT })]);
  });

  it('C1 ends where it is when the conversation changes hands while it goes out, and the agent knows', async () => {
    const written: Effect[] = [];
    const reply = { id: 'reply:m1', epoch: 0 };
    const fate = await attempt(reply, { ageMs: 0, error: new Error('all is sent'), epoch: [0, 1], written });

    expect(fate).toEqual([]);
    expect(written.flatMap((effect) => (effect.kind === 'entry' ? [effect.entry] : []))).toEqual([
      expect.objectContaining({ text: SENT_IN_PART }),
    ]);
    expect(written.flatMap((effect) => (effect.kind === 'audit' ? [effect.event.event] : []))).toEqual([
      'message.withheld',
    ]);
  });

  it.each([
    [
      'C1 stays as it is, too, where somebody takes over once more before it is looked for',
      { replaces: 'shown' },
    ],
    ['C1 is looked for also where nobody knows where it stands', { replaces: undefined }],
  ])('%s', async (_, where) => {
    const word = { id: 'broken-off:reply:m1', progressOf: 'reply:m1', ...where };
    const { said } = await withheld({ attempt: 1 }, word);

    expect(said).toEqual([expect.objectContaining({ progressOf: 'reply:m1', markdown: BROKEN_OFF })]);
  });

  it('C1 is looked for where it was shown first, and under its key', async () => {
    const settled: ProgressUpdate[] = [];
    const progress: Progress = {
      show: async () => 'shown',
      settle: async (update) => {
        settled.push(update);
        return update.ref;
      },
    };
    const word = { id: 'broken-off:reply:m1', replaces: 'shown', progressOf: 'reply:m1' };

    await attempt(word, { ageMs: 0, error: new Error('nothing is sent'), progress, written: [] });

    expect(settled).toEqual([expect.objectContaining({ key: 'reply:m1', ref: 'shown' })]);
  });
});
