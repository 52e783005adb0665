/**
 * Whether what a policy says about silence can happen at all: a step nobody comes to, a longer wait that has no time
 * left, a silent yes that nothing could ever get. What would be believed in until it is needed is a mistake when it is
 * read.
 *
 * Not here  who is asked by such a step (`cross-check.ts`), whether a call can be undone: each tool tells that itself.
 */
import { type Authorizations, askingOf } from './authorizations.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ConfigFile, Parsed, Path } from './config-file.ts';
import type { EscalationConfig, EscalationPolicy } from './escalation.ts';
import type { Settings } from './settings.ts';

export interface LadderCheckInput {
  readonly escalation: Parsed<EscalationConfig> | undefined;
  /** Where policies are named; what cannot be read is not held against any of them. */
  readonly authorizations: Parsed<Authorizations> | undefined;
  readonly settings: Parsed<Settings> | undefined;
}

export function checkLadders({ escalation, authorizations, settings }: LadderCheckInput): ConfigProblem[] {
  const { file, value } = escalation ?? {};
  if (!file || !value) return [];
  return Object.entries(value.policies).flatMap(([name, policy]) => {
    const at: Path = ['policies', name];
    return [
      ...checkHardDeadline(file, at, policy),
      ...checkSteps(file, at, policy),
      ...checkTimeLeft(file, at, policy),
      ...(authorizations?.whole && settings?.whole
        ? checkSilentYes(file, { at, name, policy }, namedIn(authorizations.value, settings.value))
        : []),
    ];
  });
}

/** Left out, it is as far off as the deadline at least; written, it has to be meant. */
function checkHardDeadline(file: ConfigFile, at: Path, policy: EscalationPolicy): ConfigProblem[] {
  if (!file.keysAt(at).includes('hard_deadline') || policy.hard_deadline >= policy.deadline) return [];
  const deadline = shown(file, [...at, 'deadline']);
  return [
    file.problemAt([...at, 'hard_deadline'], {
      expected: `no less than the deadline of ${deadline}`,
      hint: 'it ends then in any case: make it longer, or the deadline shorter',
    }),
  ];
}

/** Whatever the agent asks for can be answered, so an answer ends it; a silent yes that did not apply does not later. */
function checkSteps(file: ConfigFile, at: Path, { on_timeout }: EscalationPolicy): ConfigProblem[] {
  const answer = on_timeout.findIndex(({ kind }) => kind === 'default');
  const after = answer + 1;
  if (answer !== -1 && after < on_timeout.length) {
    return [
      file.problemAt([...at, 'on_timeout', after], {
        expected: 'nothing after an answer',
        found: `step ${after + 1}, which is never taken`,
        hint: `it is answered in step ${answer + 1}, and that is the end; put the answer last, or take out what follows`,
      }),
    ];
  }
  const yes = on_timeout.findIndex(({ kind }) => kind === 'approve');
  const again = on_timeout.findIndex(({ kind }, n) => kind === 'approve' && n > yes);
  if (again === -1) return [];
  return [
    file.problemAt([...at, 'on_timeout', again], {
      expected: 'approve once',
      found: `step ${again + 1}, which is never taken`,
      hint: `what step ${yes + 1} does not let run, this one does not either; take it out`,
    }),
  ];
}

/** As people count it, on any clock: working hours take longer still. */
function checkTimeLeft(file: ConfigFile, at: Path, policy: EscalationPolicy): ConfigProblem[] {
  const { on_timeout, deadline } = policy;
  const endMs = Math.max(policy.hard_deadline, deadline);
  let fromMs = deadline;
  for (const [n, rung] of on_timeout.entries()) {
    if (rung.kind !== 'escalate') continue;
    if (fromMs >= endMs) {
      return [
        file.problemAt([...at, 'on_timeout', n, 'escalate'], {
          expected: 'a hard_deadline that leaves time for this',
          found: `step ${n + 1}, which begins when it has ended: nobody of these is ever asked`,
          hint: `write a longer hard_deadline than ${hardDeadlineOf(file, at, policy)}, or shorter times before it`,
        }),
      ];
    }
    fromMs += rung.forMs;
  }
  return [];
}

function hardDeadlineOf(file: ConfigFile, at: Path, policy: EscalationPolicy): string {
  if (file.keysAt(at).includes('hard_deadline')) return shown(file, [...at, 'hard_deadline']);
  return policy.deadline > policy.hard_deadline
    ? shown(file, [...at, 'deadline'])
    : '7d, which it is if left out';
}

// ── A silent yes ─────────────────────────────────────────────────────────────────────────────────────────────

/** Who names a policy: for what may run unanswered, and for what never does. */
interface Named {
  readonly usual: ReadonlySet<string>;
  readonly exceptional: ReadonlySet<string>;
}

/** Exceptions, elevations, and what strangers may have wanted take a yes of somebody, each time. */
function namedIn(authorizations: Authorizations | undefined, settings: Settings | undefined): Named {
  const { rules = [], elevation, after_reading } = authorizations ?? {};
  const asking = rules.map((rule) => ({ rule, policy: askingOf(rule)?.asking.policy }));
  const clients = Object.values(settings?.api.clients ?? {});
  return {
    usual: new Set([
      'default',
      ...asking.flatMap(({ rule, policy }) => (rule.decision === 'ask' && policy ? [policy] : [])),
      ...clients.flatMap(({ policies, presets }) => [
        ...policies,
        ...Object.values(presets).map(({ policy }) => policy),
      ]),
    ]),
    exceptional: new Set([
      ...asking.flatMap(({ rule, policy }) => (rule.decision === 'deny' && policy ? [policy] : [])),
      ...[elevation?.policy, after_reading?.policy].flatMap((policy) => policy ?? []),
    ]),
  };
}

function checkSilentYes(
  file: ConfigFile,
  { at, name, policy }: { readonly at: Path; readonly name: string; readonly policy: EscalationPolicy },
  { usual, exceptional }: Named,
): ConfigProblem[] {
  const step = policy.on_timeout.findIndex(({ kind }) => kind === 'approve');
  if (step === -1 || usual.has(name) || !exceptional.has(name)) return [];
  return [
    file.problemAt([...at, 'on_timeout', step], {
      expected: 'no approve in a policy for exceptions alone',
      found: 'approve, which never applies: everything this policy is named for needs a yes of somebody',
      hint: 'take it out; silence makes no exception, opens no message and lets nothing run that strangers may want',
    }),
  ];
}

function shown(file: ConfigFile, at: Path): string {
  return file.show(at).replaceAll('"', '');
}
