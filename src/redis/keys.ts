/**
 * Every key the product writes, in one place.
 *
 * All keys of a partition share the hash tag `{p<n>}`, so each script touches one slot and the same code runs on
 * Redis Cluster. A conversation's partition is fixed by its id; an approval carries its partition in its own id.
 *
 * Invariant: PARTITIONS is part of the key format. Changing it means draining first.
 */
import { crc32 } from 'node:zlib';
import type { ApprovalId, ConversationId } from '../domain/ids.ts';

export const PARTITIONS = 16;

/** A queue of lanes inside every partition: the mailboxes, one platform's outboxes, or what escalations have to do. */
export type QueueName = 'm' | 'e' | `o.${string}`;

/**
 * Kinds of records that a `RecordStore` keeps: escalations, what each person is to be told, whose accounts are whose,
 * plans that run, what is planned for later, summaries of conversations, what is known of people, what was learned.
 */
export type RecordFamily = 'esc' | 'pgr' | 'lnk' | 'sag' | 'sch' | 'mcp' | 'sum' | 'prf' | 'lrn';

export class Keys {
  constructor(readonly prefix: string) {}

  /** What every key of a partition begins with; the scripts build the rest from it. */
  partition(index: number): string {
    return `${this.prefix}{p${index}}:`;
  }

  partitions(): number[] {
    return Array.from({ length: PARTITIONS }, (_, index) => index);
  }

  items(partition: number, queue: QueueName, lane: string): string {
    return `${this.partition(partition)}${queue}:q:${lane}`;
  }

  lease(partition: number, queue: QueueName, lane: string): string {
    return `${this.partition(partition)}${queue}:l:${lane}`;
  }

  ready(partition: number, queue: QueueName): string {
    return `${this.partition(partition)}${queue}:ready`;
  }

  bell(partition: number, queue: QueueName): string {
    return `${this.partition(partition)}${queue}:bell`;
  }

  sessions(partition: number): string {
    return `${this.partition(partition)}ws`;
  }

  owned(partition: number, session: string): string {
    return `${this.partition(partition)}own:${session}`;
  }

  seen(partition: number, id: string): string {
    return `${this.partition(partition)}d:${id}`;
  }

  transcript(conversationId: ConversationId): string {
    return `${this.partition(partitionOf(conversationId))}h:${conversationId}`;
  }

  /** The keys of all transcripts, as a pattern. */
  everyTranscript(): string {
    return `${this.prefix}{p*}:h:*`;
  }

  timers(partition: number): string {
    return `${this.partition(partition)}t`;
  }

  parked(partition: number): string {
    return `${this.partition(partition)}park`;
  }

  grants(partition: number): string {
    return `${this.partition(partition)}grants`;
  }

  /** The line that a word to agree with stands for. */
  confirmation(person: string, code: string): string {
    return `${this.prefix}confirm:${person}:${code}`;
  }

  /** When somebody last looked for what is due. */
  watched(partition: number): string {
    return `${this.partition(partition)}watched`;
  }

  /** What is taken off the store's clock here, because it leapt. */
  clockHold(partition: number): string {
    return `${this.partition(partition)}hold`;
  }

  /** The last that happened to the store's clock here, for a while. */
  clockTold(partition: number): string {
    return `${this.partition(partition)}leapt`;
  }

  /** Approvals that somebody could answer, the next to expire first; see `inboxesOf` of inbox.ts. */
  inbox(partition: number, name: string): string {
    return `${this.partition(partition)}in:${name}`;
  }

  /** What somebody was told late, and how much of it is told one by one. */
  catchUp(partition: number, person: string): string {
    return `${this.partition(partition)}late:${person}`;
  }

  approval(id: ApprovalId): string {
    return `${this.partition(partitionOfApproval(id))}apr:${id}`;
  }

  /** Who speaks for a conversation. */
  control(conversationId: ConversationId): string {
    return `${this.partition(partitionOf(conversationId))}cc:${conversationId}`;
  }

  /** Who wanted the agent to stop in a conversation, and when. */
  stops(conversationId: ConversationId): string {
    return `${this.partition(partitionOf(conversationId))}stop:${conversationId}`;
  }

  /** The keys of all conversations that have changed hands, as a pattern. */
  everyControl(): string {
    return `${this.prefix}{p*}:cc:*`;
  }

  /** The conversation a ticket names. */
  controlTicket(partition: number, ticket: string): string {
    return `${this.partition(partition)}cct:${ticket}`;
  }

  /** The conversation that what is written in this one belongs to. */
  joined(conversationId: ConversationId): string {
    return `${this.partition(partitionOf(conversationId))}cj:${conversationId}`;
  }

  /** Conversations the agent does not speak in, by when that ends. */
  controlTimers(partition: number): string {
    return `${this.partition(partition)}ct`;
  }

  record(partition: number, family: RecordFamily, id: string): string {
    return `${this.partition(partition)}${family}:${id}`;
  }

  /** The keys of all records of a family, as a pattern. */
  everyRecord(family: RecordFamily): string {
    return `${this.prefix}{p*}:${family}:*`;
  }

  /** Records that are not over, by when they are due. */
  recordTimers(partition: number, family: RecordFamily): string {
    return `${this.partition(partition)}due:${family}`;
  }

  /** Escalations that the same trouble has begun, by whichever policies (set). In one partition: they are asked for together. */
  begunBy(trouble: string): string {
    return `${this.partition(0)}begun:${trouble}`;
  }

