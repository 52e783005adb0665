/**
 * Messages that ask for what is kept back otherwise (`/elevated`): whose are elevated at once, and the request by which
 * somebody agrees to the others.
 *
 *   may lift it ─────────────────────────────▶ its turn is elevated
 *   may not ──▶ request ──▶ agreed to ─────────▶ its turn is elevated, for as long as was agreed to
 *                  └──────▶ refused, expired ──▶ its author is told, and there is no turn
 *
 * The request is a call of a tool that only the gateway calls and that changes nothing: what follows is the message it
 * carries.
 *
 * Invariants
 *   1. Nothing of a message runs, and the model is shown nothing of it, before it is elevated.
 *   2. What was agreed to is one message, word for word, with what it opens; neither can be changed by an answer.
 *   3. It ends by time, and with the right of whoever lifted it themselves.
 */
import { z } from 'zod';
import { askedOf, endText, literal, standing, whenText } from '../approvals/sentences.ts';
import type { Elevation, ToolAccess } from '../config/tool-access.ts';
import type { Approval } from '../domain/approval/record.ts';
import type { MessageDirectives } from '../domain/directive.ts';
import { MailboxItem } from '../domain/mailbox-item.ts';
import type { AnswerChoice, Attachment } from '../domain/message.ts';
import { nameInNews } from '../domain/person.ts';
import type { Preview, Tool } from '../domain/tool.ts';

export const ELEVATE = 'elevate';

/** What a request carries of a message, with the files that are inside it: a file of a mail is no reference. */
export const MOST_CARRIED_CHARS = 200_000;

/** Longest message that somebody is asked to agree to, in characters: the card shows all of it. */
export const MOST_SHOWN_CHARS = 10_000;

type Author = Parameters<typeof nameInNews>[0];

type Fact = NonNullable<Preview['told']>['facts'][number];

const MessageItem = MailboxItem.options[0];
type MessageItem = z.infer<typeof MessageItem>;

export const ElevateInput = z.strictObject({
  message: MessageItem,
  lastsMs: z.int().positive(),
  /** Tools and groups it opens. */
  opens: z.array(z.string()),
});
export type ElevateInput = z.infer<typeof ElevateInput>;

/** What an answer to the request may be: it cannot be changed, nor answered in place of being run. */
export const ELEVATION_CHOICES: readonly AnswerChoice[] = ['approve', 'deny', 'ask', 'take-back'];

/** @param access as it is now: what it opens is part of what is agreed to */
export function createElevateTool(access: () => ToolAccess): Tool<typeof ElevateInput> {
  return {
    name: ELEVATE,
    group: 'system',
    version: 1,
    description: 'Opens for one message what is kept for elevated ones.',
    input: ElevateInput,
    risk: 'high',
    effect: 'idempotent',
    reversible: false,
    internal: true,
    timeoutMs: 1_000,
    preview: async ({ message, lastsMs, opens }) => ({
      changes: [],
      basis: JSON.stringify(access().elevated_only),
      told: {
        title: `a message of ${message.requester.name}`,
        facts: [
          { label: 'message', value: message.message.text },
          ...askedFor(message.directives),
          ...enclosed(message.message.attachments),
          { label: 'opens', value: opensText(opens) },
          {
            label: 'for',
            value: `this message alone, ${minutesText(lastsMs)}; what the rules hold is held all the same`,
          },
        ],
      },
    }),
    execute: async () => ({ status: 'ok', text: 'The message is elevated and handled now.' }),
  };
}

export function wantsElevation(directives: MessageDirectives | undefined): directives is MessageDirectives {
  return directives?.asked.includes('elevated') === true && directives.elevation === undefined;
}

/** @param mayLift whether its author may, now */
export function isElevated(
  directives: MessageDirectives | undefined,
  nowMs: number,
  mayLift: () => boolean,
): boolean {
  const { elevation } = directives ?? {};
  if (!elevation || nowMs >= elevation.untilMs) return false;
  return elevation.approvalId !== undefined || mayLift();
}

export function elevated(
  directives: MessageDirectives,
  elevation: NonNullable<MessageDirectives['elevation']>,
): MessageDirectives {
  return { ...directives, elevation };
}

