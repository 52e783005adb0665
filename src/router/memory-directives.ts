/**
 * What `/memory` does: tells somebody what is known of them, and takes their consent to it, or takes it back.
 *
 *   /memory        what is known, and whether they have agreed to it
 *   /memory on     from now on what they prefer may be written down
 *   /memory off    no more, and what was written down is gone
 *
 * Only the person's own words give consent: no tool of the agent does.
 */
import type { MemorySettings } from '../config/memory.ts';
import { platformOf } from '../domain/ids.ts';
import type { InboundMessage } from '../domain/message.ts';
import { isGuestId, type Person } from '../domain/person.ts';
import type { MemoryStore } from '../memory/memory-store.ts';
import { notesOf } from '../memory/note-store.ts';

const WISH = /^\s*[/!]memory(?:\s+(on|off))?[\s.,;:!]*$/i;

/**
 * Meant for one of these, whatever stands behind `on` and `off`; and so is a word or two that are neither: somebody's
 * consent is nothing for the agent to talk about. A sentence is for the agent.
 */
const NEARLY = /^\s*[/!]memory\s+(?:(?:on|off)\b|[^\s/!]\S*(?:\s+[^\s/!]\S*)?\s*$)/i;

const NOT_TAKEN =
  'I have changed nothing: write `/memory off`, or `/memory on`, with nothing behind it. `/memory` shows how it stands.';

const SWITCHED_OFF =
  'Nothing is written down about people here: whoever runs me has not switched it on (`memory.summaries.people`).';

export class MemoryDirectives {
  constructor(
    private readonly memory: MemoryStore,
    private readonly settings: () => MemorySettings,
  ) {}

  /** Does it, and resolves with what whoever wrote it is told. */
  async take({ id, text, sender }: InboundMessage, person: Pick<Person, 'id' | 'name'>): Promise<string> {
    const [whole, wish] = WISH.exec(text) ?? [];
    if (whole === undefined) return NOT_TAKEN;
    if (wish === undefined) return this.#tell(person);
    if (isGuestId(person.id)) return 'I keep nothing about guests, so there is nothing to agree to.';
    const given = wish.toLowerCase() === 'on';
    const changed = await this.memory.setConsent(person.id, given, {
      event: given ? 'memory.consent-given' : 'memory.consent-withdrawn',
      actor: person.id,
      subject: person.id,
      correlation: id,
      channel: platformOf(sender.account),
    });
    return given ? this.#agreed(changed) : withdrawn(changed);
  }

  #agreed(changed: boolean): string {
    const off = this.settings().summaries.people ? [] : [SWITCHED_OFF];
    const words = changed
      ? 'From now on I may write down what you tell me about yourself and how you like things, and use it when you talk to me. Nobody else is told. `/memory` shows it, `/memory off` ends it and removes it.'
      : 'You have agreed to that already. `/memory` shows what I know, `/memory off` ends it and removes it.';
    return [words, ...off].join('\n\n');
  }

  async #tell({ id }: Pick<Person, 'id'>): Promise<string> {
    const [profile, notes] = await Promise.all([
      this.memory.profileOf(id),
      this.memory.notes.list(notesOf.person(id)),
    ]);
    const count = notes.length === 1 ? 'one note' : `${notes.length} notes`;
    const noted = notes.length === 0 ? [] : [`I keep ${count} about you; ask me what is in it.`];
    if (!profile?.consent.given) {
      return [
        'I write nothing down about you by myself. `/memory on` lets me.',
        ...noted,
        ...(this.settings().summaries.people ? [] : [SWITCHED_OFF]),
      ].join('\n\n');
    }
    const known =
      profile.text === undefined ? 'I have written nothing down about you yet.' : quoted(profile.text);
    return [known, ...noted, '`/memory off` ends this and removes it.'].join('\n\n');
  }
}

/** Whether a text is one of these commands, or was meant to be. */
export function isMemoryWish(text: string): boolean {
  return WISH.test(text) || NEARLY.test(text);
}

function withdrawn(changed: boolean): string {
  return changed
    ? 'I write nothing down about you any more, and what I had written down is gone. Notes you asked me to keep are there still: ask me to forget them.'
    : 'I write nothing down about you.';
}

/** As a quotation: what a model wrote is not the gateway's word. */
function quoted(text: string): string {
  return ['What I have written down about you:', ...text.split('\n').map((line) => `> ${line}`)].join('\n');
}
