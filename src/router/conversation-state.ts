/** How a conversation stands when something of it begins to be handled, beside what was said in it: one read. */
import type { ApprovalStore } from '../approvals/approval-store.ts';
import type { ControlStore } from '../control/control-store.ts';
import type { Stop, StopSign } from '../control/stop-sign.ts';
import type { Control } from '../domain/control.ts';
import type { ApprovalId, ConversationId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import { askTogether } from '../redis/query.ts';

export interface ConversationState {
  /** Who speaks. */
  readonly control: Control;
  /** By whom the agent was to stop, the last of each person. */
  readonly stops: readonly Stop[];
  /** Requests their requester may end by writing again. */
  readonly givingWay: readonly ApprovalId[];
}

export interface StateDeps {
  readonly controls: Pick<ControlStore, 'query'>;
  readonly stops: Pick<StopSign, 'query'>;
  readonly approvals: Pick<ApprovalStore, 'givingWayQuery'>;
}

export class ConversationStates {
  constructor(
    private readonly redis: RedisClient,
    private readonly deps: StateDeps,
  ) {}

  async read(conversationId: ConversationId): Promise<ConversationState> {
    const { controls, stops, approvals } = this.deps;
    const [control, stopped, givingWay] = await askTogether<[Control, Stop[], ApprovalId[]]>(this.redis, [
      controls.query(conversationId),
      stops.query(conversationId),
      approvals.givingWayQuery(conversationId),
    ]);
    return { control, stops: stopped, givingWay };
  }
}
