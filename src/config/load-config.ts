/**
 * Reads the six files of the configuration folder into one checked value.
 *
 * Files, then schema, then what only several files together can tell. Everything that is wrong is reported at once:
 * a file that cannot be read does not hide what is wrong in the next.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Calendar } from '../calendar/calendar.ts';
import { Authorizations } from './authorizations.ts';
import { checkApi } from './check-api.ts';
import { checkBudgets } from './check-budgets.ts';
import { checkEscalations } from './check-escalations.ts';
import { checkLadders } from './check-ladders.ts';
import { checkSchedules } from './check-schedules.ts';
import { checkSettings } from './check-settings.ts';
import { checkTools } from './check-tools.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { ConfigFile, type Parsed } from './config-file.ts';
import { Contacts } from './contacts.ts';
import { crossCheck } from './cross-check.ts';
import { EscalationConfig } from './escalation.ts';
import { readHolidays } from './holidays.ts';
import { Purpose } from './purpose.ts';
import type { Environment } from './references.ts';
import { closeUp } from './salvage.ts';
import { SchedulesConfig, toCalendar } from './schedules.ts';
import { checkSchema } from './schema-check.ts';
import { type GatewaySchemas, type Settings, settingsSchema } from './settings.ts';

/** Everything that can be configured. Frozen; a change makes a new one. */
export interface Config<Gateways extends GatewaySchemas = GatewaySchemas> {
  /** The folder of the files. */
  readonly directory: string;
  readonly purpose: Purpose;
  readonly authorizations: Authorizations;
  readonly contacts: Contacts;
  readonly schedules: SchedulesConfig;
  readonly escalation: EscalationConfig;
  readonly settings: Settings<Gateways>;
  /** What `schedules` and the files it names come to. */
  readonly calendar: Calendar;
  /** What of the environment stands in it and nobody is to read, whatever its keys are called. */
  readonly secrets: readonly string[];
}

export interface ConfigOptions<Gateways extends GatewaySchemas = GatewaySchemas> {
  readonly directory: string;
  readonly env: Environment;
  readonly gateways: Gateways;
}

export const CONFIG_PARTS = [
  'purpose',
  'authorizations',
  'contacts',
  'schedules',
  'escalation',
  'settings',
] as const;
export type ConfigPart = (typeof CONFIG_PARTS)[number];

/** What an installation can do without: nobody is on call then, and no hours have a name. */
const OPTIONAL: ReadonlySet<ConfigPart> = new Set(['schedules']);

/** The text of each file; undefined where it could not be read. */
export type ConfigTexts = Readonly<Record<ConfigPart, string | undefined>> & {
  /** iCal files of the folder, by name. */
  readonly calendars?: Readonly<Record<string, string>>;
};

/** @throws {ConfigError} with every problem there is */
export function loadConfig<Gateways extends GatewaySchemas>(
  options: ConfigOptions<Gateways>,
): Config<Gateways> {
  return parseConfig(readConfigTexts(options.directory), options);
}

export function readConfigTexts(directory: string): ConfigTexts {
  return {
    purpose: readText(directory, 'purpose'),
    authorizations: readText(directory, 'authorizations'),
    contacts: readText(directory, 'contacts'),
    schedules: readText(directory, 'schedules'),
    escalation: readText(directory, 'escalation'),
    settings: readText(directory, 'settings'),
    calendars: readCalendars(directory),
  };
}

/** The same, from texts already read. Pure. @throws {ConfigError} with every problem there is */
export function parseConfig<Gateways extends GatewaySchemas>(
  texts: ConfigTexts,
  options: ConfigOptions<Gateways>,
): Config<Gateways> {
  const { config, problems } = examineConfig(texts, options);
  if (problems.length > 0 || !config) throw new ConfigError(options.directory, problems);
  return config;
}

export interface Examined<Gateways extends GatewaySchemas = GatewaySchemas> {
  /** With problems: without the entries they are in, and good for a look alone; undefined when too little is left. */
  readonly config: Config<Gateways> | undefined;
  readonly problems: readonly ConfigProblem[];
}

