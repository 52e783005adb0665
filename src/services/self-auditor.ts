/**
 * Proves every minute that nothing that waits was forgotten, puts right what can be put right, and says so loudly.
 *
 *   every approval ─▶ its timer, its conversation, its cards, its people ─▶ put right ─┐
 *   every timer    ─▶ its approval                                      ─▶ put right ─┤
 *   every lane     ─▶ its place in line, and that its items move on     ─▶ put right ─┤
 *   every call     ─▶ its timer, and that somebody heard it             ─▶ put right ─┤
 *   every takeover, every plan, everything planned ─▶ its timer         ─▶ put right ─┤
 *   the store's clock ─▶ that it has not leapt                                        ─┤
 *                                                                                     ▼
 *                             a sign of life outside  ◀─ all in order ─ log, audit, those who run the gateway
 *
 * All of it is work that should never find anything: whatever it finds is a mistake somewhere else.
 *
 * Invariants
 *   1. What is put right is put right by the state machine or by the queues, and only while it is still as it was
 *      looked at; so it does no harm if two processes look at the same time.
 *   2. The sign of life is sent only after a whole look that found nothing.
 *   3. The store is never held up: it is asked for small pages, one after the other.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause, setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { type Flaw, flawsOf, mayTurn } from '../approvals/approval-audit.ts';
import { fromDocument } from '../approvals/approval-codec.ts';
import type { ApprovalRounds, Ensured, Known, Seen } from '../approvals/approval-rounds.ts';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import { copiesForOwners } from '../approvals/plan.ts';
import type { ControlStore } from '../control/control-store.ts';
import { partitionOfEscalation } from '../delivery/escalation-item.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import { addCopy } from '../domain/approval/copies.ts';
import { type Approval, type CardCopy, isEnded } from '../domain/approval/record.ts';
import { type Circumstances, dueOf, NO_CIRCUMSTANCES, tick } from '../domain/approval/time.ts';
import type { Clock } from '../domain/clock.ts';
import { type ApprovalId, ConversationId, type PersonId } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import type { EscalationAudit } from '../escalation/escalation-audit.ts';
import type { LaneName, LaneRounds, Standing } from '../mailbox/lane-rounds.ts';
import type { Logger } from '../observability/logger.ts';
import { partitionOfSaga, type SagaStore } from '../plans/saga-store.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import { PARTITIONS, partitionOf, partitionOfApproval } from '../redis/keys.ts';
import type { PartitionClocks } from '../redis/partition-clocks.ts';
import { partitionOfSchedule, type ScheduleStore } from '../scheduler/schedule-store.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Service } from './service.ts';
import type { LookRecord, WatchdogRecord } from './watchdog-record.ts';

/** Approvals judged before others of this process get a turn: a few milliseconds. */
const AT_ONCE = 50;
/** What is put right in one look; the rest waits for the next, so that a repair is never a flood. */
const MOST_MENDED = 1_000;
/** Findings that are entered in the audit, and told, by one look; the next one goes on. */
const MOST_NOTED = 1_000;
/** Subjects of one kind that a message names. */
const EXAMPLES = 3;
/** Of the same trouble with the same thing people are told once in this time, in ms. */
const TELL_AGAIN_MS = 24 * 60 * 60_000;
/** A message that stands in line, or is in hand, for so long is not being sent by anybody, in ms. */
const UNSERVED_MS = 15 * 60_000;
/** Approvals known to be in order that are kept in mind; the others are read every time. */
const MOST_KNOWN = 250_000;
/** Whatever is known of it, each approval is read anew in one of so many looks. */
const KNOWN_FOR_LOOKS = 60;
/** The process that audits is replaced when it was not heard of for this many looks. */
const LOOKS_MISSED = 1.5;

const CONVERSATION = ConversationId.parse('signalbox:self-audit');

