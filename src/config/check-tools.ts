/** What `tools`, `elevation` and `after_reading` of `authorizations.yaml` name elsewhere: roles, people, platforms, policies. */
import type { Authorizations } from './authorizations.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ConfigFile, Parsed } from './config-file.ts';
import { unknownName } from './cross-check.ts';

export interface ToolCheckInput {
  readonly authorizations: Parsed<Authorizations> | undefined;
  /** Undefined: what cannot be read is not held against anybody. */
  readonly contacts: ConfigFile | undefined;
  readonly escalation: ConfigFile | undefined;
  readonly platforms: readonly string[];
}

/** Sections that say who is asked; their approvers are looked at with those of the rules. */
const ASKING = ['elevation', 'after_reading'] as const;

export function checkTools({
  authorizations,
  contacts,
  escalation,
  platforms,
}: ToolCheckInput): ConfigProblem[] {
  const { file, value } = authorizations ?? {};
  if (!file || !value?.tools || !value.elevation || !value.after_reading) return [];
  const { roles, people, channels } = value.tools;
  const known = contacts?.keysAt(['people']);
  const policies = escalation?.keysAt(['policies']);
  return [
    ...Object.keys(roles).flatMap((role) =>
      unknownName(file, ['tools', 'roles', role], 'role', role, file.keysAt(['roles'])),
    ),
    ...(known
      ? Object.keys(people).flatMap((person) =>
          unknownName(file, ['tools', 'people', person], 'person', person, known),
        )
      : []),
    ...Object.keys(channels).flatMap((name) => {
      const platform = name.split(':')[0] ?? name;
      return unknownName(file, ['tools', 'channels', name], 'platform', platform, platforms);
    }),
    ...ASKING.flatMap((section) => {
      const { channel, policy } = value[section];
      return [
        ...(channel === undefined
          ? []
          : unknownName(file, [section, 'channel'], 'platform', channel, platforms)),
        ...(policy === undefined || !policies
          ? []
          : unknownName(file, [section, 'policy'], 'policy', policy, policies)),
      ];
    }),
  ];
}
