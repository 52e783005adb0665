/**
 * What only several files together, or several keys together, can tell: names that lead nowhere, people nobody can
 * reach, rules nobody could ever answer.
 */

import { PersonId } from '../domain/ids.ts';
import { type Approvers, isApprover, isQuorum, type Leaf, leavesOf, type Voter } from '../domain/quorum.ts';
import { AGENT, type Authorizations, askingOf, mayDo } from './authorizations.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ConfigFile, Parsed, Path } from './config-file.ts';
import { type Contact, type Contacts, toAccountId, wantedInstead } from './contacts.ts';
import type { EscalationConfig, EscalationPolicy } from './escalation.ts';
import { peopleOf, type SchedulesConfig } from './schedules.ts';
import { didYouMean } from './schema-check.ts';

export interface CrossCheckInput {
  readonly authorizations: Parsed<Authorizations> | undefined;
  readonly contacts: Parsed<Contacts> | undefined;
  readonly schedules: Parsed<SchedulesConfig> | undefined;
  readonly escalation: Parsed<EscalationConfig> | undefined;
  /** Platforms that have a gateway. */
  readonly platforms: readonly string[];
}

/** The terminal needs no gateway to be an account. */
const TERMINAL = 'cli';

/**
 * Checks whatever is there for it. An entry with a mistake of its own is left out; its name still counts, and where
 * it could be the one that is missed, nothing is said to be missing.
 */
export function crossCheck(input: CrossCheckInput): ConfigProblem[] {
  const known = [...input.platforms, TERMINAL];
  const authorizations = present(input.authorizations);
  const contacts = present(input.contacts);
  const schedules = present(input.schedules);
  const escalation = present(input.escalation);
  const who = authorizations && contacts && { authorizations, contacts, schedules };
  return [
    ...(authorizations ? checkAuthorizations(authorizations, known) : []),
    ...(who ? checkApprovers(who, escalation) : []),
    ...(input.authorizations && contacts ? checkRolesOfPeople(input.authorizations.file, contacts) : []),
    ...(authorizations && input.escalation ? checkPolicyNames(authorizations, input.escalation.file) : []),
    ...(who && escalation ? checkReach(who, escalation) : []),
    ...(contacts ? checkContacts(contacts, known) : []),
    ...(escalation ? checkPolicies(escalation, known, input.schedules?.file) : []),
  ];
}

interface Present<Value> extends Parsed<Value> {
  readonly value: Value;
}

function present<Value>(parsed: Parsed<Value> | undefined): Present<Value> | undefined {
  return parsed?.value === undefined ? undefined : { ...parsed, value: parsed.value };
}

function checkAuthorizations(
  { file, value }: Present<Authorizations>,
  platforms: readonly string[],
): ConfigProblem[] {
  const roles = file.keysAt(['roles']);
  const firstNamed = new Map<string, number>();
  const problems: ConfigProblem[] = [];

  value.rules.forEach((rule, index) => {
    const at: Path = ['rules', index];
    const before = firstNamed.get(rule.name);
    if (before !== undefined) {
      problems.push(
        file.problemAt([...at, 'name'], {
          expected: 'a name no other rule has',
          hint: `line ${file.lineOf(['rules', before, 'name'])} has it already`,
        }),
      );
    } else {
      firstNamed.set(rule.name, index);
    }
    rule.requester?.roles?.forEach((role, n) => {
      problems.push(...unknownName(file, [...at, 'requester', 'roles', n], 'role', role, roles));
    });
    rule.requester?.platforms?.forEach((platform, n) => {
      problems.push(
        ...unknownName(file, [...at, 'requester', 'platforms', n], 'platform', platform, platforms),
      );
    });
    const asked = askingOf(rule);
    if (asked?.asking.channel !== undefined) {
      const place = [...at, ...asked.at, 'channel'];
      problems.push(...unknownName(file, place, 'platform', asked.asking.channel, platforms));
    }
  });

  problems.push(...checkTakeover({ file, value }, platforms), ...checkAgents({ file, value }, platforms));
  if (value.guest_role !== undefined) {
    problems.push(...unknownName(file, ['guest_role'], 'role', value.guest_role, roles));
    problems.push(...checkGuestRole({ file, value }, value.guest_role));
  } else if (value.unknown_senders === 'answer') {
    problems.push(
      file.problemAt(['guest_role'], {
        expected: 'the role that unknown senders get',
        hint: 'unknown_senders: answer needs a guest_role',
      }),
    );
  }
  if (asksByDefault(value) && value.defaults.approvers === undefined) {
    problems.push(
      file.problemAt(['defaults', 'approvers'], {
        expected: '{ role: … } or { person: … }',
        hint: 'a default of `ask` needs somebody to ask',
      }),
    );
  }
  return problems;
}

