/** `signalbox escalation …`: what is wrong with the policies, and what they would do. Needs no store and no platform. */
import { missingOf } from '../../gateways/gateway-settings.ts';
import { ConfigError } from '../config/config-error.ts';
import { plansOf } from '../config/escalation-plans.ts';
import { didYouMean } from '../config/schema-check.ts';
import { AppError } from '../domain/errors.ts';
import type { EscalationPlan, Severity } from '../domain/escalation/plan.ts';
import type { PersonId, Platform } from '../domain/ids.ts';
import { endText, type Finding, handoffOf, lint } from '../escalation/lint.ts';
import { type Simulation, simulate } from '../escalation/simulation.ts';
import { clockText, lengthText, loudnessText, toLines, type Wording } from '../escalation/simulation-text.ts';
import type { SurroundingsDeps } from '../escalation/surroundings.ts';
import { Directory } from '../identity/directory.ts';
import { platformName } from './banner.ts';
import type { LocalMoment } from './local-moment.ts';
import { type GatewayConfig, readConfig } from './prepare.ts';
import { playedBySandbox } from './sandbox-plan.ts';
import { table } from './table.ts';

/** What was asked for is not there. The message says what is. */
class UnknownPolicyError extends AppError {
  override readonly code = 'UNKNOWN_POLICY';
}

export interface SimulateOptions {
  readonly config: string;
  readonly policy: string;
  /** When it is reported. */
  readonly at: LocalMoment;
  readonly severity: Severity;
  /** So long it is watched, in ms. */
  readonly forMs: number;
  readonly json: boolean;
}

/** @throws {UnknownPolicyError} when there is no such policy */
export function simulatePolicy(options: SimulateOptions): number {
  const config = readConfig(options.config);
  const plan = findPlan(config, options.policy);
  const deps = depsOf(config);
  const { severity, at, forMs } = options;
  const simulation = simulate(deps, {
    plan,
    severity,
    atMs: at.atMs,
    forMs,
    handoff: handoffOf(plan, config),
  });
  const wording: Wording = {
    zone: at.zone,
    startMs: at.atMs,
    rounds: plan.rounds,
    name: (person) => deps.directory.find(person)?.name ?? person,
    platform: platformName,
  };
  process.stdout.write(
    options.json
      ? `${JSON.stringify(toJson(simulation, plan, options), undefined, 2)}\n`
      : render(simulation, plan, options, wording),
  );
  return 0;
}

export interface LintOptions {
  readonly config: string;
  readonly nowMs: number;
  readonly zone: string;
  readonly json: boolean;
}

/** Exit code 1 when somebody would wait in vain. */
export function lintPolicies(options: LintOptions): number {
  let config: GatewayConfig;
  try {
    config = readConfig(options.config);
  } catch (error) {
    if (!(error instanceof ConfigError) || !options.json) throw error;
    process.stdout.write(`${JSON.stringify({ ok: false, problems: error.problems }, undefined, 2)}\n`);
    return 1;
  }
  const findings = lint({ ...depsOf(config), config, zone: options.zone }, options.nowMs);
  const isOk = !findings.some(({ level }) => level === 'error');
  process.stdout.write(
    options.json ? `${JSON.stringify({ ok: isOk, findings }, undefined, 2)}\n` : renderFindings(findings),
  );
  return isOk ? 0 : 1;
}

function findPlan(config: GatewayConfig, name: string): EscalationPlan {
  const plans = plansOf(config);
  const plan = plans.get(name);
  if (plan) return plan;
  const names = [...plans.keys()];
  if (names.length === 0) {
    throw new UnknownPolicyError(
      `There is no escalation policy "${name}": escalation.yaml has none. Write one under \`escalations:\`; docs/escalation.md has an example.`,
    );
  }
  const meant = didYouMean(name, names);
  const hint = meant === undefined ? `There is: ${names.join(', ')}.` : `Did you mean ${meant}?`;
  throw new UnknownPolicyError(`There is no escalation policy "${name}" in escalation.yaml. ${hint}`);
}

/** As the gateway would run with these files: with its platforms, those of the sandbox among them. */
function depsOf(config: GatewayConfig): SurroundingsDeps {
  const running = runningPlatforms(config);
  const { jira, web } = config.settings.gateways;
  const played = new Set<string>(playedBySandbox(config));
  const directory = new Directory(() => config);
  const canReach = (person: PersonId, platform: Platform): boolean => {
    if (!running.has(platform)) return false;
    // Nobody is written to in Jira but in an issue, and a program only if it is let in.
    if (platform === 'jira') return played.has('jira') || jira.approval_issue !== undefined;
    if (platform !== 'web' || played.has('web')) return true;
    const accounts = directory.find(person)?.accounts ?? [];
    return accounts.some((account) => web.clients[account.slice('web:'.length)]?.token !== undefined);
  };
  const canPost = (platform: string) => running.has(platform) && platform !== 'web';
  return { config, directory, writing: { canReach, canPost } };
}

