/**
 * The terminal as a channel: one person, one conversation, one process.
 *
 * Each terminal is a platform of its own (`cli-<session>`), because only the process that has the terminal can write
 * to it. What is meant for one that is closed waits until its session is opened again.
 *
 * Invariants
 *   1. An answer is given to a request exactly as this terminal has shown it; one that was not shown yet is shown first,
 *      and nothing is decided.
 *   2. A request on screen that somebody else settles, or time, is said to be settled here, too.
 */
import { randomUUID } from 'node:crypto';
import type { Card } from '../../src/domain/card.ts';
import type { Clock } from '../../src/domain/clock.ts';
import type { CheckFinding, Gateway, Progress, Receive } from '../../src/domain/gateway.ts';
import type { ApprovalId, Platform } from '../../src/domain/ids.ts';
import {
  type Address,
  type Attachment,
  MAX_INLINE_BYTES,
  type OutboundMessage,
  type OutFile,
  type Sent,
} from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { readLocalFile, saveFiles } from './files.ts';
import {
  type CliSession,
  completionsOf,
  type Line,
  parseLine,
  platformOfSession,
  toInboundAnswer,
  toInboundMessage,
} from './inbound.ts';
import { renderCard, renderMarkdown, renderOutcome, renderPlain, renderSpeech } from './outbound.ts';
import type { Terminal } from './terminal.ts';

export interface CliDeps {
  readonly terminal: Terminal;
  /** What the agent is called. */
  readonly agentName: string;
  /** Requests the person here may answer, as they are now. */
  readonly cards: CardSource;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface CardSource {
  answerable(): Promise<Card[]>;
  find(id: ApprovalId): Promise<Card | undefined>;
}

const HELP = [
  'What you type goes to the agent; a line that ends with \\ goes on in the next.',
  '  /approvals              what waits for your answer',
  '  /approve [id]           say yes',
  '  /deny [id] [reason]     say no',
  '  /answer [id] <text>     say something else instead of yes or no',
  '  /attach <path>          send a file along with what you type next',
  '  /quit                   leave; so does Ctrl+D',
  '  /help                   this, and what else the agent takes',
].join('\n');

/** States after which more is to come. */
const UNDER_WAY: ReadonlySet<Card['status']['state']> = new Set(['approved', 'executing']);

/** How far a request has come, as far as it is told here. */
type Stage = 'open' | 'under-way' | 'over';

/** A request as it stands on the screen. */
interface Shown {
  readonly card: Card;
  /** The person here is one of those asked. */
  readonly isMine: boolean;
}

const NOT_STORED =
  'That was not stored, as far as I can tell. Look at /status before you send it again: what is under way all the same would be done twice.';

export class CliGateway implements Gateway {
  readonly platform: Platform;
  readonly progress: Progress;
  /** Resolves when the person has left, or the input has ended and everything typed is stored. */
  readonly ended: Promise<void>;
  readonly #shown = new Map<ApprovalId, Shown>();
  /** Requests the person was asked, and has not heard the end of, with what they have heard. */
  readonly #followed = new Map<ApprovalId, Stage>();
  /** Ids of what is on the screen already: a message sent again is not printed again. */
  readonly #printed = new Set<string>();
  /** Messages of the person that have no answer yet. */
  readonly #waiting = new Set<string>();
  /** Files that go along with what is typed next. */
  #attached: readonly Attachment[] = [];
  #end: () => void = () => undefined;
  #continued = '';
  /** One line after the other, in the order typed. */
  #handling: Promise<void> = Promise.resolve();