/** Whoever is nobody here comes to decide, run or take over nothing by that. */
function checkGuestRole(
  { file, value }: Pick<Present<Authorizations>, 'file' | 'value'>,
  role: string,
): ConfigProblem[] {
  const more = (value.roles[role]?.permissions ?? []).filter((permission) => permission !== 'ask');
  if (more.length === 0) return [];
  return [
    file.problemAt(['guest_role'], {
      expected: 'a role that may ask, and nothing else',
      hint: `strangers have this role, and ${role} also has ${more.join(', ')}; name a role with permissions: [ask]`,
    }),
  ];
}

/** A rule that could never take a conversation over would be believed in until it is needed. */
function checkTakeover(
  { file, value }: Pick<Present<Authorizations>, 'file' | 'value'>,
  platforms: readonly string[],
): ConfigProblem[] {
  const names = file.keysAt(['roles']);
  return value.takeover.rules.flatMap(({ when, do: act }, index) => {
    const at: Path = ['takeover', 'rules', index, 'when'];
    const unknown = [
      ...(when.roles ?? []).flatMap((role, n) => unknownName(file, [...at, 'roles', n], 'role', role, names)),
      ...(when.platforms ?? []).flatMap((platform, n) =>
        unknownName(file, [...at, 'platforms', n], 'platform', platform, platforms),
      ),
    ];
    const powerless = (when.roles ?? []).filter(
      (role) => act === 'take-over' && value.roles[role] && !mayDo(value, [role], 'take-over'),
    );
    return [
      ...unknown,
      ...powerless.map((role) =>
        file.problemAt([...at, 'roles', (when.roles ?? []).indexOf(role)], {
          expected: 'a role that may take conversations over',
          hint: `add take-over to the permissions of ${role}, line ${file.lineOf(['roles', role, 'permissions'])}`,
        }),
      ),
    ];
  });
}

/** A role that says nothing about calls lets an agent call nothing, which is hardly what was meant. */
function checkAgents(
  { file, value: { roles, agents } }: Pick<Present<Authorizations>, 'file' | 'value'>,
  platforms: readonly string[],
): ConfigProblem[] {
  const scopes = Object.entries(roles).flatMap(([role, { calls = [] }]) =>
    calls.flatMap((scope, n) =>
      (scope.platforms ?? []).flatMap((platform, index) =>
        unknownName(file, ['roles', role, 'calls', n, 'platforms', index], 'platform', platform, platforms),
      ),
    ),
  );
  const own = (agents[AGENT]?.roles ?? []).flatMap((role, n) => {
    const at: Path = ['agents', AGENT, 'roles', n];
    const unknown = unknownName(file, at, 'role', role, file.keysAt(['roles']));
    if (unknown.length > 0 || roles[role] === undefined || roles[role].calls !== undefined) return unknown;
    return [
      file.problemAt(at, {
        expected: 'a role that says what an agent may call',
        hint: `add calls to the role ${role}, line ${file.lineOf(['roles', role])}; \`calls: []\` stands for nothing`,
      }),
    ];
  });
  return [...scopes, ...own];
}

function asksByDefault({ defaults }: Authorizations): boolean {
  return defaults.read === 'ask' || defaults.write === 'ask';
}

