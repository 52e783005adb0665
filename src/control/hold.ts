/** Why a call that was agreed to does not run yet: somebody else speaks in its conversation. */
import type { Config } from '../config/load-config.ts';
import type { Approval } from '../domain/approval/record.ts';
import { runsAgreed } from '../domain/control.ts';
import type { ControlStore } from './control-store.ts';
import { holdText } from './sentences.ts';

/** When a call runs that was agreed to, in a part of a sentence; undefined when nothing holds it, or it was not agreed to. */
export type HoldOf = (
  approval: Pick<Approval, 'state' | 'client' | 'conversationId'>,
) => Promise<string | undefined>;

export function createHoldOf(controls: Pick<ControlStore, 'find'>, config: () => Config): HoldOf {
  return async ({ state, client, conversationId }) => {
    // What a program asked is in no conversation that anybody could have.
    if (state !== 'APPROVED' || client) return undefined;
    const control = await controls.find(conversationId);
    const { run_while_human } = config().authorizations.takeover;
    return runsAgreed(control, run_while_human) ? undefined : holdText(control);
  };
}
