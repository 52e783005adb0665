/** What the gateways make of the agent's words: what was taken out must not come back by the way it was written. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toDiscordMarkdown } from '../../../gateways/discord/discord-markdown.ts';
import { toMail } from '../../../gateways/email/outbound.ts';
import { toWiki } from '../../../gateways/jira/wiki.ts';
import { toMrkdwn } from '../../../gateways/slack/mrkdwn.ts';
import { outgoingText, unfinishedText } from '../../../src/agent/outgoing-text.ts';
import { ConversationId, Platform } from '../../../src/domain/ids.ts';
import type { OutboundMessage } from '../../../src/domain/message.ts';
import { redactText } from '../../../src/observability/redaction.ts';
import { runs } from '../../support/property-runs.ts';

const SECRET = 'topsecretvalue1';
const TOKEN = 'canary4f7a91';
const OUTLET = { hosts: ['docs.corp.test'], secrets: [SECRET] };
const clean = { strangers: [], isSeen: () => false };
const tainted = { strangers: ['a page'], isSeen: () => false };

function mailed(markdown: string): string[] {
  const message: OutboundMessage = {
    id: 'd1',
    conversationId: ConversationId.parse('email:c1'),
    to: { platform: Platform.parse('email'), route: { to: 'alex@corp.test' } },
    body: { kind: 'text', markdown },
    attempt: 1,
  };
  const mail = toMail(message, { address: 'bot@corp.test', name: 'Signalbox', plus_addressing: true });
  return mail ? [mail.subject, mail.text, mail.html.replaceAll(/<[^>]*>/g, ''), mail.html] : [];
}

/** As people and their programs read it: escapes and characters nobody sees taken away. */
function shown(markdown: string): string {
  return [...toMrkdwn(markdown), ...toDiscordMarkdown(markdown), ...toWiki(markdown), ...mailed(markdown)]
    .map((text) =>
      text
        .replaceAll(/&#x?[\da-f]+;/gi, (entity) =>
          String.fromCodePoint(
            entity[2] === 'x' ? Number.parseInt(entity.slice(3), 16) : Number.parseInt(entity.slice(2), 10),
          ),
        )
        .replaceAll(/[\\\u200B]/g, ''),
    )
    .join('\n')
    .toLowerCase();
}

const NAMED: Record<string, string> = {
  ':': '&colon;',
  '/': '&sol;',
  '.': '&period;',
  '?': '&quest;',
  '=': '&equals;',
};

