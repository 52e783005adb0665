/** Why a call that was agreed to does not run yet: somebody else speaks in its conversation. */
import type { Config } from '../config/load-config.ts';
import type { Control } from '../domain/control.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { ControlStore } from './control-store.ts';
import { holdText } from './sentences.ts';

/** When the agreed calls of a conversation run, in a part of a sentence; undefined when nothing holds them. */
export type HoldOf = (conversationId: ConversationId) => Promise<string | undefined>;

export function createHoldOf(controls: Pick<ControlStore, 'find'>, config: () => Config): HoldOf {
  return async (conversationId) => {
    const control = await controls.find(conversationId);
    return mayRun(control, config()) ? undefined : holdText(control);
  };
}

/** As `router/standby` judges it. */
function mayRun({ state }: Control, { authorizations }: Config): boolean {
  return state !== 'HANDOFF_PENDING' && authorizations.takeover.run_while_human;
}
