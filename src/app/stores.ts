/** Everything that is kept: what answers questions about it, and changes it, without working on anything. */
import { sourcesWithout } from '../agent/erased-sources.ts';
import { quotesInNote, trustOf } from '../agent/provenance.ts';
import { ApiKeyStore } from '../api/key-store.ts';
import { ApprovalStore } from '../approvals/approval-store.ts';
import { consequencesOf } from '../approvals/consequences.ts';
import { GrantStore } from '../approvals/grant-store.ts';
import { RequestedWords } from '../approvals/requested-words.ts';
import { waitingTitle } from '../approvals/sentences.ts';
import { AuditLog } from '../audit/audit-log.ts';
import { UsageLedger } from '../budget/usage-ledger.ts';
import { createConsequences } from '../control/consequences.ts';
import { ControlDesk } from '../control/control-desk.ts';
import { ControlStore } from '../control/control-store.ts';
import { HandoffCall, type Helper } from '../control/handoff-call.ts';
import { createWhereOf } from '../control/whereabouts.ts';
import { RedisClientLog } from '../delivery/client-log.ts';
import { isWaiting } from '../domain/approval/record.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { PersonId } from '../domain/ids.ts';
import { EscalatedWords } from '../escalation/escalated-words.ts';
import { EscalationDesk } from '../escalation/escalation-desk.ts';
import { EscalationStore } from '../escalation/escalation-store.ts';
import { HandoffEscalation } from '../escalation/handoff-escalation.ts';
import { LettersSettled } from '../escalation/letters-settled.ts';
import { Directory } from '../identity/directory.ts';
import { LinkBook } from '../identity/link-book.ts';
import { LinkDesk } from '../identity/link-desk.ts';
import { DeadLetters } from '../mailbox/dead-letters.ts';
import { PinStore } from '../mcp/pin-store.ts';
import { OutputStore } from '../memory/output-store.ts';
import { PersonData } from '../memory/person-data.ts';
import { RedisMemory } from '../memory/redis-memory.ts';
import { TranscriptStore } from '../memory/transcript-store.ts';
import { EffectWriter } from '../redis/effect-writer.ts';
import { GIVE_UP_AFTER_MS } from '../router/delivery-worker.ts';
import { createLinkNews } from '../router/link-news.ts';
import { Reach } from '../router/reach.ts';
import { ScheduleStore } from '../scheduler/schedule-store.ts';
import { LearningStore } from '../skills/learning-store.ts';
import type { Base } from './base.ts';

/** How long after its time something is there still, in ms, if nobody sweeps; see `RetentionSweep`. */
const SWEPT_WITHIN_MS = 2 * 24 * 60 * 60_000;

export interface Stores {
  readonly approvals: ApprovalStore;
  readonly audit: AuditLog;
  readonly deadLetters: DeadLetters;
  readonly lettersSettled: LettersSettled;
  readonly grants: GrantStore;
  readonly directory: Directory;
  readonly links: LinkBook;
  readonly linkDesk: LinkDesk;
  readonly controls: ControlStore;
  readonly controlDesk: ControlDesk;
  readonly escalations: EscalationStore;
  readonly escalationDesk: EscalationDesk;
  readonly memory: RedisMemory;
  readonly transcripts: TranscriptStore;
  readonly personData: PersonData;
  readonly learning: LearningStore;
  readonly apiKeys: ApiKeyStore;
  readonly toolPins: PinStore;
  readonly schedules: ScheduleStore;
  readonly writer: EffectWriter;
}

