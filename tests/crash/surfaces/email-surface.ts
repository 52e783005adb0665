import type { Mail } from '../../../src/sandbox/mail/mail.ts';
import type { MailSandbox } from '../../../src/sandbox/mail/mail-sandbox.ts';
import { ALEX, BOT } from '../../../src/sandbox/people.ts';
import { keyOf, type Post, type Surface } from './surface.ts';

/**
 * Every conversation is a mail thread: Alex answers the newest mail of the bot in it, so what is said before one came
 * waits for it. Approvals are asked of Dana in mails of her own.
 */
export function createEmailSurface(mail: MailSandbox): Surface {
  const inThread = (root: string) =>
    mail.mailbox(ALEX.mail).filter(({ from, references }) => from === BOT.mail && references.includes(root));
  const replies = (root: string) => inThread(root).filter(({ text }) => keyOf(text)?.includes(' m') === true);
  const answered = (root: string, text: string) => {
    const label = /\bc\d+ m\d+\b/.exec(text)?.[0] ?? text;
    const isThere = () => inThread(root).some((each) => each.text.includes(`${label}:`));
    return mail.until(isThere, TAKEN_WITHIN_MS).then(() => undefined);
  };
  return {
    platform: 'email',
    write: async ({ conversation, place, text }) => {
      const before = place === undefined ? undefined : replies(place).at(-1);
      const delivery = before
        ? await mail.reply(before, { line: text, quoting: 'top' })
        : await mail.send({ from: ALEX.mail, to: BOT.mail, subject: `Conversation ${conversation}`, text });
      const root = place ?? delivery.messageId;
      const trace = () => {
        const { state, attempts, lastAnswer } =
          mail.deliveries.find(({ id }) => id === delivery.id) ?? delivery;
        return `the mail ${delivery.messageId} is ${state} after ${attempts} attempts: ${lastAnswer}`;
      };
      return { place: root, acknowledged: answered(root, text), trace };
    },
    posts: (root) => inThread(root).map(toPost),
    // She answers the mails that ask her.
    approve: async () => false,
    get unacknowledged() {
      return mail.deliveries.filter(({ state }) => state === 'queued').length;
    },
    get written() {
      return mail.mailbox(ALEX.mail).length;
    },
    get stored() {
      return mail.deliveries.filter(({ state }) => state === 'accepted').length;
    },
    onChange: (listener) => mail.onChange(listener),
  };
}

/** Longer than any storm keeps the gateways away from one message. */
const TAKEN_WITHIN_MS = 20 * 60_000;

function toPost({ subject, text, messageId }: Mail): Post {
  return {
    text,
    // The mailbox drops a mail that comes again under its Message-ID, as mail programs do.
    key: messageId,
    isProgress: false,
    isOpen: false,
    raw: `${messageId} ${subject} ${text}`,
  };
}