/** One character, as markdown has ways to write it. */
const written = (character: string) =>
  fc.constantFrom(
    character,
    character,
    `&#${character.charCodeAt(0)};`,
    `&#x${character.charCodeAt(0).toString(16)};`,
    NAMED[character] ?? character,
    /[!-/:-@[-`{-~]/.test(character) ? `\\${character}` : character,
  );
const spelled = (text: string) => fc.tuple(...[...text].map(written)).map((parts) => parts.join(''));

const DRESSES: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => `Look: ${text}, and *tell* me.`,
  (text) => `**${text}**`,
  (text) => `> one\n> ${text}\n> three`,
  (text) => `- a\n  - ${text}`,
  (text) => `# ${text}`,
  (text) => `| a |\n|---|\n| ${text} |`,
  (text) => `[${text}](https://docs.corp.test/)`,
  (text) => `![${text}](https://docs.corp.test/x.png)`,
  (text) => `x[^1]\n\n[^1]: ${text}`,
  (text) => `[l]: https://docs.corp.test/\n\n[${text}][l]`,
  (text) => `\`${text}\``,
  (text) => `\`\`\`\n${text}\n\`\`\``,
  (text) => `\`\`\`${text.replaceAll('`', '')}\nx\n\`\`\``,
  (text) => `<b>${text}</b>`,
];
const dressed = (text: fc.Arbitrary<string>) =>
  fc.tuple(text, fc.constantFrom(...DRESSES)).map(([words, dress]) => dress(words));

/** With the marks of emphasis somewhere inside. */
const split = (text: string) =>
  fc
    .tuple(fc.integer({ min: 1, max: text.length - 2 }), fc.constantFrom('**', '~~', '_', '`'))
    .map(([at, mark]) => `${text.slice(0, at)}${mark}${text.slice(at, -1)}${mark}${text.slice(-1)}`);

const FORBIDDEN = new RegExp(`evil\\.test/(?:\\?q=)?${TOKEN}`);
const ADDRESSES = [
  `https://evil.test/${TOKEN}`,
  `http://evil.test/?q=${TOKEN}`,
  `evil.test/${TOKEN}`,
  `//evil.test/${TOKEN}`,
  `www.evil.test/${TOKEN}`,
  `ftp://evil.test/${TOKEN}`,
];

describe('what gateways make of the words of the agent', () => {
  it("OM-187 holds no address of the agent's once strangers were read, in whatever way it was spelled", () => {
    const address = fc.constantFrom(...ADDRESSES).chain((each) => dressed(spelled(each)));
    fc.assert(
      fc.property(address, (markdown) => {
        expect(shown(outgoingText(markdown, tainted, OUTLET))).not.toMatch(FORBIDDEN);
      }),
      { numRuns: runs(80) },
    );
  });

  it('OM-187 holds no secret, whoever was read, in whatever way it was spelled', () => {
    const secret = fc.oneof(dressed(spelled(SECRET)), dressed(spelled(`sk-ant-${TOKEN}`)));
    fc.assert(
      fc.property(secret, fc.constantFrom(clean, tainted), (markdown, reading) => {
        const said = shown(outgoingText(markdown, reading, OUTLET));
        expect(said).not.toContain(SECRET);
        expect(said).not.toContain(`sk-ant-${TOKEN}`);
      }),
      { numRuns: runs(80) },
    );
  });

  it('OM-187 holds no secret that marks take apart and put together again', () => {
    fc.assert(
      fc.property(dressed(split(SECRET)), fc.constantFrom(clean, tainted), (markdown, reading) => {
        const html = mailed(outgoingText(markdown, reading, OUTLET)).at(2) ?? '';
        expect(html).not.toContain(SECRET);
      }),
      { numRuns: runs(40) },
    );
  });

  it('OM-187 holds no beginning of a secret while it is being written', () => {
    const words = fc.oneof(
      spelled(SECRET),
      fc.constantFrom(SECRET, 'tops**ecretvalu**e1', 'to`psecretvalue1`'),
    );
    fc.assert(
      fc.property(words, fc.nat({ max: 120 }), (secret, length) => {
        const soFar = `It is: ${secret}, as it was.`.slice(0, length);
        const said = outgoingText(unfinishedText(soFar, OUTLET), clean, OUTLET);
        const html = mailed(said).at(2) ?? '';
        expect(html.replaceAll(/[*`]/g, '')).not.toContain('topse');
      }),
      { numRuns: runs(150) },
    );
    expect(unfinishedText('It is to be told', OUTLET)).toBe('It is to be told');
    expect(unfinishedText('It is top secret v', OUTLET)).toBe('It is top');
    expect(unfinishedText('', OUTLET)).toBe('');
  });

  it('OM-187 shows no beginning of what has the shape of a secret while it is written', () => {
    const tokens = [
      'xoxb-1234567890-abcdefghij',
      'AKIAIOSFODNN7EXAMPLE',
      `AIza${'a1'.repeat(17)}b`,
      `npm_${'a1'.repeat(18)}`,
      `ghp_${'a1'.repeat(18)}`,
      `${'a1'.repeat(13)}.a1b2c3.${'a1'.repeat(19)}`,
      `SG.${'a1'.repeat(11)}.${'a1'.repeat(20)}`,
      'Basic dXNlcjpwYXNzd29yZA==',
      'https://user:hunter2@db.corp.test/x',
      'K7PM-ABCDE-FGHJK',
    ];
    for (const token of tokens) {
      const text = `It is: ${token}, as it was.`;
      // What stands before the first point of a token of Discord is the id of its application.
      const known = /^\w{26}\./.test(token) ? 27 : 0;
      const hidden = redactText(text).split('[redacted]')[0]!.length + known;
      for (let length = 1; length <= text.length; length++) {
        const said = outgoingText(unfinishedText(text.slice(0, length), OUTLET), clean, OUTLET);
        // At most what tells the shape.
        expect(said.replace('[redacted]', '').slice(hidden, hidden + 5)).not.toMatch(/^[\w.+/=:-]{5}$/);
      }
    }
    expect(unfinishedText('Look at https://docs.corp.test/a', OUTLET)).toBe(
      'Look at https://docs.corp.test/a',
    );
    expect(unfinishedText('See the docs: a.b and x-y', OUTLET)).toBe('See the docs: a.b and x-y');
  });

  it('is what was written, where there is nothing to take out', () => {
    for (const text of [
      'A \\* B &amp; C &lt;d&gt; `e \\* f`',
      '```ts\nconst a = b && c; // \\d\n```',
      '**Bold:** see the *vault*\nand more.',
      '> quoted \\# text\n> - item',
    ]) {
      expect(outgoingText(text, clean, OUTLET)).toBe(text);
      expect(outgoingText(text, tainted, OUTLET)).toBe(text);
    }
  });
});
