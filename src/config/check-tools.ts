/** What `tools` and `elevation` of `authorizations.yaml` name elsewhere: roles, people, platforms. */
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

export function checkTools({
  authorizations,
  contacts,
  escalation,
  platforms,
}: ToolCheckInput): ConfigProblem[] {
  const { file, value } = authorizations ?? {};
  if (!file || !value?.tools || !value.elevation) return [];
  const { roles, people, channels } = value.tools;
  const known = contacts?.keysAt(['people']);
  const { channel, policy } = value.elevation;
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
    ...(channel === undefined
      ? []
      : unknownName(file, ['elevation', 'channel'], 'platform', channel, platforms)),
    ...(policy === undefined || !policies
      ? []
      : unknownName(file, ['elevation', 'policy'], 'policy', policy, policies)),
  ];
}
