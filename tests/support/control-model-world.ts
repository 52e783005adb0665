/** Who has a conversation, on a real Redis, as `control-model-history.ts` needs it. */
import type { Config } from '../../src/config/load-config.ts';
import { type AlsoOf, ControlStore } from '../../src/control/control-store.ts';
import { ControlTimers } from '../../src/control/control-timers.ts';
import type { Control } from '../../src/domain/control.ts';
import { ControlMovedError } from '../../src/domain/errors.ts';
import type { MailboxItem } from '../../src/domain/mailbox-item.ts';
import type { OutboundMessage } from '../../src/domain/message.ts';
import type { Directory } from '../../src/identity/directory.ts';
import type { Claim } from '../../src/mailbox/keyed-queue.ts';
import type { RedisClient } from '../../src/redis/client.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import type { Effect } from '../../src/redis/effects.ts';
import type { Keys } from '../../src/redis/keys.ts';
import { type DeliveryDeps, DeliveryWorker } from '../../src/router/delivery-worker.ts';
import { Standby, type Verdict } from '../../src/router/standby.ts';
import {
  bridge,
  consequencesOf,
  type Decide,
  type Handled,
  HELP,
  IDLE_MS,
  keptEffects,
  MINE,
  mayTakeOver,
  PARTITION,
  REMEMBER_MS,
  SPOKEN,
  TALK,
  turnEffects,
  WAIT_MS,
} from './control-model.ts';
import type { ControlProcess, TextItem } from './control-model-history.ts';
import { silent } from './core.ts';
import { LineBroke, type StoreModel } from './store-model.ts';

export class RealControls {
  constructor(
    private readonly keys: Keys,
    /** What time it is. */
    private readonly time: () => Pick<StoreModel, 'nowMs'>,
  ) {}

  processOn(client: RedisClient): ControlProcess {
    const writer = new EffectWriter(client, this.keys);
    const controls = new ControlStore(client, this.keys, writer, () => REMEMBER_MS);
    controls.followedBy(consequencesOf, async () => []);
    const timers = new ControlTimers(controls, silent);
    const standby = new Standby(
      {
        controls,
        rooms: { redirect: async () => false },
        directory: DIRECTORY,
        memory: { dropSummary: async () => false },
        config: () => CONFIG,
      },
      bridge,
    );
    return {
      apply: (decide: Decide, onceKey: string, also: AlsoOf) =>
        controls.apply(TALK, decide, { also, once: { key: onceKey, forMs: REMEMBER_MS } }),
      post: (item) =>
        writer.write(TALK, [{ kind: 'mail', conversationId: TALK, item }], {
          key: item.id,
          forMs: REMEMBER_MS,
        }),
      handle: (item, doneKey) => this.#handle(item, doneKey, controls, standby, writer),
      sweep: () => timers.sweep(PARTITION, 1),
      say: (item) => this.#say(item, controls),
    };
  }

  /** As the worker of the conversation does it, without a model. */
  async #handle(
    item: MailboxItem,
    doneKey: string,
    controls: ControlStore,
    standby: Standby,
    writer: EffectWriter,
  ): Promise<Handled> {
    const { nowMs } = this.time();
    const control = await controls.find(TALK);
    const claim = { entries: [JSON.stringify(SPOKEN)] } as unknown as Claim; // all that is asked of it
    const verdict = await standby.judge(item, control, claim, silent);
    const effects = effectsOf(verdict, item, { control, guard: controls.guardOf(control) }, nowMs);
    const { epoch } = changedIn(effects) ?? control;
    const handled = { item, place: doneKey, became: verdict.kind, epoch };
    try {
      const once = verdict.kind === 'later' ? undefined : { key: doneKey, forMs: REMEMBER_MS };
      const isFirst = await writer.write(TALK, effects, once);
      return isFirst ? handled : { ...handled, became: 'used' };
    } catch (error) {
      if (error instanceof ControlMovedError) return { ...handled, became: 'moved' };
      if (!(error instanceof LineBroke)) throw error;
      return { ...handled, became: 'again' };
    }
  }

  async #say(item: TextItem, controls: ControlStore): Promise<string[]> {
    const texts: string[] = [];
    const deps = {
      queue: { commit: async () => ({ next: undefined, handed: [] }) },
      gateway: {
        platform: item.to.platform,
        send: async ({ body }: OutboundMessage) => {
          if (body.kind === 'text') texts.push(body.markdown);
          return { ref: 'r1' };
        },
      },
      controls,
      directory: DIRECTORY,
      keepTranscriptMs: () => REMEMBER_MS,
      clock: { now: () => this.time().nowMs },
      secrets: { without: (body: unknown) => body },
      log: silent,
    } as unknown as DeliveryDeps; // a text needs nothing else
    const claim = {
      item: JSON.stringify(item),
      attempt: 1,
      failures: 0,
      signal: new AbortController().signal,
    };
    await new DeliveryWorker(deps).handle(claim as unknown as Claim, 'yield'); // all that is asked of it
    return texts;
  }
}

function effectsOf(
  verdict: Verdict,
  item: MailboxItem,
  { control, guard }: { readonly control: Control; readonly guard: Effect },
  nowMs: number,
): readonly Effect[] {
  switch (verdict.kind) {
    case 'turn':
      return [...turnEffects(item, control.epoch, nowMs), guard];
    case 'keep':
      return [...verdict.effects, ...keptEffects(verdict.item)];
    case 'hold':
      return [...verdict.effects, { kind: 'hold', conversationId: TALK, item }];
    case 'later':
    case 'done':
      return verdict.effects;
    case 'redirected':
      throw new Error('a conversation that nobody else has a part in was joined to another');
    default:
      return verdict satisfies never;
  }
}

/** The control that is written. */
function changedIn(effects: readonly Effect[]): Pick<Control, 'epoch'> | undefined {
  const change = effects.find((effect) => effect.kind === 'control');
  return change?.kind === 'control' ? { epoch: Number.parseInt(change.document, 10) } : undefined;
}

const CONFIG = {
  authorizations: {
    takeover: {
      wait: WAIT_MS,
      idle: IDLE_MS,
      run_while_human: false,
      rules: [
        { name: MINE, when: { words: [MINE] }, do: 'take-over' },
        { name: HELP, when: { words: [HELP] }, do: 'call-human' },
      ],
    },
  },
} as unknown as Config; // all that is asked of it

/** Whose roles are their name. */
const DIRECTORY = {
  find: (person: string) => ({ id: person, roles: [person] }),
  rolesOf: ({ roles }: { roles: string[] }) => roles,
  may: (roles: string[]) => roles.some((role) => mayTakeOver(role as Parameters<typeof mayTakeOver>[0])), // a name
  isHeld: () => true,
} as unknown as Directory; // all that is asked of it