  constructor(
    private readonly session: CliSession,
    private readonly deps: CliDeps,
  ) {
    this.platform = platformOfSession(session.name);
    this.progress = {
      show: async ({ markdown }) => {
        this.deps.terminal.status(markdown.trim().split('\n').at(-1));
        return 'status';
      },
      settle: async () => undefined, // the line is gone with the process that wrote it
    };
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async start(receive: Receive): Promise<void> {
    this.deps.terminal.start({
      prompt: `${this.session.displayName} › `,
      complete: (line) =>
        completionsOf(
          line,
          this.#open().map(({ card }) => card.approvalId),
        ),
      onLine: (line) => this.#typed(line, receive),
      onEnd: () => void this.#handling.then(this.#end),
    });
  }

  async stop(): Promise<void> {
    this.deps.terminal.stop();
    await this.#handling;
  }

  async send({ id, body }: OutboundMessage): Promise<Sent> {
    const { terminal, agentName } = this.deps;
    const { paint } = terminal;
    if (this.#printed.has(id)) return { ref: id };
    this.#printed.add(id);
    switch (body.kind) {
      case 'text':
        this.#answered(id);
        terminal.print(renderSpeech(agentName, body.markdown, paint));
        await this.#save(body.files ?? []);
        break;
      case 'card':
        if (!body.replaces) this.#answered(id);
        // Of what the person here has asked for: nobody answers their own request.
        this.#showCard(body.card, false);
        break;
      case 'notice':
        terminal.print(paint.faint(renderMarkdown(body.markdown, paint)));
        break;
      default:
        body satisfies never;
    }
    return { ref: id };
  }

  directAddress(): Address {
    return { platform: this.platform, route: { session: this.session.name } };
  }

  isPrivate(): boolean {
    return true;
  }

  async check(): Promise<CheckFinding[]> {
    return [{ subject: 'terminal', status: 'works', detail: `speaks as ${this.session.displayName}` }];
  }

  /** Whether something the person asked has no answer yet. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Shows requests the person may answer and has not seen as they are now, and what became of those they were asked. */
  async showNews(): Promise<void> {
    for (const card of await this.deps.cards.answerable()) {
      const shown = this.#shown.get(card.approvalId);
      if (shown?.card.gen !== card.gen || !shown.isMine) this.#showCard(card, true);
    }
    for (const [id, heard] of this.#followed) {
      const card = await this.deps.cards.find(id);
      const stage = card ? stageOf(card) : 'over';
      if (stage === heard) continue;
      this.#follow(id, stage);
      if (card) this.#showOutcome(card);
    }
  }

  #typed(line: string, receive: Receive): void {
    if (line.endsWith('\\')) {
      this.#continued += `${line.slice(0, -1)}\n`;
      return;
    }
    const parsed = parseLine(`${this.#continued}${line}`);
    this.#continued = '';
    this.#handling = this.#handling.then(() =>
      this.#handle(parsed, receive).catch((error: unknown) => {
        this.deps.log.warn({ err: error }, 'what was typed could not be handled');
        this.deps.terminal.print(NOT_STORED);
      }),
    );
  }

  async #handle(line: Line, receive: Receive): Promise<void> {
    const { terminal } = this.deps;
    switch (line.kind) {
      case 'nothing':
        return;
      case 'say':
        return this.#say(line.text, receive);
      case 'answer':
        return this.#answer(line, receive);
      case 'attach':
        return this.#attach(line.path);
      case 'approvals':
        return this.#list();
      case 'help':
        terminal.print(HELP);
        return this.#say('/help', receive);
      case 'quit':
        this.#end();
        return;
      case 'mistake':
        terminal.print(line.sentence);
        return;
      default:
        line satisfies never;
    }
  }

  async #say(text: string, receive: Receive): Promise<void> {
    const attachments = this.#attached;
    const said = { text, attachments };
    const message = toInboundMessage(this.session, said, randomUUID(), this.deps.clock.now());
    // Before it is stored: its answer may be here before the receipt.
    this.#waiting.add(message.id);
    this.deps.terminal.status('…');
    try {
      const receipt = await receive(message);
      this.#attached = [];
      // A command: what it says is all there is to come.
      if (receipt.kind === 'answered') this.#answered(`reply:${message.id}`);
      if (receipt.kind !== 'ignored') return;
      this.deps.log.info({ reason: receipt.reason }, 'what was typed was not taken');
    } catch (error) {
      this.#answered(`reply:${message.id}`);
      throw error;
    }
  }

  async #attach(path: string): Promise<void> {
    const { terminal } = this.deps;
    const file = await readLocalFile(path);
    if (file.kind === 'mistake') {
      terminal.print(renderPlain(file.sentence));
      return;
    }
    const attached = [...this.#attached, file.attachment];
    if (attached.reduce((sum, { bytes }) => sum + bytes, 0) > MAX_INLINE_BYTES) {
      terminal.print(`A message carries at most ${MAX_INLINE_BYTES} bytes of files; send the others first.`);
      return;
    }
    this.#attached = attached;
    const { name, bytes } = file.attachment;
    terminal.print(renderPlain(`${name} (${bytes} bytes) goes along with what you type next.`));
  }

  /** The words were printed already, so a disk that is full costs the files alone. */
  async #save(files: readonly OutFile[]): Promise<void> {
    if (files.length === 0) return;
    const { terminal, log } = this.deps;
    try {
      for (const path of await saveFiles(files)) terminal.print(renderPlain(`Saved: ${path}`));
    } catch (error) {
      log.warn({ err: error }, 'a file of the agent could not be saved');
      const names = files.map(({ name }) => name).join(', ');
      terminal.print(renderPlain(`The agent sent ${names}, and it could not be saved.`));
    }
  }

  async #answer(
    { choice, approvalId, gen, text }: Extract<Line, { kind: 'answer' }>,
    receive: Receive,
  ): Promise<void> {
    const { terminal } = this.deps;
    const shown = approvalId ? this.#shown.get(approvalId) : this.#onlyOpen();
    const isAnother = gen !== undefined && shown !== undefined && shown.card.gen !== gen;
    if (!shown || isAnother) {
      if (approvalId) return this.#showFirst(approvalId);
      const open = this.#open().length;
      terminal.print(
        open === 0 ? 'No open request is on screen. /approvals shows what waits.' : 'Which one? Name its id.',
      );
      return;
    }
    const answer = toInboundAnswer(this.session, shown.card, { choice, text }, randomUUID());
    const receipt = await receive(answer);
    if (receipt.kind !== 'answered') return;
    terminal.print(renderMarkdown(receipt.notice, terminal.paint));
    const isDone = receipt.code === 'DECIDED';
    await this.#lookAgain(shown);
    // Of a no there is nothing more to tell.
    if (isDone) this.#follow(shown.card.approvalId, choice === 'approve' ? 'under-way' : 'over');
  }

  /** What was answered may not be what it was. The answer is given, so a failure here is none of it. */
  async #lookAgain({ card: { approvalId: id, gen }, isMine }: Shown): Promise<void> {
    this.#shown.delete(id);
    try {
      const card = await this.deps.cards.find(id);
      if (card?.gen === gen) {
        this.#shown.set(id, { card, isMine });
        this.#follow(id, stageOf(card));
      } else if (card) {
        this.#showCard(card, isMine);
      }
    } catch (error) {
      this.deps.log.warn({ err: error, approval: id }, 'a request could not be read again');
    }
  }

  async #showFirst(id: ApprovalId): Promise<void> {
    const card = await this.deps.cards.find(id);
    if (!card) {
      this.deps.terminal.print(`There is no request ${id} that you may see.`);
      return;
    }
    this.#showCard(card, isOpen(card) && (await this.#isMine(card)));
    if (!isOpen(card)) return;
    this.deps.terminal.print(
      'This is what it is about. Nothing was decided; say it again if you have made up your mind.',
    );
  }

  async #list(): Promise<void> {
    const cards = await this.deps.cards.answerable();
    for (const card of cards) this.#showCard(card, true);
    if (cards.length === 0) this.deps.terminal.print('Nothing waits for your answer.');
  }

  async #isMine({ approvalId }: Card): Promise<boolean> {
    const mine = await this.deps.cards.answerable();
    return mine.some((card) => card.approvalId === approvalId);
  }

  /** Whole where it is news; what became of what stands on the screen is one line. */
  #showCard(card: Card, isMine: boolean): void {
    const { terminal } = this.deps;
    const before = this.#shown.get(card.approvalId);
    if (before && !isOpen(card)) {
      this.#follow(card.approvalId, stageOf(card));
      this.#showOutcome(card);
      return;
    }
    this.#shown.set(card.approvalId, { card, isMine });
    if (isMine) this.#follow(card.approvalId, stageOf(card));
    terminal.print(renderCard(card, terminal.paint, isMine));
  }

  #showOutcome(card: Card): void {
    const { terminal } = this.deps;
    const isMine = this.#shown.get(card.approvalId)?.isMine === true;
    this.#shown.set(card.approvalId, { card, isMine });
    terminal.print(renderOutcome(card, terminal.paint));
  }

  #follow(id: ApprovalId, stage: Stage): void {
    if (stage === 'over') this.#followed.delete(id);
    else this.#followed.set(id, stage);
  }

  #open(): Shown[] {
    const open = [...this.#shown.values()].filter(({ card }) => isOpen(card));
    const mine = open.filter(({ isMine }) => isMine);
    // Of somebody who is asked nothing, any answer is about what they asked for; the core says why it does not count.
    return mine.length > 0 ? mine : open;
  }

  #onlyOpen(): Shown | undefined {
    const open = this.#open();
    return open.length === 1 ? open[0] : undefined;
  }

  /** An answer is named after its question; anything else we say answers the oldest. */
  #answered(id: string): void {
    // A notice that it takes longer is no answer.
    if (id.startsWith('delayed:')) return;
    const [oldest] = this.#waiting;
    const question = [...this.#waiting].find((each) => id.endsWith(`:${each}`)) ?? oldest;
    if (question !== undefined) this.#waiting.delete(question);
    if (this.#waiting.size === 0) this.deps.terminal.status(undefined);
  }
}

function isOpen({ choices }: Card): boolean {
  return choices.length > 0;
}

function stageOf({ status: { state } }: Card): Stage {
  if (state === 'open') return 'open';
  return UNDER_WAY.has(state) ? 'under-way' : 'over';
}