/** Everything that is wrong, and what is right all the same. Pure. */
export function examineConfig<Gateways extends GatewaySchemas>(
  texts: ConfigTexts,
  { directory, env, gateways }: ConfigOptions<Gateways>,
): Examined<Gateways> {
  const problems: ConfigProblem[] = [];
  const secrets = new Set<string>();
  const parse = <Schema extends z.ZodType>(
    part: ConfigPart,
    schema: Schema,
  ): Parsed<z.output<Schema>> | undefined => {
    const text = texts[part] ?? (OPTIONAL.has(part) ? '' : undefined);
    if (text === undefined) {
      problems.push(missingFile(part, directory));
      return undefined;
    }
    const file = new ConfigFile(fileNameOf(part), text, env);
    problems.push(...file.problems);
    // In the other files a variable is a name, or somebody's account.
    if (part === 'settings') for (const secret of file.secrets) secrets.add(secret);
    if (!file.readable) return undefined;
    const checked = checkSchema(file, schema);
    problems.push(...checked.problems);
    return { file, value: checked.value, whole: checked.problems.length === 0 };
  };

  const purpose = parse('purpose', Purpose);
  const authorizations = parse('authorizations', Authorizations);
  const contacts = parse('contacts', Contacts);
  const schedules = parse('schedules', SchedulesConfig);
  const escalation = parse('escalation', EscalationConfig);
  const settings = parse('settings', settingsSchema(gateways));

  const daysOff = readHolidays(schedules, texts.calendars);
  problems.push(
    ...daysOff.problems,
    ...checkSchedules({ schedules, contacts }),
    ...crossCheck({ authorizations, contacts, schedules, escalation, platforms: Object.keys(gateways) }),
    ...checkTools({
      authorizations,
      contacts: contacts?.file,
      escalation: escalation?.file,
      platforms: [...Object.keys(gateways), 'cli'],
    }),
    ...checkEscalations({
      escalation,
      authorizations,
      contacts,
      schedules,
      platforms: Object.keys(gateways),
    }),
  );
  problems.push(
    ...checkBudgets(settings),
    ...checkSettings(settings, [...Object.keys(gateways), 'cli']),
    ...checkLadders({ escalation, authorizations, settings }),
    ...checkApi({
      settings,
      authorizations: authorizations?.file,
      contacts: contacts?.file,
      escalation: escalation?.file,
      schedules: schedules?.file,
    }),
  );
  const whole = purpose?.value &&
    authorizations?.value &&
    contacts?.value &&
    schedules?.value &&
    escalation?.value &&
    settings?.value && {
      directory,
      purpose: purpose.value,
      authorizations: closeUp(authorizations.value),
      contacts: closeUp(contacts.value),
      schedules: closeUp(schedules.value),
      escalation: closeUp(escalation.value),
      settings: settings.value,
      calendar: toCalendar(schedules.value, daysOff.holidays),
      secrets: [...secrets],
    };
  return { config: whole && freeze(whole), problems: inOrder(problems) };
}

export function fileNameOf(part: ConfigPart): string {
  return `${part}.yaml`;
}

function readText(directory: string, part: ConfigPart): string | undefined {
  return readFile(join(directory, fileNameOf(part))); // Missing, it is reported by name with the other problems.
}

/** Those that `holidays` may name; what cannot be read is missing where it is named. */
function readCalendars(directory: string): Record<string, string> {
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith('.ics') && !name.startsWith('.'));
    return Object.fromEntries(
      names.toSorted().flatMap((name) => {
        const text = readFile(join(directory, name));
        return text === undefined ? [] : [[name, text]];
      }),
    );
  } catch {
    return {}; // The folder itself: reported with its files.
  }
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function missingFile(part: ConfigPart, directory: string): ConfigProblem {
  const file = fileNameOf(part);
  return {
    file,
    line: undefined,
    keyPath: '',
    expected: `a readable file ${join(directory, file)}`,
    found: 'none',
    hint: 'say where it is with --config FOLDER, or take the one that came with Signalbox and change it to your needs',
  };
}

function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const order: readonly string[] = CONFIG_PARTS.map(fileNameOf);
  const rank = ({ file }: ConfigProblem) => (order.includes(file) ? order.indexOf(file) : order.length);
  return [...problems].sort((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0));
}

/** Freezes plain objects and lists, all the way down, so that no reader can change what others see. */
function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return value;
  Object.values(value).forEach(freeze);
  return Object.freeze(value);
}
