/** `signalbox config …`: what may stand in the files, and changing one key of them. */
import { z } from 'zod';
import { gatewaySettings } from '../../gateways/gateway-settings.ts';
import { changeSetting, type SettingOutcome } from '../config/change-setting.ts';
import { renderProblems } from '../config/config-error.ts';
import { configJsonSchema, type JsonSchema, renderJsonSchema } from '../config/json-schema.ts';
import { OutboxItem } from '../delivery/outbox.ts';
import { Approval } from '../domain/approval/record.ts';
import { AuditEvent } from '../domain/audit-event.ts';
import { Card } from '../domain/card.ts';
import { MailboxItem } from '../domain/mailbox-item.ts';
import { Inbound } from '../domain/message.ts';
import { actorOf } from './actor.ts';
import { environment } from './prepare.ts';
import { withStores } from './with-stores.ts';

/** The files, and what passes between the parts: one schema each, made from the very ones that are enforced. */
function allSchemas(): Readonly<Record<string, JsonSchema>> {
  const messages = {
    inbound: Inbound,
    'mailbox-item': MailboxItem,
    'outbox-item': OutboxItem,
    approval: Approval,
    card: Card,
    'audit-event': AuditEvent,
  };
  const rendered = Object.entries(messages).map(([name, schema]) => [
    name,
    z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }),
  ]);
  return { ...configJsonSchema(gatewaySettings), ...Object.fromEntries(rendered) };
}

/** @param part one of `SCHEMA_PARTS`, or undefined for all of them by name */
export function printSchema(part: string | undefined): number {
  const schemas = allSchemas();
  process.stdout.write(renderJsonSchema(part === undefined ? schemas : (schemas[part] ?? {})));
  return 0;
}

export interface ConfigSetOptions {
  readonly config: string;
  readonly json: boolean;
}

export async function setSetting(key: string, value: string, options: ConfigSetOptions): Promise<number> {
  return withStores(options.config, async (session) => {
    const { person } = actorOf(session.config, session.directory);
    const outcome = await changeSetting(
      { key, value, by: person, channel: 'cli' },
      session.config.authorizations,
      { directory: options.config, env: environment(), gateways: gatewaySettings },
    );
    if ('audit' in outcome) await session.audit.append('config', outcome.audit);
    const refused = outcome.kind === 'refused';
    const words = options.json
      ? JSON.stringify(toJson(outcome))
      : sentence(outcome, key, value, options.config);
    (refused && !options.json ? process.stderr : process.stdout).write(`${words}\n`);
    return refused ? 1 : 0;
  });
}

function sentence(outcome: SettingOutcome, key: string, value: string, directory: string): string {
  switch (outcome.kind) {
    case 'changed':
      return `${outcome.file}: ${key} is now ${value}. A running gateway applies it at once.`;
    case 'unchanged':
      return `${key} is ${value} already; nothing was changed.`;
    case 'refused':
      return outcome.problems.length === 0
        ? `Refused: ${outcome.sentence}.`
        : `Refused: ${outcome.sentence}.\n\n${renderProblems(directory, outcome.problems)}`;
    default:
      return outcome satisfies never;
  }
}

function toJson(outcome: SettingOutcome): object {
  return Object.fromEntries(Object.entries(outcome).filter(([name]) => name !== 'audit'));
}