/** Nothing is asked of Redis yet. People are told where they asked; elsewhere, once there are channels. */
export function createStores({ config, clock, log, redis, keys, rememberMs }: Base): Stores {
  const keepApprovalsMs = () => config().settings.retention.approvals;
  const writer = new EffectWriter(redis, keys);
  const links = new LinkBook(redis, keys, writer, log);
  const directory = new Directory(config, links);
  const controls = new ControlStore(redis, keys, writer, () =>
    // What was said before a conversation changed hands must not be sent later, so it is known at least as long.
    Math.max(config().settings.retention.transcripts, 2 * GIVE_UP_AFTER_MS),
  );
  const escalations = new EscalationStore(redis, keys, writer, keepApprovalsMs);
  const deadLetters = new DeadLetters(redis, keys, (queue) => lettersSettled.closeFor(queue));
  const lettersSettled = new LettersSettled(escalations, deadLetters, () => config().escalation.triggers);
  const memory = new RedisMemory(
    redis,
    keys,
    writer,
    () => config().settings.retention.summaries + SWEPT_WITHIN_MS,
  );
  const transcripts = new TranscriptStore(redis, keys);
  const schedules = new ScheduleStore(redis, keys, writer, keepApprovalsMs);
  const learning = new LearningStore(redis, keys, writer, () => config().settings.retention.notes);
  const approvals = new ApprovalStore(redis, keys, consequencesOf, keepApprovalsMs);
  const audit = new AuditLog(redis, keys);
  const stores: Stores = {
    approvals,
    audit,
    deadLetters,
    lettersSettled,
    grants: new GrantStore(redis, keys, clock),
    directory,
    links,
    linkDesk: new LinkDesk({ book: links, directory, rememberMs, clock }),
    controls,
    controlDesk: new ControlDesk({ controls, directory, writer, config, rememberMs }),
    escalations,
    escalationDesk: new EscalationDesk({ escalations, directory, writer, rememberMs }),
    memory,
    transcripts,
    personData: new PersonData({
      memory,
      transcripts,
      outputs: new OutputStore(redis, keys),
      planned: schedules,
      learned: learning,
      used: new UsageLedger(redis, keys),
      clients: new RedisClientLog(redis, keys),
      requests: new RequestedWords(audit, keys, approvals, writer),
      escalated: new EscalatedWords(escalations, audit, keys),
      sourcesWithout,
    }),
    learning,
    apiKeys: new ApiKeyStore(redis, keys),
    toolPins: new PinStore(redis, keys, writer),
    schedules,
    writer,
  };
  followControls(stores, config, () => [], new Map());
  followLinks(stores, config, new Reach(directory, new Map()));
  return stores;
}

/** What a change of who speaks brings about; where nothing is sent, nobody can be told that a human is wanted. */
export function followControls(
  { controls, approvals, directory }: Pick<Stores, 'controls' | 'approvals' | 'directory'>,
  config: Base['config'],
  helpers: () => readonly Helper[],
  gateways: ReadonlyMap<string, Gateway>,
): void {
  const whereOf = createWhereOf(() => config().settings.messaging.channels ?? {}, gateways);
  const nameOf = (person: PersonId) => directory.find(person)?.name ?? person;
  const triggers = () => config().escalation.triggers;
  controls.followedBy(
    createConsequences({
      handoffs: new HandoffEscalation(triggers, new HandoffCall(helpers, whereOf), whereOf, nameOf),
      keepTranscriptMs: () => config().settings.retention.transcripts,
      standingOf: ({ person }, note) => ({
        trust: trustOf(directory.standingOf(person, directory.find(person)?.roles ?? [])),
        ...(quotesInNote(note) ? { passesOn: true as const } : {}),
      }),
    }),
    async (conversationId) =>
      (await approvals.heldIn(conversationId)).filter(({ state }) => isWaiting(state)).map(waitingTitle),
  );
}

/** Strangers are told where they asked, whoever runs; people where a gateway is at hand. */
export function followLinks(
  { linkDesk, directory }: Pick<Stores, 'linkDesk' | 'directory'>,
  config: Base['config'],
  reach: Reach,
): void {
  const hasGuests = () => config().authorizations.guest_role !== undefined;
  linkDesk.followedBy(createLinkNews({ directory, reach, hasGuests }));
}
