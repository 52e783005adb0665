/** What the clients of the API name in other files: roles, people, policies. Names that lead nowhere are said. */
import type { ApiClient } from './api.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ConfigFile, Parsed, Path } from './config-file.ts';
import { leavesAt, unknownName } from './cross-check.ts';
import type { Settings } from './settings.ts';

export interface ApiCheckInput {
  readonly settings: Parsed<Settings> | undefined;
  /** The files others are named in; what cannot be read is not held against anybody. */
  readonly authorizations: ConfigFile | undefined;
  readonly contacts: ConfigFile | undefined;
  readonly escalation: ConfigFile | undefined;
  readonly schedules: ConfigFile | undefined;
}

export function checkApi({ settings, ...named }: ApiCheckInput): ConfigProblem[] {
  const clients = settings?.value?.api.clients ?? {};
  const { file } = settings ?? {};
  if (!file) return [];
  const names: Names = {
    file,
    roles: named.authorizations?.keysAt(['roles']),
    people: named.contacts?.keysAt(['people']),
    policies: named.escalation?.keysAt(['policies']),
    schedules: named.schedules?.keysAt(['on_call']),
  };
  return Object.entries(clients).flatMap(([name, client]) => [
    ...checkPeople(['api', 'clients', name], client, names),
    ...checkPolicies(['api', 'clients', name], client, names),
    ...checkOwnName(['api', 'clients', name], name, names),
  ]);
}

interface Names {
  readonly file: ConfigFile;
  readonly roles: readonly string[] | undefined;
  readonly people: readonly string[] | undefined;
  readonly policies: readonly string[] | undefined;
  readonly schedules: readonly string[] | undefined;
}

function checkPeople(
  at: Path,
  { asks, presets, asks_for, answers_for }: ApiClient,
  names: Names,
): ConfigProblem[] {
  const { file, roles, people, schedules } = names;
  const leaves = [
    ...asks.map((leaf, n) => ({
      at: [...at, 'asks', n],
      leaf: 'on_call' in leaf ? { onCall: leaf.on_call } : leaf,
    })),
    ...Object.entries(presets).flatMap(([preset, { approvers }]) =>
      leavesAt(file, [...at, 'presets', preset, 'approvers'], approvers),
    ),
  ];
  const asked = leaves.flatMap(({ at: place, leaf }) => {
    if ('role' in leaf) return unknownName(file, [...place, 'role'], 'role', leaf.role, roles ?? [leaf.role]);
    if ('onCall' in leaf)
      return unknownName(file, [...place, 'on_call'], 'schedule', leaf.onCall, schedules ?? [leaf.onCall]);
    return unknownName(file, [...place, 'person'], 'person', leaf.person, people ?? [leaf.person]);
  });
  const spokenFor = Object.entries({ asks_for, answers_for }).flatMap(([key, listed]) =>
    listed === 'everybody'
      ? []
      : listed.flatMap((person, n) =>
          unknownName(file, [...at, key, n], 'person', person, people ?? [person]),
        ),
  );
  return [...asked, ...spokenFor];
}

function checkPolicies(
  at: Path,
  { policies, presets }: ApiClient,
  { file, policies: known }: Names,
): ConfigProblem[] {
  if (!known) return [];
  const named = [
    ...policies.map((policy, n) => ({ place: [...at, 'policies', n], policy })),
    ...Object.entries(presets).map(([preset, { policy }]) => ({
      place: [...at, 'presets', preset, 'policy'],
      policy,
    })),
  ];
  return named.flatMap(({ place, policy }) => unknownName(file, place, 'policy', policy, known));
}

/** A client that asks for itself is called so, and nobody may be taken for it. */
function checkOwnName(at: Path, name: string, { file, people = [] }: Names): ConfigProblem[] {
  if (!people.includes(`api.${name}`)) return [];
  return [
    file.problemAt(at, {
      expected: `a client whose name, api.${name}, is nobody's id in contacts.yaml`,
      hint: 'call the client or the person something else',
    }),
  ];
}
