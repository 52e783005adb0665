/** Whether scripts of skills can be run here, for `signalbox check`; nothing where they are not to be. */
import { ownFolders } from '../app/own-places.ts';
import { searchPath } from '../config/environment.ts';
import type { CheckFinding } from '../domain/gateway.ts';
import { ScriptSandbox } from '../skills/script-sandbox.ts';
import type { GatewayConfig } from './prepare.ts';

export async function scriptFindings(config: GatewayConfig): Promise<CheckFinding[]> {
  const { scripts } = config.settings.skills;
  if (!scripts.enabled) return [];
  const sandbox = new ScriptSandbox({ folders: searchPath(), hidden: ownFolders(config) });
  const found = await sandbox.probe(scripts);
  const subject = 'scripts of skills';
  if (found.kind === 'ready')
    return [{ subject, status: 'works', detail: 'run in a sandbox, without a network' }];
  return [
    { subject, status: 'failed', detail: `not offered to the agent: ${found.why}`, remedy: found.remedy },
  ];
}
