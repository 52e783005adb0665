/** `schedule_create`, `schedule_list`, `schedule_cancel`: what people have the agent do at another time. */
import { z } from 'zod';
import { whenText } from '../approvals/sentences.ts';
import type { SchedulerSettings } from '../config/scheduler.ts';
import type { Approval } from '../domain/approval/record.ts';
import type { Clock } from '../domain/clock.ts';
import { FutileCallError } from '../domain/errors.ts';
import { type ApprovalId, channelOf, type PersonId } from '../domain/ids.ts';
import type { Preview, Tool, ToolContext, ToolOutput } from '../domain/tool.ts';
import type { Directory } from '../identity/directory.ts';
import type { Schedule } from './schedule.ts';
import { type ScheduleStore, scheduleIdOf } from './schedule-store.ts';
import { lineOf, timingText } from './sentences.ts';
import { nextAfter, nextRuns, readWish, type When } from './timing.ts';

/** Runs that are shown to those who decide. */
const RUNS_SHOWN = 3;
/** Told at once. */
const MOST_TOLD = 50;
/** Channels that are gone when the time comes: a terminal ends, and a program that asks by itself waits for its answer. */
const GONE_BY_THEN: ReadonlySet<string> = new Set(['cli', 'api']);

const Create = z.object({
  title: z.string().trim().min(1).max(100).describe('A short name for it.'),
  text: z
    .string()
    .trim()
    .min(1)
    .max(4_000)
    .describe('What you will be told to do then, in whole sentences; nothing else will be said to you.'),
  kind: z.enum(['once', 'cron']).describe('once: at one time. cron: again and again.'),
  at: z.string().max(20).optional().describe('With once: a local time, 2026-11-22T09:00.'),
  cron: z
    .string()
    .max(100)
    .optional()
    .describe('With cron: minute hour day month weekday, 0 9 * * 1-5 for nine on working days.'),
  time_zone: z.string().max(60).optional().describe('Such as Europe/Berlin. Leave out for the usual one.'),
});
const List = z.object({});
const Cancel = z.object({
  id: z
    .string()
    .regex(/^sch_p\d{1,2}_[0-9a-f]{12}$/, 'it looks like sch_p7_0123456789ab')
    .describe('As schedule_list tells it.'),
});

export interface ScheduleToolsDeps {
  readonly schedules: ScheduleStore;
  readonly approvals: { find(id: ApprovalId): Promise<Approval | undefined> };
  readonly directory: Pick<Directory, 'find' | 'may'>;
  readonly settings: () => SchedulerSettings;
  readonly clock: Clock;
}