/** Who there is. What cannot be read of the schedules is not held against anybody. */
interface Who {
  readonly authorizations: Present<Authorizations>;
  readonly contacts: Present<Contacts>;
  readonly schedules: Present<SchedulesConfig> | undefined;
}

/** Approvers, and where they are written. */
interface Asked {
  readonly file: ConfigFile;
  readonly at: Path;
  readonly approvers: Approvers;
  /** By which policy; absent: by `default`. */
  readonly policy?: string | undefined;
}

/** Nobody who could answer is an error, loudly: such a request would wait for ever, or be waved through. */
function checkApprovers(who: Who, escalation: Present<EscalationConfig> | undefined): ConfigProblem[] {
  const asked = [...askedByRules(who.authorizations), ...(escalation ? askedByPolicies(escalation) : [])];
  return asked.flatMap(({ file, at, approvers }) => {
    const problems = leavesAt(file, at, approvers).flatMap((leaf) => checkLeaf(file, leaf, who));
    return problems.length > 0 ? problems : checkQuorum({ file, at, approvers }, who);
  });
}

function askedByRules({ file, value }: Present<Authorizations>): Asked[] {
  const { rules } = value;
  const byRules = rules.flatMap((rule, index): Asked[] => {
    const { asking, at } = askingOf(rule) ?? {};
    return asking && at
      ? [
          {
            file,
            at: ['rules', index, ...at, 'approvers'],
            approvers: asking.approvers,
            policy: asking.policy,
          },
        ]
      : [];
  });
  const bySections = (['elevation', 'after_reading', 'defaults'] as const).flatMap((section): Asked[] => {
    const { approvers, policy } = { policy: undefined, ...value[section] };
    return approvers ? [{ file, at: [section, 'approvers'], approvers, policy }] : [];
  });
  return [...byRules, ...bySections];
}

function askedByPolicies({ file, value: { policies } }: Present<EscalationConfig>): Asked[] {
  return Object.entries(policies).flatMap(([name, { on_timeout }]) =>
    on_timeout.flatMap((rung, n): Asked[] =>
      rung.kind === 'escalate'
        ? [
            {
              file,
              at: ['policies', name, 'on_timeout', n, 'escalate', 'to'],
              approvers: rung.approvers,
              policy: name,
            },
          ]
        : [],
    ),
  );
}

function checkLeaf(file: ConfigFile, { at, leaf }: { at: Path; leaf: Leaf }, who: Who): ConfigProblem[] {
  if ('role' in leaf) return checkApproverRole(file, [...at, 'role'], leaf.role, who);
  if ('onCall' in leaf) return checkApproverOnCall(file, [...at, 'on_call'], leaf.onCall, who);
  return checkApproverPerson(file, [...at, 'person'], leaf.person, who);
}

/** Each role, person and schedule that is named, with the place where it is written. */
export function leavesAt(file: ConfigFile, at: Path, approvers: Approvers): { at: Path; leaf: Leaf }[] {
  if (!('of' in approvers)) return [{ at, leaf: approvers }];
  const [group = 'of'] = file.keysAt(at).filter((key) => key === 'all' || key === 'any' || key === 'of');
  return approvers.of.flatMap((each, n) => leavesAt(file, [...at, group, n], each));
}

/** Enough people for each role by itself may still be too few together, as nobody counts twice. */
function checkQuorum(
  { file, at, approvers }: Asked,
  { authorizations: { value, whole }, contacts, schedules }: Who,
): ConfigProblem[] {
  const voters = Object.entries(contacts.value.people)
    .filter(([, { roles }]) => mayDo(value, roles, 'approve'))
    .map(([id, { roles }]) => toVoter(id, roles, schedules));
  const areNamed = leavesOf(approvers).every((leaf) => !('onCall' in leaf) || schedules?.whole);
  const isKnown = whole && contacts.whole && areNamed && !mayBeGranted(approvers, value);
  if (!isKnown || isQuorum(approvers, voters)) return [];
  const able = voters.filter((voter) => isApprover(approvers, voter)).map(({ person }) => person);
  return [
    file.problemAt(at, {
      expected: 'people enough to say yes together',
      found: `${able.length === 1 ? 'one person' : `${able.length} people`} (${able.join(', ')}), and nobody counts twice: nobody could ever approve`,
      hint: 'ask for fewer, or give more people the role in contacts.yaml',
    }),
  ];
}

