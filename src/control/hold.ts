/** Why a call that was agreed to does not run yet: somebody else speaks in its conversation. */
import type { Config } from '../config/load-config.ts';
import { runsAgreed } from '../domain/control.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { ControlStore } from './control-store.ts';
import { holdText } from './sentences.ts';

/** When the agreed calls of a conversation run, in a part of a sentence; undefined when nothing holds them. */
export type HoldOf = (conversationId: ConversationId) => Promise<string | undefined>;

export function createHoldOf(controls: Pick<ControlStore, 'find'>, config: () => Config): HoldOf {
  return async (conversationId) => {
    const control = await controls.find(conversationId);
    const { run_while_human } = config().authorizations.takeover;
    return runsAgreed(control, run_while_human) ? undefined : holdText(control);
  };
}