export function createScheduleTools(deps: ScheduleToolsDeps): Tool[] {
  const { schedules, settings, clock } = deps;
  const read = (input: z.output<typeof Create>): When | string => {
    const { least_interval: leastMs, time_zone: usual } = settings();
    const wish = { kind: input.kind, at: input.at, cron: input.cron, zone: input.time_zone ?? usual };
    const found = readWish(wish, clock.now(), leastMs);
    return 'problem' in found ? found.problem : found.when;
  };
  const common = {
    group: 'scheduler',
    version: 1,
    risk: 'low',
    reversible: true,
    timeoutMs: 10_000,
  } as const;

  const create: Tool<typeof Create> = {
    ...common,
    name: 'schedule_create',
    description:
      'Plans that you are told something at another time, once or again and again, in this conversation and in the name of whoever asks now.',
    input: Create,
    risk: 'medium',
    effect: 'idempotent',
    async preview(input, { requester }) {
      const when = read(input);
      if (typeof when === 'string') throw new FutileCallError(when, { trust: 'tool' });
      const full = await fullFor(deps, requester);
      if (full !== undefined) throw new FutileCallError(full, { trust: 'tool' });
      return toPreview(when, clock.now());
    },
    async execute(input, context) {
      const id = scheduleIdOf(context.conversationId, context.idempotencyKey);
      const before = await schedules.find(id);
      if (before) return madeText(before);
      const when = read(input);
      const origin = await originOf(deps, context);
      if (typeof when === 'string') return refused(when);
      if (typeof origin === 'string') return refused(origin);
      const full = await fullFor(deps, context.requester);
      if (full !== undefined) return refused(full);
      const { title, text } = input;
      const { conversationId, hasReadStrangers } = context;
      const about = { title, text, ...(hasReadStrangers ? { isStrangers: true as const } : {}) };
      return madeText(
        await schedules.add({ id, conversationId, ...origin, ...about, when, createdMs: clock.now() }),
      );
    },
    compensation: {
      describe: ({ title }) => `take back what was planned: ${title}`,
      async execute(_input, receipt, { requester }) {
        const { id } = z.object({ id: z.string() }).parse(receipt);
        await schedules.cancel(id, requester);
        return { status: 'ok', text: `${id} is taken back.` };
      },
    },
  };
  const list: Tool<typeof List> = {
    ...common,
    name: 'schedule_list',
    description: 'Tells what is planned in this conversation.',
    input: List,
    effect: 'read',
    tells: 'outsider',
    composes: true,
    async execute(_input, { conversationId, requester }) {
      const all = await schedules.active();
      const here = all.filter((each) => each.conversationId === conversationId);
      const elsewhere = all.filter(
        (each) => each.by.person === requester && each.conversationId !== conversationId,
      ).length;
      const told = here.slice(0, MOST_TOLD).map(lineOf);
      const rest = here.length - told.length;
      return {
        status: 'ok',
        text: [
          ...(told.length > 0 ? told : ['Nothing is planned in this conversation.']),
          ...(rest > 0 ? [`(and ${rest} more)`] : []),
          ...(elsewhere > 0 ? [`(Whoever asks has ${elsewhere} more in other conversations.)`] : []),
        ].join('\n'),
        ...(here.some(({ isStrangers }) => isStrangers) ? {} : { trust: 'tool' as const }),
      };
    },
  };
  const cancel: Tool<typeof Cancel> = {
    ...common,
    name: 'schedule_cancel',
    description: 'Takes back what was planned: their own, for whoever asks; any, for those who run this.',
    input: Cancel,
    effect: 'idempotent',
    inTurn: true,
    changesElsewhere: () => true,
    tells: 'outsider',
    composes: true,
    async execute({ id }, { requester }) {
      const schedule = await schedules.find(id);
      if (!schedule || !mayCancel(deps, schedule, requester)) {
        // Whether somebody else has planned something under that name is their business.
        return { status: 'error', text: `Whoever asks has planned nothing under ${id}.`, trust: 'tool' };
      }
      const after = await schedules.cancel(id, requester);
      const was = after?.state === 'cancelled' ? 'is taken back' : 'is over already';
      const text = `"${schedule.title}" (${id}) ${was}.`;
      return { status: 'ok', text, ...(schedule.isStrangers ? {} : { trust: 'tool' as const }) };
    },
  };
  // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
  return [create, list, cancel] as unknown as Tool[];
}

function toPreview(when: When, nowMs: number): Preview {
  const runs = nextRuns(when, nowMs, RUNS_SHOWN).map((ms) => whenText(ms, when.zone));
  return {
    changes: [{ label: 'planned', after: `${timingText(when)}: ${runs.join('; ')}` }],
    basis: timingText(when),
  };
}

/** Why this person can have no more of them; undefined when they can. */
async function fullFor(
  { schedules, settings }: ScheduleToolsDeps,
  person: PersonId,
): Promise<string | undefined> {
  const { per_person: most } = settings();
  const own = (await schedules.active()).filter(({ by }) => by.person === person).length;
  return own < most
    ? undefined
    : `one person can have ${most} things planned at a time, and this one has ${own}`;
}

/** Who planned it where: as the request says under which the call runs. A text says why it cannot be told. */
async function originOf(
  { approvals }: ScheduleToolsDeps,
  { approvalId }: ToolContext,
): Promise<Pick<Schedule, 'to' | 'by'> | string> {
  const approval = approvalId && (await approvals.find(approvalId));
  const account = approval?.request.accounts?.[0];
  if (!approval || account === undefined) return 'it is not known who asked for it, and where';
  const { origin: to, request } = approval;
  if (GONE_BY_THEN.has(channelOf(to.platform))) {
    return `nobody could be answered ${channelOf(to.platform) === 'cli' ? 'at a terminal' : 'by the API'} then; ask in a channel`;
  }
  return { to, by: { person: request.requester, name: request.requesterName, account } };
}

function mayCancel({ directory }: ScheduleToolsDeps, { by }: Schedule, person: PersonId): boolean {
  return by.person === person || directory.may(directory.find(person)?.roles ?? [], 'operate');
}

function madeText(schedule: Schedule): ToolOutput {
  const { id, title, when, nextMs } = schedule;
  const next = whenText(nextAfter(when, schedule.createdMs) ?? nextMs, when.zone);
  return {
    status: 'ok',
    text: `Planned as ${id}: "${title}", ${timingText(when)}. The first time is ${next}.`,
    receipt: { id },
  };
}

function refused(why: string): ToolOutput {
  return { status: 'error', text: `Not planned: ${why}.` };
}
