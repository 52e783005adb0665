/**
 * Elevates messages: at once, those of people who may; the others when somebody has agreed.
 *
 * Owns      what is asked, written and said for it; the rules and words are in `elevation.ts`.
 * Not here  the turn of a message that is elevated (`message-handler`).
 */
import { quotesOthers, strangersOf } from '../agent/provenance.ts';
import type { ToolCatalog } from '../agent/tools/tool-catalog.ts';
import type { Config } from '../config/load-config.ts';
import type { ControlStore } from '../control/control-store.ts';
import type { Approval } from '../domain/approval/record.ts';
import type { Clock } from '../domain/clock.ts';
import type { MessageDirectives } from '../domain/directive.ts';
import { FutileCallError } from '../domain/errors.ts';
import { isGuestId } from '../domain/person.ts';
import type { Entry } from '../domain/transcript.ts';
import type { Effect } from '../redis/effects.ts';
import {
  ELEVATE,
  ELEVATION_CHOICES,
  elevated,
  elevatedMessage,
  elevationAskedText,
  elevationWaitsNews,
  MOST_CARRIED_CHARS,
  MOST_SHOWN_CHARS,
  NOBODY_TO_ELEVATE,
  NOTHING_TO_LIFT,
  notElevatedNews,
  notElevatedText,
  TOO_MUCH_TO_CARRY,
  toElevateInput,
  tooLateText,
  tooLongToShowText,
} from './elevation.ts';
import type { Deed, MessageItem, Work } from './handling.ts';
import { handledAudit } from './handling-audit.ts';
import type { HeldCalls } from './held-calls.ts';
import type { Notices } from './notices.ts';

export interface ElevationDeps {
  readonly tools: Pick<ToolCatalog, 'find'>;
  readonly controls: Pick<ControlStore, 'guardOf'>;
  readonly config: () => Config;
  readonly clock: Clock;
}

/** What it is elevated with, and the effects of that. */
export interface Lifted {
  readonly directives: MessageDirectives;
  readonly effects: readonly Effect[];
}

/** What came of a request. */
export type Elevation =
  | { readonly kind: 'begun'; readonly message: MessageItem; readonly effects: readonly Effect[] }
  /** There is no turn; its author is told. */
  | { readonly kind: 'none'; readonly effects: readonly Effect[] };

export class ElevationDesk {
  constructor(
    private readonly deps: ElevationDeps,
    private readonly heldCalls: HeldCalls,
    private readonly notices: Notices,
  ) {}

  /** What its author is told where nothing is kept back: nobody is asked about nothing. Undefined where something is. */
  nothingToLift(work: Work): Effect | undefined {
    const { elevated_only: kept } = this.deps.config().authorizations.tools;
    return kept.length > 0 ? undefined : this.notices.tellBeside(work, 'nothing-to-lift', NOTHING_TO_LIFT);
  }

  /** Its author may lift what is kept back. */
  lift(work: Work, directives: MessageDirectives): Lifted {
    const untilMs = this.deps.clock.now() + this.deps.config().authorizations.elevation.lasts;
    const rule = `permission elevate of ${work.requester.roles.join(', ')}`;
    return {
      directives: elevated(directives, { untilMs }),
      effects: [this.#begins(work, untilMs, { rule })],
    };
  }

  /** Its author may not: somebody is asked, and nothing of it is done until then. */
  async ask(work: Work, item: MessageItem): Promise<Deed> {
    const { elevation, tools } = this.deps.config().authorizations;
    const tool = this.deps.tools.find(ELEVATE);
    if (!elevation.approvers || !tool) return this.#refuse(work, NOBODY_TO_ELEVATE);
    const { length } = item.message.text;
    if (length > MOST_SHOWN_CHARS) return this.#refuse(work, tooLongToShowText(length));
    const input = toElevateInput(item, elevation, tools);
    if (JSON.stringify(input).length > MOST_CARRIED_CHARS) return this.#refuse(work, TOO_MUCH_TO_CARRY);
    const held = {
      call: { id: `elevate:${item.id}`, tool: ELEVATE, input },
      tool,
      args: input,
      decision: {
        kind: 'ask' as const,
        rule: 'elevated messages',
        approvers: elevation.approvers,
        policy: elevation.policy ?? 'default',
        channel: elevation.channel,
        exception: true as const,
      },
      heard: strangersOf([saidIn(item)]),
    };
    const asked = await this.heldCalls.toApproval(work, held, 0).catch((error: unknown) => {
      if (error instanceof FutileCallError) return undefined;
      throw error;
    });
    if (!asked) return this.#refuse(work, NOBODY_TO_ELEVATE);
    const { onNewMessage: _, ...policy } = asked.policy;
    const choices = policy.choices.filter((choice) => ELEVATION_CHOICES.includes(choice));
    const approval: Approval = { ...asked, policy: { ...policy, choices } };
    return {
      effects: [
        ...this.#tellAgent(work, elevationWaitsNews),
        // The end of one that nobody can be asked about is told when it is heard of.
        ...(approval.state === 'OPEN' ? [this.notices.tell(work, elevationAskedText(approval))] : []),
        this.deps.controls.guardOf(work.control),
      ],
      onRequests: () => this.heldCalls.open(work, [approval]),
    };
  }

  /** @param approval one of `ask` that has ended */
  settle(work: Work, approval: Approval): Elevation {
    const message = approval.state === 'EXECUTED' ? elevatedMessage(approval) : undefined;
    const { untilMs } = message?.directives?.elevation ?? {};
    if (!message || untilMs === undefined) return this.#comesToNothing(work, notElevatedText(approval));
    if (this.deps.clock.now() >= untilMs) return this.#comesToNothing(work, tooLateText(untilMs));
    const by = { rule: 'elevated messages', approval: approval.id };
    return { kind: 'begun', message, effects: [this.#begins(work, untilMs, by)] };
  }

  #refuse(work: Work, markdown: string): Deed {
    return {
      effects: [
        ...this.#tellAgent(work, notElevatedNews),
        this.notices.tell(work, markdown),
        handledAudit(work, 'authorization.deny', {
          action: 'elevate',
          rule: 'no permission elevate, and nobody to agree',
        }),
        this.deps.controls.guardOf(work.control),
      ],
    };
  }

  #comesToNothing(work: Work, markdown: string): Elevation {
    return {
      kind: 'none',
      effects: [
        ...this.#tellAgent(work, notElevatedNews),
        this.notices.tell(work, markdown),
        this.deps.controls.guardOf(work.control),
      ],
    };
  }

  #tellAgent(work: Work, news: typeof notElevatedNews): Effect[] {
    const { requester } = work;
    return this.notices.remark(work, news(requester), [requester.person]);
  }

  #begins(work: Work, untilMs: number, by: { readonly rule: string; readonly approval?: string }): Effect {
    const opens = this.deps.config().authorizations.tools.elevated_only;
    const until = new Date(untilMs).toISOString();
    return handledAudit(work, 'elevation.begun', { authorization: 'allow', until, opens, ...by });
  }
}

/** As whose words it is carried; files are not opened for that. */
function saidIn({ message, requester: { person, name } }: MessageItem): Entry {
  return {
    kind: 'user',
    from: { person, name },
    text: message.text,
    trust: isGuestId(person) ? 'outsider' : 'member',
    ...(message.passesOn || quotesOthers(message.text) ? { passesOn: true as const } : {}),
    at: message.sentAt,
  };
}