/** On call by every schedule that could name them: who is, is told by the clock. */
function toVoter(
  id: string,
  roles: readonly string[],
  schedules: Present<SchedulesConfig> | undefined,
): Voter {
  const person = PersonId.parse(id);
  const onCall = Object.entries(schedules?.value.on_call ?? {})
    .filter(([, schedule]) => peopleOf(schedule).includes(person))
    .map(([name]) => name);
  return { person, roles, onCall };
}

function mayBeGranted(approvers: Approvers, { roles }: Authorizations): boolean {
  return leavesOf(approvers).some((leaf) => 'role' in leaf && roles[leaf.role]?.granted_by !== undefined);
}

function checkApproverRole(
  file: ConfigFile,
  at: Path,
  role: string,
  { authorizations: { file: rolesFile, value: authorizations }, contacts }: Who,
): ConfigProblem[] {
  const unknown = unknownName(file, at, 'role', role, rolesFile.keysAt(['roles']));
  if (unknown.length > 0) return unknown;
  if (!(role in authorizations.roles)) return [];
  if (!mayDo(authorizations, [role], 'approve')) {
    return [
      file.problemAt(at, {
        expected: 'a role that may approve',
        hint: `add approve to the permissions of ${role}, line ${rolesFile.lineOf(['roles', role, 'permissions'])}${file === rolesFile ? '' : ` of ${rolesFile.name}`}`,
      }),
    ];
  }
  const isGranted = authorizations.roles[role]?.granted_by !== undefined;
  const isHeld = Object.values(contacts.value.people).some((person) => person.roles.includes(role));
  if (isGranted || isHeld || !contacts.whole) return [];
  return [
    file.problemAt(at, {
      expected: 'a role that somebody holds',
      found: `${role}, which nobody in contacts.yaml holds: nobody could ever approve`,
      hint: `give somebody the role ${role} in contacts.yaml`,
    }),
  ];
}

/** Whoever is put on call there would be asked, and could not answer. */
function checkApproverOnCall(
  file: ConfigFile,
  at: Path,
  name: string,
  { authorizations, contacts, schedules }: Who,
): ConfigProblem[] {
  if (!schedules) return [];
  const unknown = unknownName(file, at, 'schedule', name, schedules.file.keysAt(['on_call']));
  const schedule = new Map(Object.entries(schedules.value.on_call)).get(name);
  if (!schedule || !authorizations.whole) return unknown;
  const people = new Map(Object.entries(contacts.value.people));
  return peopleOf(schedule).flatMap((id) => {
    const person = people.get(id);
    if (!person || mayDo(authorizations.value, person.roles, 'approve')) return [];
    return [
      file.problemAt(at, {
        expected: 'a schedule of people who may approve',
        found: `${name}, which can put ${id} on call: none of ${person.name}'s roles has the permission approve`,
        hint: 'give them such a role in contacts.yaml, or take them out of the schedule',
      }),
    ];
  });
}

function checkApproverPerson(
  file: ConfigFile,
  at: Path,
  id: string,
  { authorizations: { value: authorizations, whole }, contacts }: Who,
): ConfigProblem[] {
  const person = Object.entries(contacts.value.people).find(([known]) => known === id)?.[1];
  if (person === undefined) return unknownName(file, at, 'person', id, contacts.file.keysAt(['people']));
  if (!whole || mayDo(authorizations, person.roles, 'approve')) return [];
  return [
    file.problemAt(at, {
      expected: 'a person who may approve',
      hint: `none of ${person.name}'s roles has the permission approve: nobody could ever approve`,
    }),
  ];
}

