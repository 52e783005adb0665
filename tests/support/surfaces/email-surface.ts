import type { MailSandbox } from '../../../src/sandbox/mail/mail-sandbox.ts';
import { ALEX, BOT, DANA } from '../../../src/sandbox/people.ts';
import { codesIn } from '../story.ts';
import type { Surface } from './surface.ts';

export function emailSurface(mail: MailSandbox): Surface {
  return {
    name: 'email',
    ask: async (text, { mail: from } = ALEX) => {
      const sent = await mail.settled(await mail.send({ from, to: BOT.mail, subject: 'A wish', text }));
      return sent.messageId;
    },
    said: (thread) =>
      mail.addresses
        .flatMap((address) => mail.mailbox(address))
        .filter(({ from, references }) => from === BOT.mail && references.includes(thread))
        .map(({ text }) => text),
    shownToDana: () => mail.mailbox(DANA.mail).map(({ subject, text }) => `${subject}\n${text}`),
    told: ({ mail: address }) =>
      mail
        .mailbox(address)
        .filter(({ text }) => !/^approve [A-Z0-9]{4,8}$/m.test(text))
        .map(({ text }) => text),
    approve: async () => {
      const request = mail.mailbox(DANA.mail).findLast(({ text }) => /\bapprove [A-Z0-9]{4,8}\b/.test(text));
      if (!request) throw new Error('Dana was not asked by mail');
      await mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'top' });
    },
    until: (predicate) => mail.until(predicate),
  };
}