/** What may be found, and how people are told of it. */
const WORDS = {
  'timer-missing': 'a request was waiting without the timer that reminds and ends it',
  'timer-late': 'the timer of a waiting request was set too late',
  'timer-stuck': 'a request was not moved on when its time had come',
  'timer-left-over': 'a request that waits for no time had a timer',
  'timer-orphan': 'a timer belonged to no request',
  'waiter-unheard': 'a conversation was not told what its request had come to',
  'card-behind': 'a card showed something old, or was never sent, and nothing was on its way to correct it',
  'copy-missing': 'somebody who was to be asked further had no card',
  'unknown-unasked': 'nobody has been asked yet to find out what came of an action whose outcome is unknown',
  'lane-lost': 'messages had dropped out of the line in which they wait',
  'item-unserved': 'a message stands in line, and nobody sends it',
  'call-timer': 'somebody was to be called, and nothing was left that would have done it',
  'call-stuck': 'nobody called when the time had come',
  'call-unheard': 'everybody was called in vain, and there was nobody left who could be called',
  'control-timer': 'a conversation would have been left to a human, or to nobody, without end',
  'control-stuck': 'the time had come to move a conversation on, and nobody did',
  'plan-timer': 'nobody would have been told if nobody went on with a plan',
  'plan-stuck': 'nobody went on with a plan, and nobody was told',
  'schedule-timer': 'something planned for another time would never have been run',
  'schedule-stuck': 'the time of something planned had come, and nobody ran it',
  'clock-leapt':
    'the clock of Redis has leapt; what is due by the leap waits until that clock returns, or has gone right for a while',
  unreadable: 'something that waits cannot be read',
} as const;
type Kind = keyof typeof WORDS;

export interface Finding {
  readonly kind: Kind;
  /** The approval, or the lane. */
  readonly subject: string;
  readonly partition: number;
  readonly mended: boolean;
}

export interface Look {
  readonly findings: readonly Finding[];
  readonly approvals: number;
  readonly lanes: number;
  readonly heartbeat: LookRecord['heartbeat'];
}

/** Somebody who runs the gateway, and where they are reached, if anywhere. */
export interface Owner {
  readonly person: PersonId;
  readonly place: { readonly to: Address; readonly cannotEdit: boolean } | undefined;
}

export interface AuditorDeps {
  readonly approvals: ApprovalStore;
  readonly rounds: ApprovalRounds;
  readonly lanes: LaneRounds;
  readonly calls: Pick<EscalationAudit, 'look'>;
  readonly plans: Pick<SagaStore, 'prove'>;
  readonly schedules: Pick<ScheduleStore, 'prove'>;
  readonly controls: Pick<ControlStore, 'prove'>;
  readonly clocks: Pick<PartitionClocks, 'leaps'>;
  readonly record: WatchdogRecord;
  readonly writer: EffectWriter;
  readonly heartbeat: Heartbeat;
  readonly copiesFor: Circumstances['copiesFor'];
  readonly owners: () => readonly Owner[];
  /** Time between two looks, in ms; read before each. */
  readonly everyMs: () => number;
  readonly clock: Clock;
  readonly log: Logger;
}

export class SelfAuditor implements Service {
  readonly name = 'self-auditor';
  readonly #process = randomUUID();
  /** What is in order, and in which look it was there last. */
  readonly #known = new Map<ApprovalId, Known & { look: number }>();
  #looks = 0;
  /** Messages that had stood in line for too long at the last look, and how they were handled then. */
  #standing: ReadonlyMap<string, string> = new Map();
  /** What stays as it is and was told, by when it is told again, in ms. */
  readonly #told = new Map<string, number>();
  /** The last leap of each partition's clock that was told. */
  readonly #leaps = new Map<number, string>();
  #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(private readonly deps: AuditorDeps) {}

