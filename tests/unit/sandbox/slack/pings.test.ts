import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pingsOf } from '../../../../src/sandbox/slack/pings.ts';

const targets = (text: string, blocks: unknown[] = [], linkNames = false) =>
  pingsOf({ text, blocks, linkNames }).map(({ target }) => target);

describe('pings of a message', () => {
  it.each([
    ['<!channel> look', ['channel']],
    ['<!here|here> and <!everyone>', ['here', 'everyone']],
    ['<!subteam^S012AB|@oncall>', ['S012AB']],
    ['ask <@U0DANA> or <@W012|alex>', ['U0DANA', 'W012']],
    ['&lt;!channel&gt; @channel a@here.test', []],
  ])('finds in %j', (text, expected) => {
    expect(targets(text)).toEqual(expected);
  });

  it('counts plain names where link_names makes them mentions', () => {
    expect(targets('@channel and @here', [], true)).toEqual(['channel', 'here']);
  });

  it('looks into every block, and into plain words of markup unless they are verbatim', () => {
    const blocks = [
      {
        type: 'section',
        text: { type: 'mrkdwn', text: 'hi @here' },
        fields: [{ type: 'mrkdwn', text: '<!channel>' }],
      },
      { type: 'context', elements: [{ type: 'mrkdwn', text: '@everyone', verbatim: true }] },
      { type: 'markdown', text: '<@U0EVE>' },
      {
        type: 'rich_text',
        elements: [
          {
            type: 'rich_text_section',
            elements: [
              { type: 'broadcast', range: 'channel' },
              { type: 'user', user_id: 'U0ALEX' },
            ],
          },
        ],
      },
      { type: 'actions', elements: [{ type: 'button', text: { type: 'plain_text', text: '<!channel>' } }] },
    ];

    expect(targets('', blocks)).toEqual(['here', 'channel', 'U0EVE', 'channel', 'U0ALEX']);
  });

  it('finds none in text whose angle brackets are escaped, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(targets(text.replaceAll('<', '&lt;'))).toEqual([]);
      }),
    );
  });
});