export function runningPlatforms(config: GatewayConfig): ReadonlySet<string> {
  const missing: Readonly<Record<string, readonly string[]>> = missingOf(config.settings.gateways);
  const on = Object.entries(config.settings.gateways).filter(([name, { enabled }]) =>
    enabled === 'auto' ? missing[name]?.length === 0 : enabled,
  );
  return new Set([...on.map(([name]) => name), ...playedBySandbox(config)]);
}

function render(
  simulation: Simulation,
  plan: EscalationPlan,
  { at, severity, forMs }: SimulateOptions,
  wording: Wording,
): string {
  const lines = toLines(simulation, wording);
  const rows = lines.map(({ when, step, who, by, why }) => [when, step, who, by, why]);
  const parts = [
    `${plan.name}, reported ${clockText(at.atMs, at.zone)} (${at.zone}); ${loudnessText(severity)}.`,
    ...(at.remark === undefined ? [] : [at.remark]),
    '',
    rows.length === 0 ? 'Nothing happens in this time.' : table(['when', 'step', 'who', 'by', 'why'], rows),
    '',
    summary(simulation, plan, { at, forMs }),
    '',
  ];
  return parts.join('\n');
}

function summary(
  { happenings, end }: Simulation,
  { nagMs }: EscalationPlan,
  { at, forMs }: Pick<SimulateOptions, 'at' | 'forMs'>,
): string {
  const sentence = `If nobody takes it: ${endText({ happenings, end }, at.atMs)}`;
  switch (end.kind) {
    case 'exhausted':
      return `${sentence}, on ${clockText(end.atMs, at.zone, at.atMs)}. From then on ${againText(happenings)} every ${lengthText(nagMs)}.`;
    case 'resolved':
      return `${sentence}, on ${clockText(end.atMs, at.zone, at.atMs)}.`;
    case 'watched':
      return `${sentence}. To watch it for longer: --for ${Math.ceil(forMs / 43_200_000)}d.`;
    default:
      return end.kind satisfies never;
  }
}

/** What comes of it once nobody else is left: where somebody has come since nobody could be called, they are called. */
function againText(happenings: Simulation['happenings']): string {
  const last = happenings.findLast((each) => each.kind === 'alarm' || ('at' in each && each.at === 'last'));
  return last?.kind === 'alarm'
    ? 'it is looked again whether anybody of the last resort can be called,'
    : 'the last resort is called again';
}

function toJson(
  { happenings, end }: Simulation,
  plan: EscalationPlan,
  { at, severity }: SimulateOptions,
): object {
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    policy: plan.name,
    severity,
    at: iso(at.atMs),
    zone: at.zone,
    ...(at.remark === undefined ? {} : { remark: at.remark }),
    happenings: happenings.map(({ atMs, ...rest }) => ({ at: iso(atMs), ...namedTimes(rest) })),
    end: { kind: end.kind, at: iso(end.atMs) },
  };
}

/** Every `…Ms` that is a moment as one that people and programs can read, however deep; `at` is a step there. */
function namedTimes(happening: object): object {
  return Object.fromEntries(
    Object.entries(happening).map(([key, value]: [string, unknown]) => {
      if (key === 'at') return ['step', value];
      if (typeof value === 'object' && value !== null) return [key, namedTimes(value)];
      const isMoment = (key === 'toldMs' || key === 'untilMs') && typeof value === 'number';
      return isMoment ? [key.replace('Ms', ''), new Date(value).toISOString()] : [key, value];
    }),
  );
}

const LEVELS = { error: 'ERROR', warning: 'warning', fact: '' } as const;

function renderFindings(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'There is no escalation policy: escalation.yaml has no `escalations`.\n';
  const policies = [...new Set(findings.map(({ policy }) => policy))];
  const blocks = policies.map((policy) => {
    const lines = findings
      .filter((finding) => finding.policy === policy)
      .map(({ level, text }) => `  ${[LEVELS[level], text].filter((part) => part !== '').join('  ')}`);
    return [policy, ...lines].join('\n');
  });
  const bad = findings.filter(({ level }) => level === 'error').length;
  const doubtful = findings.filter(({ level }) => level === 'warning').length;
  return `${[...blocks, `${errorsText(bad)}, ${warningsText(doubtful)}.`].join('\n\n')}\n`;
}

function errorsText(number: number): string {
  return number === 0 ? 'No errors' : number === 1 ? 'One error' : `${number} errors`;
}

function warningsText(number: number): string {
  return number === 0 ? 'no warnings' : number === 1 ? 'one warning' : `${number} warnings`;
}