  async start(): Promise<void> {
    // Before anything is handled here: from now on it is noted.
    await this.#takeStock();
    this.#stopping = new AbortController();
    this.#loop = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** One look, whoever's turn it is; public so that a test need not wait for it. Rejects while the store is away. */
  async look(signal = this.#stopping.signal): Promise<Look> {
    const { clock, record, heartbeat } = this.deps;
    const startedMs = clock.now();
    await this.#takeStock();
    this.#looks++;

    const round = new Round();
    await this.#lookAtApprovals(round, signal);
    await this.#lookAtTimers(round, signal);
    await this.#lookAtLanes(round, signal);
    await this.#lookAtCalls(round, signal);
    await this.#lookAtPlans(round, signal);
    await this.#lookAtSchedules(round, signal);
    await this.#lookAtControls(round, signal);
    await this.#lookAtClocks(round);
    signal.throwIfAborted();

    const { findings, approvals, lanes } = round;
    const sent = findings.length === 0 ? await heartbeat.send(signal) : 'withheld';
    if (findings.length > 0) await this.#alert(findings);
    await record.write({
      atMs: startedMs,
      tookMs: clock.now() - startedMs,
      approvals,
      lanes,
      found: round.counts(),
      mended: round.mended,
      heartbeat: sent,
    });
    return { findings, approvals, lanes, heartbeat: sent };
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { everyMs, record, log } = this.deps;
    while (!signal.aborted) {
      await pause(everyMs(), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
      try {
        if (await record.hold(this.#process, Math.ceil(everyMs() * LOOKS_MISSED))) await this.look(signal);
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'the self-audit failed; no heartbeat was sent');
      }
    }
    await record.leave(this.#process).catch(() => undefined); // it ends by itself as well
  }

  /** What was settled before notes were taken of what conversations handled is taken for handled, once. */
  async #takeStock(): Promise<void> {
    const { record, rounds, clock } = this.deps;
    if (await record.isBegun()) return;
    for await (const { seen } of rounds.all(() => undefined)) {
      const settled = seen.flatMap((each) => {
        const approval = read(each);
        return approval && isUnheard(approval, each) ? [approval] : [];
      });
      await Promise.all(settled.map((approval) => rounds.takeForHeard(approval)));
    }
    await record.begin(clock.now());
  }

  // ── Approvals ──────────────────────────────────────────────────────────────────────────────────────────────

  async #lookAtApprovals(round: Round, signal: AbortSignal): Promise<void> {
    for await (const { count, seen } of this.deps.rounds.all((id) => this.#recall(id))) {
      signal.throwIfAborted();
      round.approvals += count;
      for (let from = 0; from < seen.length; from += AT_ONCE) {
        await Promise.all(seen.slice(from, from + AT_ONCE).map((each) => this.#judge(each, round)));
        await setImmediate();
      }
    }
    for (const [id, { look }] of this.#known) if (look < this.#looks) this.#known.delete(id);
  }

  #recall(id: ApprovalId): Known | undefined {
    const known = this.#known.get(id);
    if (!known || (crc32(id) + this.#looks) % KNOWN_FOR_LOOKS === 0) return undefined;
    known.look = this.#looks;
    return known;
  }

  async #judge(seen: Seen, round: Round): Promise<void> {
    this.#known.delete(seen.id);
    const about = { subject: seen.id, partition: partitionOfApproval(seen.id) };
    const approval = read(seen);
    if (!approval) return round.found({ kind: 'unreadable', ...about, mended: false });

    const flaws = flawsOf(approval, { ...seen, copiesFor: this.deps.copiesFor });
    const fates = await Promise.all(flaws.map((flaw) => this.#tryToMend(approval, flaw, round)));
    for (const [index, { kind }] of flaws.entries()) {
      const fate = fates[index];
      if (fate === 'mended' || fate === 'left') round.found({ kind, ...about, mended: fate === 'mended' });
    }
    if (!fates.every((fate) => fate === 'in-order')) return;
    await this.#heedPeople(approval, seen.nowMs);
    await this.#remember(approval);
  }

  /**
   * Whoever came to it by a change of people, and was not asked then: the process that looked at that may have died.
   * That is no flaw, for until that look is over it is so of every request.
   */
  async #heedPeople(approval: Approval, nowMs: number): Promise<void> {
    const { approvals, log } = this.deps;
    try {
      await approvals.heedPeople(approval, nowMs);
    } catch (err) {
      const facts = { err, approval: approval.id };
      log.error(facts, 'those who came to a request could not be asked; a later look tries again');
    }
  }

  /** One that ended is not looked at again; one that waits, only if it or its timer changes. */
  async #remember(approval: Approval): Promise<void> {
    if (isEnded(approval.state)) return this.deps.rounds.prove(approval);
    if (mayTurn(approval) || this.#known.size >= MOST_KNOWN) return;
    this.#known.set(approval.id, { rev: approval.rev, dueMs: dueOf(approval), look: this.#looks });
  }

  async #tryToMend(approval: Approval, flaw: Flaw, round: Round): Promise<Fate> {
    if (round.mended >= MOST_MENDED) return 'left';
    try {
      return await this.#mend(approval, flaw);
    } catch (error) {
      const facts = { err: error, approval: approval.id, flaw: flaw.kind };
      this.deps.log.error(
        facts,
        'what the self-audit found could not be put right; the next look tries again',
      );
      return 'left';
    }
  }

  async #mend(approval: Approval, flaw: Flaw): Promise<Fate> {
    const { rounds, owners } = this.deps;
    switch (flaw.kind) {
      case 'timer-missing':
      case 'timer-late':
        return (await rounds.rearm(approval, flaw.dueMs)) ? 'mended' : 'changed';
      case 'timer-left-over':
        return (await rounds.rearm(approval, undefined)) ? 'mended' : 'changed';
      case 'timer-stuck':
        return this.#moveOn(approval);
      case 'waiter-unheard':
        return toFate(await rounds.ensureWakeUp(approval, flaw.wakeUp));
      case 'card-behind':
        return toFate(await rounds.ensureUpdate(approval, flaw.copy, flaw.update));
      case 'copy-missing':
        return this.#addCopies(approval, flaw.copies);
      case 'unknown-unasked':
        return this.#addCopies(approval, copiesForOwners(approval, owners()));
      default:
        return flaw satisfies never;
    }
  }

  /** What the sweeper should have done; if there is nothing to do, its timer is wrong. */
  async #moveOn(approval: Approval): Promise<Fate> {
    const result = await this.deps.approvals.apply(approval.id, tick);
    if (result === 'nothing') await this.deps.rounds.rearm(approval, dueOf(approval));
    return 'mended';
  }

  async #addCopies({ id }: Approval, copies: readonly CardCopy[]): Promise<Fate> {
    const results = [];
    for (const copy of copies) {
      results.push(await this.deps.approvals.apply(id, (current) => addCopy(current, copy)));
    }
    return results.includes('added') ? 'mended' : 'left';
  }

  // ── Timers and lanes ───────────────────────────────────────────────────────────────────────────────────────

  async #lookAtTimers(round: Round, signal: AbortSignal): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      signal.throwIfAborted();
      for (const subject of await this.deps.rounds.dropOrphans(partition)) {
        round.found({ kind: 'timer-orphan', subject, partition, mended: true });
      }
    }
  }

  async #lookAtLanes(round: Round, signal: AbortSignal): Promise<void> {
    const latestMs = this.deps.clock.now() - UNSERVED_MS;
    const standing = new Map<string, string>();
    for await (const page of this.deps.lanes.all()) {
      signal.throwIfAborted();
      round.lanes += page.count;
      for (const lane of page.back) round.found({ kind: 'lane-lost', ...subjectOf(lane), mended: true });
      for (const lane of page.standing.filter((each) => isOld(each, latestMs))) {
        const about = subjectOf(lane);
        const key = `${lane.partition}|${about.subject}`;
        standing.set(key, lane.handling);
        // Where it is another item, or another attempt, than a look ago, somebody is at it.
        if (this.#standing.get(key) === lane.handling)
          round.found({ kind: 'item-unserved', ...about, mended: false });
      }
    }
    this.#standing = standing;
  }

  async #lookAtCalls(round: Round, signal: AbortSignal): Promise<void> {
    for await (const { kind, subject, mended } of this.deps.calls.look()) {
      signal.throwIfAborted();
      const isEscalation = subject.startsWith('esc_p');
      const partition = isEscalation ? partitionOfEscalation(subject) : partitionOf(subject);
      round.found({ kind, subject, partition, mended });
    }
  }

