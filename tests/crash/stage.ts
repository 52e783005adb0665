/**
 * One scenario on its way: a world, the people and the model in it, and the gathering of what became of everything.
 *
 * The blows come first; then everything may settle, which takes a minute where a call lost its process. Meanwhile
 * the next scenario can begin.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { fromDocument } from '../../src/approvals/approval-codec.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { Pager } from '../../src/domain/escalation/pager.ts';
import { Escalation } from '../../src/domain/escalation/record.ts';
import { DeadLetters } from '../../src/mailbox/dead-letters.ts';
import { type AlarmEvidence, type AlarmVerdict, judgeAlarms, missingCallOf } from './alarm-judge.ts';
import { OnCall } from './alarms.ts';
import type { Chance } from './chance.ts';
import { Commander } from './commander.ts';
import { type Evidence, judge, missingOf, type Verdict } from './judge.ts';
import type { Message } from './message.ts';
import { Model } from './model.ts';
import { People, scriptOf } from './people.ts';
import type { Load } from './plan.ts';
import { platformOf } from './surfaces/surface.ts';
import { TakeoverWatch } from './takeover-watch.ts';
import { World } from './world.ts';

/** Nothing new happened for this long: nothing will. Longer than a call without its process is waited for. */
const GIVE_UP_AFTER_MS = 90_000;
const LOOK_EVERY_MS = 250;

/** What a scenario leaves behind beside what was said. */
export interface Remains {
  readonly deadLetters: number;
  readonly auditOk: boolean;
  /** Items nobody took off. */
  readonly leftOver: number;
  /** Messages that were turned away or passed over, by reason: nobody's here should be. */
  readonly turnedAway: Readonly<Record<string, number>>;
}

export class Stage {
  readonly watch: TakeoverWatch;
  readonly commander: Commander;
  readonly onCall: OnCall;

  private constructor(
    readonly world: World,
    readonly people: People,
    readonly model: Model,
    readonly load: Load,
    private readonly startedAt: number,
  ) {
    this.watch = new TakeoverWatch(world.store, world.keys);
    this.commander = new Commander(world);
    this.onCall = new OnCall(world.sandbox.slack);
  }

  static async open(load: Load, chance: Chance): Promise<Stage> {
    const world = await World.create();
    const model = new Model(chance.branch('model'));
    world.sandbox.claude.script(model.answer);
    const people = new People(world.sandbox, world.surfaces, scriptOf(load, chance.branch('script')));
    const stage = new Stage(world, people, model, load, performance.now());
    people.start();
    stage.commander.start();
    stage.onCall.start();
    stage.watch.start();
    return stage;
  }

  get seconds(): number {
    return (performance.now() - this.startedAt) / 1_000;
  }

  /** Resolves when everything that was said has its answer, or when nothing moves any more. */
  async settle(): Promise<{ verdict: Verdict; alarms: AlarmVerdict; remains: Remains }> {
    await this.commander.stop();
    this.people.writeUpTo(this.load.messages);
    let written = -1;
    let quietSince = Date.now();
    while (Date.now() - quietSince < GIVE_UP_AFTER_MS) {
      if (await this.#isSettled()) break;
      const now = this.#written();
      if (now !== written) quietSince = Date.now();
      written = now;
      await pause(LOOK_EVERY_MS);
    }
    return {
      verdict: judge(await this.#evidence()),
      alarms: judgeAlarms(await this.#alarmEvidence()),
      remains: await this.#remains(),
    };
  }

  /** Ends the world. Safe to call twice. */
  async close(): Promise<void> {
    await this.commander.stop();
    await this.onCall.stop();
    await this.people.stop();
    await this.watch.stop();
    await this.world.destroy();
  }

  endNow(): void {
    this.world.endNow();
  }

  async #isSettled(): Promise<boolean> {
    if ([...this.world.surfaces.values()].some(({ unacknowledged }) => unacknowledged > 0)) return false;
    const threads = this.#threads();
    const silence = { takeovers: this.people.takeovers, shown: this.model.shown };
    const isMissing = (message: Message) =>
      missingOf(message, threads.get(message.conversation) ?? [], silence) !== undefined;
    if (this.people.messages.some(isMissing)) return false;
    const alarms = this.people.messages.filter(({ kind }) => kind === 'alarm');
    const evidence = await this.#alarmEvidence();
    if (alarms.some((alarm) => missingCallOf(alarm, evidence) !== undefined)) return false;
    return (await this.#leftOver()) === 0;
  }

  #written(): number {
    return [...this.world.surfaces.values()].reduce((sum, { written }) => sum + written, 0);
  }

  #threads(): Evidence['threads'] {
    return new Map(
      [...this.people.places].map(([conversation, place]) => [
        conversation,
        this.world.surfaces.get(platformOf(conversation))?.posts(place) ?? [],
      ]),
    );
  }

  async #evidence(): Promise<Evidence> {
    const { shop } = this.world.sandbox;
    return {
      messages: this.people.messages,
      threads: this.#threads(),
      refunds: shop.refunds,
      approvals: await this.#approvals(),
      explainDouble: (conversation, key) =>
        this.world.surfaces
          .get(platformOf(conversation))
          ?.explainDouble?.(this.people.places.get(conversation) ?? '', key),
      disorder: this.model.disorder,
      takeovers: this.people.takeovers,
      shown: this.model.shown,
    };
  }

  async #alarmEvidence(): Promise<AlarmEvidence> {
    return {
      messages: this.people.messages,
      calls: this.onCall.calls,
      takings: this.onCall.takings,
      escalations: (await this.#records('esc')).map((document) => Escalation.parse(document)),
      pagers: (await this.#records('pgr')).map((document) => Pager.parse(document)),
      nowMs: Date.now(),
      explainDouble: (key) => this.onCall.explainDouble(key),
    };
  }

  /** The documents of one family. */
  async #records(family: string): Promise<unknown[]> {
    const names = await this.#keys(`${family}:*`);
    const texts = await Promise.all(names.map((name) => this.world.store.get(name)));
    // `<revision> <document>`
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text.slice(text.indexOf('{')))]));
  }

  async #approvals(): Promise<Approval[]> {
    const names = await this.#keys('apr:*');
    const documents = await Promise.all(names.map((name) => this.world.store.getBuffer(name)));
    return documents.flatMap((document) => (document === null ? [] : [fromDocument(document)]));
  }

  async #remains(): Promise<Remains> {
    const { store, keys } = this.world;
    const letters = await new DeadLetters(store, keys).list();
    const log = new AuditLog(store, keys);
    const audit = await log.verify();
    const turnedAway: Record<string, number> = {};
    for (const { event } of await log.tail(1_000_000)) {
      if (event.event !== 'message.ignored' && event.event !== 'message.refused') continue;
      const reason = String(event.detail?.reason);
      turnedAway[reason] = (turnedAway[reason] ?? 0) + 1;
    }
    return { deadLetters: letters.length, auditOk: audit.ok, leftOver: await this.#leftOver(), turnedAway };
  }

  async #leftOver(): Promise<number> {
    return (await this.#keys('*:q:*')).length;
  }

  async #keys(pattern: string): Promise<string[]> {
    const found: string[] = [];
    const scan = this.world.store.scanStream({
      match: `${this.world.keys.prefix}{p*}:${pattern}`,
      count: 1_000,
    });
    for await (const names of scan) found.push(...names);
    return found;
  }
}