function checkRolesOfPeople(authorizations: ConfigFile, { file, value }: Present<Contacts>): ConfigProblem[] {
  const roles = authorizations.keysAt(['roles']);
  return Object.entries(value.people).flatMap(([id, person]) =>
    person.roles.flatMap((role, n) => unknownName(file, ['people', id, 'roles', n], 'role', role, roles)),
  );
}

function checkPolicyNames({ file, value }: Present<Authorizations>, escalation: ConfigFile): ConfigProblem[] {
  const policies = escalation.keysAt(['policies']);
  return value.rules.flatMap((rule, index) => {
    const { asking, at } = askingOf(rule) ?? {};
    return asking?.policy !== undefined && at
      ? unknownName(file, ['rules', index, ...at, 'policy'], 'policy', asking.policy, policies)
      : [];
  });
}

/** A policy may limit where a yes comes from; then enough of those asked must have an account there. */
function checkReach(
  { authorizations, contacts: { value: contacts, whole }, schedules }: Who,
  escalation: Present<EscalationConfig>,
): ConfigProblem[] {
  if (!whole) return [];
  const { policies } = escalation.value;
  const all = [...askedByRules(authorizations), ...askedByPolicies(escalation)];
  return all.flatMap(({ file, at, approvers, policy = 'default' }) => {
    const platforms = policies[policy]?.approve_from;
    const asked = Object.entries(contacts.people)
      .map(([id, { roles, accounts }]) => ({ voter: toVoter(id, roles, schedules), accounts }))
      .filter(({ voter }) => isApprover(approvers, voter));
    const reachable = asked
      .filter(({ accounts }) => platforms?.some((platform) => platform in accounts))
      .map(({ voter }) => voter);
    if (platforms === undefined || asked.length === 0) return [];
    if (mayBeGranted(approvers, authorizations.value) || isQuorum(approvers, reachable)) return [];
    const able = reachable.map(({ person }) => person);
    return [
      file.problemAt(at, {
        expected: `people enough with an account on ${platforms.join(' or ')}, where a yes must come from`,
        found: `${able.length === 0 ? 'nobody' : able.join(', ')}: nobody could ever approve`,
        hint: `change approve_from of the policy ${policy}, or give an approver such an account`,
      }),
    ];
  });
}

function checkContacts({ file, value }: Present<Contacts>, platforms: readonly string[]): ConfigProblem[] {
  const owners = new Map<string, string>();
  return Object.entries(value.people).flatMap(([id, person]) => [
    ...checkAccounts(file, ['people', id], person, platforms),
    ...checkOwners(file, ['people', id], person, owners),
  ]);
}

function checkAccounts(
  file: ConfigFile,
  at: Path,
  person: Contact,
  platforms: readonly string[],
): ConfigProblem[] {
  const has = Object.keys(person.accounts);
  const problems: ConfigProblem[] = [];
  if (has.length === 0) {
    const hint = 'without an account nobody can be recognised or reached';
    problems.push(file.problemAt([...at, 'accounts'], { expected: 'at least one account', hint }));
  }
  for (const platform of has) {
    problems.push(...unknownName(file, [...at, 'accounts', platform], 'platform', platform, platforms));
  }
  for (const [platform, accounts] of Object.entries(person.accounts)) {
    for (const [n, account] of accounts.entries()) {
      const expected = wantedInstead(platform, account);
      if (expected !== undefined) {
        problems.push(file.problemAt(accountPath(file, at, platform, n), { expected }));
      }
    }
  }
  const chosen: { place: Path; platform: string }[] = [
    ...(person.prefers ?? []).map((platform, n) => ({ place: ['prefers', n], platform })),
    ...Object.entries(person.reach ?? {}).flatMap(([importance, ways = []]) =>
      ways.flatMap((way, n) =>
        typeof way === 'string' ? [{ place: ['reach', importance, n], platform: way }] : [],
      ),
    ),
    ...(person.answers_on === undefined ? [] : [{ place: ['answers_on'], platform: person.answers_on }]),
  ];
  for (const { place, platform } of chosen) {
    if (has.includes(platform)) continue;
    problems.push(
      file.problemAt([...at, ...place], {
        expected: `a platform ${person.name} has an account on: ${has.join(', ')}`,
        hint: didYouMeanHint(platform, has),
      }),
    );
  }
  return problems;
}