  /** Items kept aside while a person holds the conversation. */
  heldBack(conversationId: ConversationId): string {
    return `${this.partition(partitionOf(conversationId))}ch:${conversationId}`;
  }

  /** The keys of all that is kept aside, as a pattern. */
  everyHeldBack(): string {
    return `${this.prefix}{p*}:ch:*`;
  }

  /** What conversations of this partition used in a period: counter -> how much (hash). */
  usage(partition: number, period: string): string {
    return `${this.partition(partition)}use:${period}`;
  }

  /** The keys of all that was used, as a pattern. */
  everyUsage(): string {
    return `${this.prefix}{p*}:use:*`;
  }

  /** What the conversation of an approval has handled of it last. */
  heard(id: ApprovalId): string {
    return `${this.partition(partitionOfApproval(id))}heard:${id}`;
  }

  /** The keys of all approvals, as a pattern. */
  everyApproval(): string {
    return `${this.prefix}{p*}:apr:*`;
  }

  /** The keys of all lanes that have items, as a pattern. */
  everyLane(): string {
    return `${this.prefix}{p*}:*:q:*`;
  }

  /** Who audits now. */
  auditor(): string {
    return `${this.partition(0)}auditor`;
  }

  /** The generation of each tag of what tools found: tag -> number (hash). */
  cacheTags(): string {
    return `${this.partition(0)}cache:tags`;
  }

  /** How often a tool was called in this minute; its name follows behind a colon. */
  toolCalls(): string {
    return `${this.partition(0)}calls`;
  }

  /** How each process finds the services outside: `<process>/<service>` -> how it stands, as JSON (hash). */
  health(): string {
    return `${this.partition(0)}health`;
  }

  /** What the audits found. */
  watchdog(): string {
    return `${this.partition(0)}watchdog`;
  }

  /** Since when the language model could not be reached. */
  modelAway(): string {
    return `${this.partition(0)}model-away`;
  }

  /** By what people in a conversation were told that the language model is away. */
  delayed(conversationId: ConversationId): string {
    return `${this.partition(partitionOf(conversationId))}delayed:${conversationId}`;
  }

  deadLetters(partition: number): string {
    return `${this.partition(partition)}dlq`;
  }

  audit(partition: number): string {
    return `${this.partition(partition)}audit`;
  }

  /** What stands beside entries of the audit, word for word, by their numbers. */
  auditWords(partition: number): string {
    return `${this.partition(partition)}audit:words`;
  }

  auditHead(partition: number): string {
    return `${this.partition(partition)}audit:head`;
  }

  /** A long output of a tool, kept for the conversation it was told in; all of them begin as the one without a handle. */
  output(conversationId: ConversationId, handle: string): string {
    return `${this.partition(partitionOf(conversationId))}out:${conversationId}:${handle}`;
  }

  /** Handles of a conversation's long outputs, by when they were kept. */
  outputs(conversationId: ConversationId): string {
    return `${this.partition(partitionOf(conversationId))}outs:${conversationId}`;
  }

  notes(scope: string): string {
    return `${this.partition(partitionOf(scope))}note:${scope}`;
  }

  /** The keys of all notes, as a pattern. */
  everyNotes(): string {
    return `${this.prefix}{p*}:note:*`;
  }

  secret(name: string): string {
    return `${this.partition(partitionOf(name))}secret:${name}`;
  }

  /** Taken by the first delivery of something (`once` of effects.lua). */
  once(partition: number, key: string): string {
    return `${this.partition(partition)}d:${key}`;
  }

  bookmark(name: string): string {
    return `${this.partition(partitionOf(name))}mark:${name}`;
  }

  places(name: string): string {
    return `${this.partition(partitionOf(name))}places:${name}`;
  }

  clientEvents(client: string): string {
    return `${this.partition(partitionOf(client))}cl:${client}`;
  }

  /** Counters of a client's log: the last position, and the bytes that are kept. */
  clientCounters(client: string): string {
    return `${this.partition(partitionOf(client))}cl:${client}:n`;
  }

  /** The keys of the counters of all clients' logs, as a pattern. */
  everyClientCounters(): string {
    return `${this.prefix}{p*}:cl:*:n`;
  }

  clientAppended(client: string, key: string): string {
    return `${this.partition(partitionOf(client))}cl:${client}:d:${key}`;
  }

  /** Keys of the API that were made here: id of the key -> what is known of it, as JSON (hash). */
  apiKeys(): string {
    return `${this.partition(partitionOf('api'))}api:keys`;
  }

  /** What a client of the API asked, scored by when; of all clients when none is named (sorted set). */
  apiIndex(client?: string): string {
    return `${this.partition(partitionOf('api'))}api:asked${client === undefined ? '' : `:${client}`}`;
  }

  /** A channel, not a key: on it goes the id of an approval of a client that has changed. */
  apiBell(): string {
    return `${this.prefix}api`;
  }

  /** A channel, not a key: on it goes the revision of the links when they have changed. */
  linkBell(): string {
    return `${this.prefix}links`;
  }

  /** A channel, not a key: on it goes the name of a client whose log has grown. */
  clientBell(): string {
    return `${this.prefix}clients`;
  }
}

/** Where everything about this conversation (or other owner of keys) lives. */
export function partitionOf(owner: string): number {
  return crc32(owner) % PARTITIONS;
}

export function partitionOfApproval(id: ApprovalId): number {
  return Number.parseInt(id.slice('apr_p'.length), 10);
}