  async #lookAtPlans(round: Round, signal: AbortSignal): Promise<void> {
    for await (const { id, kind } of this.deps.plans.prove()) {
      signal.throwIfAborted();
      const kinds = { mended: 'plan-timer', stuck: 'plan-stuck' } as const;
      round.found(toFinding(kinds, kind, { subject: id, partition: partitionOfSaga(id) }));
    }
  }

  async #lookAtSchedules(round: Round, signal: AbortSignal): Promise<void> {
    for await (const { id, kind } of this.deps.schedules.prove()) {
      signal.throwIfAborted();
      const kinds = { mended: 'schedule-timer', stuck: 'schedule-stuck' } as const;
      round.found(toFinding(kinds, kind, { subject: id, partition: partitionOfSchedule(id) }));
    }
  }

  async #lookAtControls(round: Round, signal: AbortSignal): Promise<void> {
    for await (const { conversationId: subject, kind } of this.deps.controls.prove()) {
      signal.throwIfAborted();
      const kinds = { mended: 'control-timer', stuck: 'control-stuck' } as const;
      round.found(toFinding(kinds, kind, { subject, partition: partitionOf(subject) }));
    }
  }

  /** Seen to where it happened. Told as long as it is not over, and once when it is. */
  async #lookAtClocks(round: Round): Promise<void> {
    for (const { partition, why, byMs, n } of await this.deps.clocks.leaps()) {
      const subject = `clock ${partition}.${n}: ${why}, ${Math.round(byMs / 1_000)} s`;
      if (why !== 'leapt' && this.#leaps.get(partition) === subject) continue;
      this.#leaps.set(partition, subject);
      round.found({ kind: 'clock-leapt', subject, partition, mended: why !== 'leapt' });
    }
  }

  // ── The alarm ──────────────────────────────────────────────────────────────────────────────────────────────

  async #alert(findings: readonly Finding[]): Promise<void> {
    for (const [kind, found] of byKind(findings)) {
      const mended = found.filter((each) => each.mended).length;
      const facts = { kind, found: found.length, mended, examples: examplesOf(found) };
      this.deps.log.error(facts, 'the self-audit found something that should not be');
    }
    const nowMs = this.deps.clock.now();
    // What was told hides nothing that is new, however much of it stands.
    const due = findings.filter((each) => each.mended || (this.#told.get(nameOf(each)) ?? 0) <= nowMs);
    this.#forgetAllBut(findings);
    const fresh: Finding[] = [];
    for (const finding of due.slice(0, MOST_NOTED)) {
      if (await this.#note(finding)) fresh.push(finding);
      this.#told.set(nameOf(finding), nowMs + TELL_AGAIN_MS);
    }
    if (fresh.length > 0) await this.#tell(fresh, findings.length);
  }

  #forgetAllBut(findings: readonly Finding[]): void {
    const there = new Set(findings.map(nameOf));
    for (const name of this.#told.keys()) if (!there.has(name)) this.#told.delete(name);
  }

  /** Its entry in the audit: one for each repair, and one for what stays as it is. Resolves true if it is news. */
  async #note({ kind, subject, partition, mended }: Finding): Promise<boolean> {
    const event = {
      event: mended ? 'self-audit.mended' : 'self-audit.found',
      actor: 'system',
      subject,
      correlation: CONVERSATION,
      detail: { flaw: kind },
    };
    const { writer } = this.deps;
    const effects = [{ kind: 'audit', event }] as const;
    const once = { key: `watchdog:${kind}:${subject}`, forMs: TELL_AGAIN_MS };
    const isNews = await writer.writeIn(partition, effects, once);
    if (!isNews && mended) await writer.writeIn(partition, effects);
    return isNews;
  }

  async #tell(fresh: readonly Finding[], inAll: number): Promise<void> {
    const { owners, writer, clock, log } = this.deps;
    const reached = owners().flatMap(({ person, place }) => (place ? [{ person, to: place.to }] : []));
    if (reached.length === 0) log.error({}, 'nobody who runs the gateway can be told of it');
    const atMs = clock.now();
    const texts = reached.map(({ person, to }) =>
      toOutEffect({
        kind: 'text',
        id: `self-audit:${person}:${atMs}`,
        correlation: CONVERSATION,
        conversationId: CONVERSATION,
        to,
        markdown: alarmText(fresh, inAll),
        atMs,
      }),
    );
    await writer.write(CONVERSATION, texts);
  }
}