/** Two people with one account: whatever it says could be either, so neither may decide anything. */
function checkOwners(
  file: ConfigFile,
  at: Path,
  person: Contact,
  owners: Map<string, string>,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const [platform, values] of Object.entries(person.accounts)) {
    values.forEach((value, n) => {
      const account = toAccountId(platform, value);
      const path = accountPath(file, at, platform, n);
      const owner = owners.get(account);
      if (owner === undefined) {
        owners.set(account, `${String(at[1])}, line ${file.lineOf(path)}`);
        return;
      }
      const expected = 'an account nobody else has';
      problems.push(
        file.problemAt(path, {
          expected,
          found: unlessReference(file, path, account),
          hint: `it belongs to ${owner}`,
        }),
      );
    });
  }
  return problems;
}

/** An account stands alone or in a list; the parsed value is always a list. */
function accountPath(file: ConfigFile, at: Path, platform: string, index: number): Path {
  const path = [...at, 'accounts', platform];
  return file.isList(path) ? [...path, index] : path;
}

function checkPolicies(
  { file, value }: Present<EscalationConfig>,
  platforms: readonly string[],
  schedules: ConfigFile | undefined,
): ConfigProblem[] {
  const hours = schedules?.keysAt(['working_hours']);
  return Object.entries(value.policies).flatMap(([name, policy]) => [
    ...(hours && policy.clock !== 'wall'
      ? unknownName(
          file,
          ['policies', name, 'clock', 'working'],
          'working hours',
          policy.clock.working,
          hours,
        )
      : []),
    ...checkTimes(file, ['policies', name], policy),
    ...(policy.approve_from ?? []).flatMap((platform, n) =>
      unknownName(file, ['policies', name, 'approve_from', n], 'platform', platform, platforms),
    ),
  ]);
}

function checkTimes(file: ConfigFile, at: Path, policy: EscalationPolicy): ConfigProblem[] {
  const deadline = file.show([...at, 'deadline']).replaceAll('"', '');
  const problems: ConfigProblem[] = [];
  policy.remind_after.forEach((after, n) => {
    const path = [...at, 'remind_after', n];
    if (after >= policy.deadline) {
      problems.push(file.problemAt(path, { expected: `a reminder before the deadline of ${deadline}` }));
    } else if (after <= (policy.remind_after[n - 1] ?? 0)) {
      problems.push(file.problemAt(path, { expected: 'reminders in order, each later than the one before' }));
    }
  });
  if (policy.warn_before !== undefined && policy.warn_before >= policy.deadline) {
    const expected = `less than the deadline of ${deadline}`;
    problems.push(file.problemAt([...at, 'warn_before'], { expected }));
  }
  return problems;
}

export function unknownName(
  file: ConfigFile,
  at: Path,
  kind:
    | 'role'
    | 'person'
    | 'policy'
    | 'platform'
    | 'schedule'
    | 'working hours'
    | 'holiday calendar'
    | 'escalation policy'
    | 'step'
    | 'webhook',
  name: string,
  known: readonly string[],
): ConfigProblem[] {
  if (known.includes(name)) return [];
  const wanted = kind === 'working hours' ? `known ${kind}` : `a known ${kind}`;
  const expected = known.length === 0 ? `${wanted}; there is none` : `${wanted}: ${known.join(', ')}`;
  return [
    file.problemAt(at, {
      expected,
      found: unlessReference(file, at, `"${name}"`),
      hint: didYouMeanHint(name, known),
    }),
  ];
}

/** What came from the environment is shown as it was written. */
function unlessReference(file: ConfigFile, at: Path, found: string): string {
  return file.isReference(at) ? file.show(at) : found;
}

function didYouMeanHint(written: string, known: readonly string[]): string | undefined {
  const meant = didYouMean(written, known);
  return meant && `did you mean ${meant}?`;
}