export function toElevateInput(
  message: MessageItem,
  { lasts }: Elevation,
  { elevated_only }: ToolAccess,
): ElevateInput {
  return { message, lastsMs: lasts, opens: elevated_only };
}

/** The message an approval is about, as it is handled once it is elevated; undefined when there is none to be read. */
export function elevatedMessage({ id, request, result }: Approval): MessageItem | undefined {
  const input = ElevateInput.safeParse(request.args).data;
  if (!input || !result) return undefined;
  const { message, lastsMs } = input;
  const directives = elevated(message.directives ?? { asked: [], overridden: [] }, {
    untilMs: result.atMs + lastsMs,
    approvalId: id,
  });
  // Taken up with the yes: a `/stop` from before that was meant for what ran then.
  const receivedAt = new Date(result.atMs).toISOString();
  return { ...message, receivedAt, recorded: true, directives };
}

/** For whoever wrote the message; in markdown. */
export function elevationAskedText(approval: Approval): string {
  if (approval.state !== 'OPEN') return notElevatedText(approval);
  return `You may not lift by yourself what \`/elevated\` lifts, so I asked ${literal(askedOf(approval))}, until ${endText(approval)}. Until somebody says yes I do nothing with your message.`;
}

export function notElevatedText(approval: Approval): string {
  return `I did nothing with your message that asked for \`/elevated\`. ${literal(standing(approval))}`;
}

export const NOTHING_TO_LIFT =
  'There is nothing for `/elevated` to lift: no tool is kept for elevated messages here. I handle your message as any other.';

export const NOBODY_TO_ELEVATE =
  'You may not lift what `/elevated` lifts, and nobody is named here who could agree to it, so I did nothing with your message. Without `/elevated` I answer it.';

/** @param length of the message, in characters */
export function tooLongToShowText(length: number): string {
  return `Whoever agrees to a message with \`/elevated\` reads all of it, and yours is too long for that: it has ${length} characters, and may have ${MOST_SHOWN_CHARS}. So nobody was asked, and I did nothing with it. Send it in fewer words, or without \`/elevated\`.`;
}

export const TOO_MUCH_TO_CARRY =
  'What comes with your message is too much to keep until somebody agrees, so nobody was asked and I did nothing with it. Send it without the files, or without `/elevated`.';

export function tooLateText(untilMs: number): string {
  return `Your message was elevated until ${whenText(untilMs)}, and I did not come to it before that, so I did nothing with it. Please send it again.`;
}

/** What the model is told before the message. */
export function elevationNews(untilMs: number): string {
  return `What is kept back otherwise is open for the message that follows, and for nothing else, until ${whenText(untilMs)}.`;
}

/** In place of the message, which it is not shown. */
export function elevationWaitsNews(by: Author): string {
  return `A message of ${nameInNews(by)} asks for what is kept back. It waits for a yes, and you are not shown it before that. There is nothing to do about it.`;
}

export function notElevatedNews(by: Author): string {
  return `A message of ${nameInNews(by)} that asked for what is kept back was not agreed to. You are not shown it, and nothing of it was done.`;
}

/** What stood in front of the message beside `/elevated`: it decides with what the message is handled. */
function askedFor(directives: MessageDirectives | undefined): Fact[] {
  const { asked = [], profile, mode } = directives ?? {};
  const words = [
    ...asked.filter((each) => each !== 'elevated'),
    ...(profile === undefined ? [] : [`the tools of the profile ${profile}`]),
    ...(mode === undefined ? [] : [`instructions: ${mode}`]),
  ];
  return words.length === 0 ? [] : [{ label: 'with', value: words.join(', ') }];
}

/** By name and size; what is in them is not shown. */
function enclosed(files: readonly Attachment[] = []): Fact[] {
  if (files.length === 0) return [];
  const named = files.map(({ name, mediaType, bytes }) => `${name} (${mediaType}, ${bytes} bytes)`);
  return [{ label: 'files', value: named.join('\n') }];
}

/** Names as the list has them: which of these tools its turn has depends on who wrote it, and where, until it begins. */
function opensText(opens: readonly string[]): string {
  if (opens.length === 0) return 'nothing: no tool is kept for elevated messages';
  return `${opens.join(', ')}; of these, what its profile and the ceilings of its author and channel leave`;
}

function minutesText(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  return `for ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
}