/** Of a timer that was not as it should be: put right, but where its time has come and nothing moves. */
function toFinding(
  kinds: { readonly mended: Kind; readonly stuck: Kind },
  flaw: string,
  about: Pick<Finding, 'subject' | 'partition'>,
): Finding {
  if (flaw === 'unreadable') return { kind: flaw, ...about, mended: false };
  const isStuck = flaw === 'stuck';
  return { kind: isStuck ? kinds.stuck : kinds.mended, ...about, mended: !isStuck };
}

/** What became of a flaw. `in-order`: there was none, or a person has it. `changed`: the next look tells. */
type Fate = 'in-order' | 'on-its-way' | 'changed' | 'mended' | 'left';

function toFate(ensured: Ensured): Fate {
  switch (ensured) {
    case 'heard':
    case 'given-up':
      return 'in-order';
    case 'waiting':
      return 'on-its-way';
    case 'changed':
      return 'changed';
    case 'posted':
      return 'mended';
    default:
      return ensured satisfies never;
  }
}

/** What one look comes to. */
class Round {
  readonly findings: Finding[] = [];
  approvals = 0;
  lanes = 0;
  mended = 0;

  found(finding: Finding): void {
    this.findings.push(finding);
    if (finding.mended) this.mended++;
  }

  counts(): Record<string, number> {
    return Object.fromEntries([...byKind(this.findings)].map(([kind, found]) => [kind, found.length]));
  }
}

