/**
 * `signalbox escalation list`, `ack` and so on: what waits for somebody to look after it, and acting on it at the
 * terminal. It goes through the desk every other gesture goes through: the same permission, the same audit.
 */
import { randomUUID } from 'node:crypto';
import { firstChars, visible } from '../approvals/sentences.ts';
import { plansOf } from '../config/escalation-plans.ts';
import { escalationIdOf, toReport } from '../delivery/escalation-item.ts';
import { StartupError } from '../domain/errors.ts';
import type { Severity } from '../domain/escalation/plan.ts';
import { dueOf, type Escalation } from '../domain/escalation/record.ts';
import { EscalationId } from '../domain/ids.ts';
import type { EscalationAct } from '../escalation/escalation-desk.ts';
import { deedText } from '../escalation/sentences.ts';
import { CLI_PLATFORM } from '../identity/directory.ts';
import { actorOf, auditName, demand, shownName } from './actor.ts';
import { relative, table } from './table.ts';
import { withKnownStores } from './with-stores.ts';

/** Escalations listed, at most. */
const MOST_LISTED = 1_000;
/** Of what was said, in one line of the list, in characters. */
const MOST_WORDS = 50;

export interface EscalationsOptions {
  readonly config: string;
  readonly json: boolean;
  /** The person to act for. */
  readonly as: string | undefined;
}

/** What waits, for the one at the terminal; all of it for whoever runs the gateway. */
export async function listEscalations({ config, json, as }: EscalationsOptions): Promise<number> {
  return withKnownStores(config, async (session) => {
    const { person } = actorOf(session.config, session.directory, as);
    const waiting = await session.escalationDesk.listFor(
      { person: person.id, roles: person.roles },
      MOST_LISTED,
    );
    if (json) return print(JSON.stringify(waiting, undefined, 2));
    if (waiting.length === 0) return print('Nothing waits for you to look after it.');
    const rows = waiting.map((escalation) => {
      const { id, standing, severity, firstMs, count } = escalation;
      const what = whatText(escalation);
      const dueMs = dueOf(escalation);
      return [
        id,
        standing.state === 'ACKED' ? `${standing.owner.name} has it` : standing.state.toLowerCase(),
        severity,
        relative(firstMs, Date.now()),
        dueMs === undefined ? '' : relative(dueMs, Date.now()),
        count > 1 ? `${what} (${count} times)` : what,
      ];
    });
    return print(table(['ticket', 'state', 'severity', 'since', 'next', 'what'], rows));
  });
}

/** With the beginning of what was said, which tells apart what is called the same. */
function whatText({ title, words = '' }: Escalation): string {
  const said = visible(words.replaceAll(/\s+/g, ' ')).trim();
  if (said === '') return title;
  return `${title}: ${said.length > MOST_WORDS ? `${firstChars(said, MOST_WORDS - 1)}…` : said}`;
}

/** Acts on one. Resolves with 1 when nothing came of it. */
export async function actOnEscalation(
  ticket: string,
  act: EscalationAct,
  { config, json, as }: EscalationsOptions,
): Promise<number> {
  return withKnownStores(config, async (session) => {
    const actor = actorOf(session.config, session.directory, as);
    const escalation = EscalationId.safeParse(ticket);
    const result = escalation.success
      ? await session.escalationDesk.act(
          {
            id: `cli:${randomUUID()}`,
            escalation: escalation.data,
            by: { person: actor.person.id, name: shownName(actor), roles: actor.person.roles },
            actor: auditName(actor),
            channel: CLI_PLATFORM,
          },
          act,
        )
      : undefined;
    if (!result) {
      throw new StartupError(
        `there is no escalation ${ticket}`,
        '`signalbox escalation list` shows those that wait',
      );
    }
    const failed = ['NOT_PERMITTED', 'OVER', 'NOT_YOURS', 'NO_SUCH_STEP', 'ALREADY'].includes(result.code);
    print(
      json ? JSON.stringify(result, undefined, 2) : deedText(result, actor.person.id).replaceAll('`', ''),
    );
    return failed ? 1 : 0;
  });
}

/** Calls people about something by hand. */
export async function raiseEscalation(
  title: string,
  {
    policy,
    severity,
    ...options
  }: EscalationsOptions & { readonly policy: string; readonly severity: Severity },
): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    const actor = actorOf(session.config, session.directory, options.as);
    demand(session.directory, actor, 'operate', 'call people');
    if (visible(title).trim() === '')
      throw new StartupError(
        'nothing says what it is about',
        'write a few words behind the options: they are what those who are called read',
      );
    const names = [...plansOf(session.config).keys()];
    if (!names.includes(policy)) {
      const known = names.length === 0 ? 'none is configured' : `there are ${names.join(', ')}`;
      throw new StartupError(
        `there is no escalation policy ${policy}`,
        `see escalations of escalation.yaml; ${known}`,
      );
    }
    const id = randomUUID();
    const about = { key: `manual:${id}`, subject: { kind: 'trouble' as const } };
    const ticket = escalationIdOf(about.key, about.subject);
    const report = toReport(
      {
        ...about,
        severity,
        title,
        correlation: `cli:${id}`,
        reportId: `cli:${id}`,
        policy,
      },
      Date.now(),
    );
    await session.writer.write(`manual:${id}`, [
      report,
      {
        kind: 'audit',
        event: {
          event: 'escalation.asked-for',
          actor: auditName(actor),
          // The ticket, so that its trace begins with whoever wanted it.
          subject: ticket,
          correlation: `cli:${id}`,
          channel: CLI_PLATFORM,
          detail: { policy, severity },
        },
      },
    ]);
    return print(
      (await session.isGatewayRunning())
        ? `People are being called: ${ticket}. \`signalbox escalation list\` shows it.`
        : `Recorded as ${ticket}. No gateway is running; people are called when one is started.`,
    );
  });
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
