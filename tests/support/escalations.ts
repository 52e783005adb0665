/** A configuration with people who are on call, away or asleep, and what escalation policies see of it. */

import { plansOf } from '../../src/config/escalation-plans.ts';
import type { EscalationPlan } from '../../src/domain/escalation/plan.ts';
import type { LintDeps } from '../../src/escalation/lint.ts';
import { Directory } from '../../src/identity/directory.ts';
import { aConfig, parse } from '../unit/config/config-texts.ts';

const PEOPLE = `people:
  alex:
    name: Alex Kim
    roles: [member]
    accounts: { slack: T0/U0ALEX, email: alex@corp.test }
  dana:
    name: Dana Reyes
    roles: [manager, operator]
    accounts: { slack: T0/U0DANA, email: dana@corp.test }
    reach: { urgent: [slack], low: [email] }
  kim:
    name: Kim Park
    roles: [manager]
    accounts: { slack: T0/U0KIM }
`;

const SCHEDULES = `working_hours:
  office: { time_zone: Europe/Berlin, days: { mon: 09:00-17:00, tue: 09:00-17:00 } }
on_call:
  support:
    time_zone: Europe/Berlin
    rotations: [{ name: weekly, start: 2026-11-02T09:00, shift: 1w, people: [alex, dana] }]
`;

/** Begins every `at` of a test: a Monday, ten in the morning in Berlin. */
export const MONDAY = Date.parse('2026-11-23T09:00:00Z');

export interface EscalationWorld extends LintDeps {
  readonly plan: EscalationPlan;
}

/**
 * @param duty the policy `duty` as it stands in the file
 * @param change further lines of people, schedules, and of escalation.yaml; platforms that do not run
 */
export function worldWith(
  duty: string,
  {
    people = '',
    schedules = '',
    rest = '',
    off = [],
    edit = (text) => text,
    hours = (text) => text,
    calendars = {},
  }: {
    people?: string;
    schedules?: string;
    rest?: string;
    off?: readonly string[];
    /** Changes the people. */
    edit?: (text: string) => string;
    /** Changes the schedules. */
    hours?: (text: string) => string;
    calendars?: Readonly<Record<string, string>>;
  } = {},
): EscalationWorld {
  const { escalation = '', authorizations = '' } = aConfig();
  const config = parse({
    authorizations: authorizations.replace('[operate, config.change]', '[operate, take-over]'),
    contacts: edit(PEOPLE) + people,
    schedules: hours(SCHEDULES) + schedules,
    calendars,
    escalation: `${escalation}escalations:\n  duty:\n${duty.trim().replaceAll(/^/gm, '    ')}\n${rest}`,
  });
  const plan = plansOf(config).get('duty');
  if (!plan) throw new Error('there is no policy duty');
  const directory = new Directory(() => config);
  const writing = {
    canReach: (_person: string, platform: string) => !off.includes(platform),
    canPost: (platform: string) => !off.includes(platform),
  };
  return { config, directory, writing, zone: 'Europe/Berlin', plan };
}
