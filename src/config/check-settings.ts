/** What `settings.yaml` says that could never have an effect: platforms there are none of, models that stand in for themselves. */
import type { ConfigProblem } from './config-error.ts';
import type { ConfigFile, Parsed } from './config-file.ts';
import { unknownName } from './cross-check.ts';
import type { ModelFallback } from './resilience.ts';
import type { Settings } from './settings.ts';

export function checkSettings(
  settings: Parsed<Settings> | undefined,
  platforms: readonly string[],
): ConfigProblem[] {
  const { file, value } = settings ?? {};
  if (!file || !value) return [];
  return [...checkChannels(file, value, platforms), ...checkFallbacks(file, value)];
}

function checkChannels(
  file: ConfigFile,
  { memory }: Settings,
  platforms: readonly string[],
): ConfigProblem[] {
  return Object.keys(memory?.channels ?? {}).flatMap((name) => {
    const platform = name.split(':')[0] ?? name;
    return unknownName(file, ['memory', 'channels', name], 'platform', platform, platforms);
  });
}

/** Whatever keeps a model away keeps it away the second time, too. */
function checkFallbacks(file: ConfigFile, { model }: Settings): ConfigProblem[] {
  const known = new Set([keyOf(model)]);
  return (model?.fallbacks ?? []).flatMap((fallback, index) => {
    const key = keyOf({ ...model, ...fallback });
    const isNew = !known.has(key);
    known.add(key);
    if (isNew) return [];
    return [
      file.problemAt(['model', 'fallbacks', index, 'name'], {
        expected: 'a model that is not asked before it',
        hint: 'name another one, or take this fallback out',
      }),
    ];
  });
}

/** The same model with another key, or elsewhere, has limits and failures of its own. */
function keyOf({ name, base_url: url = '', api_key: key = '' }: ModelFallback): string {
  return JSON.stringify([name, url, key]);
}