function byKind(findings: readonly Finding[]): Map<Kind, Finding[]> {
  const groups = new Map<Kind, Finding[]>();
  for (const finding of findings) {
    const group = groups.get(finding.kind);
    if (group) group.push(finding);
    else groups.set(finding.kind, [finding]);
  }
  return groups;
}

/** Undefined for a document this version cannot read. */
function read({ document }: Seen): Approval | undefined {
  try {
    return fromDocument(document);
  } catch {
    return undefined;
  }
}

function isUnheard(approval: Approval, seen: Seen): boolean {
  const surroundings = { ...seen, copiesFor: NO_CIRCUMSTANCES.copiesFor };
  return flawsOf(approval, surroundings).some(({ kind }) => kind === 'waiter-unheard');
}

function nameOf({ kind, subject }: Finding): string {
  return `${kind} ${subject}`;
}

function subjectOf({ partition, queue, lane }: LaneName): Pick<Finding, 'subject' | 'partition'> {
  return { partition, subject: `${queue}|${lane}` };
}

/** A message that waits to be sent. What a conversation has to think about may take its time. */
function isOld({ queue, atMs }: Standing, latestMs: number): boolean {
  return queue !== 'm' && atMs !== undefined && atMs < latestMs;
}

function examplesOf(found: readonly Finding[]): string[] {
  return found.slice(0, EXAMPLES).map(({ subject }) => subject);
}

function alarmText(fresh: readonly Finding[], inAll: number): string {
  const lines = [...byKind(fresh)].map(([kind, found]) => {
    const mended = found.filter((each) => each.mended).length;
    const fate =
      mended === found.length ? 'put right' : mended === 0 ? '**not** put right' : `${mended} put right`;
    const examples = examplesOf(found)
      .map((subject) => `\`${subject}\``)
      .join(', ');
    return `- ${found.length} × ${WORDS[kind]}; ${fate} (${examples})`;
  });
  const more = inAll > fresh.length ? `\n\nIn all I found ${inAll} such things; the log counts them.` : '';
  return `**My self-check found what should never be:**\n\n${lines.join('\n')}${more}\n\nPlease look into my log, and at \`signalbox check\`.`;
}
