import { describe, expect, it } from 'vitest';
import { judgeMessageBlocks, judgeView } from '../../../../src/sandbox/slack/block-rules.ts';

const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } });
const button = (change: object = {}) => ({
  type: 'button',
  action_id: 'a',
  text: { type: 'plain_text', text: 'Approve' },
  value: 'v',
  ...change,
});
const actions = (...elements: object[]) => ({ type: 'actions', elements });
const input = {
  type: 'input',
  label: { type: 'plain_text', text: 'Why?' },
  element: { type: 'plain_text_input' },
};
const modal = (change: object = {}) => ({
  type: 'modal',
  title: { type: 'plain_text', text: 'Deny' },
  submit: { type: 'plain_text', text: 'Deny' },
  blocks: [input],
  ...change,
});

describe('blocks of a message', () => {
  it.each([
    [
      'a card as it is meant',
      [{ type: 'header', text: { type: 'plain_text', text: 'Refund' } }, section('x'), actions(button())],
    ],
    ['50 blocks', Array.from({ length: 50 }, () => ({ type: 'divider' }))],
    ['a section of 3000 characters', [section('x'.repeat(3000))]],
    [
      'a button at all its limits',
      [
        actions(
          button({
            text: { type: 'plain_text', text: 'x'.repeat(75) },
            value: 'v'.repeat(2000),
            action_id: 'a'.repeat(255),
          }),
        ),
      ],
    ],
    ['25 buttons', [actions(...Array.from({ length: 25 }, (_, n) => button({ action_id: String(n) })))]],
    [
      '13,200 characters in all',
      [...Array.from({ length: 4 }, () => section('x'.repeat(3000))), section('x'.repeat(1200))],
    ],
  ])('are accepted with %s', (_what, blocks) => {
    expect(judgeMessageBlocks(blocks)).toEqual({ kind: 'accepted' });
  });

  it.each([
    ['51 blocks', Array.from({ length: 51 }, () => ({ type: 'divider' })), 'invalid_blocks'],
    ['a section of 3001 characters', [section('x'.repeat(3001))], 'invalid_blocks'],
    ['an empty section', [section('')], 'invalid_blocks'],
    ['a section with nothing in it', [{ type: 'section' }], 'invalid_blocks'],
    [
      'a header of 151 characters',
      [{ type: 'header', text: { type: 'plain_text', text: 'x'.repeat(151) } }],
      'invalid_blocks',
    ],
    ['a header in markup', [{ type: 'header', text: { type: 'mrkdwn', text: 'x' } }], 'invalid_blocks'],
    [
      '11 fields',
      [{ type: 'section', fields: Array.from({ length: 11 }, () => ({ type: 'mrkdwn', text: 'x' })) }],
      'invalid_blocks',
    ],
    [
      '11 context elements',
      [{ type: 'context', elements: Array.from({ length: 11 }, () => ({ type: 'mrkdwn', text: 'x' })) }],
      'invalid_blocks',
    ],
    [
      'button text of 76 characters',
      [actions(button({ text: { type: 'plain_text', text: 'x'.repeat(76) } }))],
      'invalid_blocks',
    ],
    ['a button value of 2001 characters', [actions(button({ value: 'v'.repeat(2001) }))], 'invalid_blocks'],
    ['an action_id of 256 characters', [actions(button({ action_id: 'a'.repeat(256) }))], 'invalid_blocks'],
    [
      '26 buttons',
      [actions(...Array.from({ length: 26 }, (_, n) => button({ action_id: String(n) })))],
      'invalid_blocks',
    ],
    ['two buttons of one action_id', [actions(button(), button())], 'invalid_blocks'],
    [
      'two blocks of one block_id',
      [
        { type: 'divider', block_id: 'b' },
        { type: 'divider', block_id: 'b' },
      ],
      'invalid_blocks',
    ],
    ['an unknown block', [{ type: 'hologram' }], 'invalid_blocks'],
    [
      '13,201 characters in all',
      [...Array.from({ length: 4 }, () => section('x'.repeat(3000))), section('x'.repeat(1201))],
      'msg_blocks_too_long',
    ],
  ])('are refused with %s', (_what, blocks, error) => {
    expect(judgeMessageBlocks(blocks)).toMatchObject({ kind: 'refused', error });
  });

  it('are refused with the place and the reason named', () => {
    const verdict = judgeMessageBlocks([{ type: 'divider' }, section('x'.repeat(3001))]);

    expect(verdict).toMatchObject({
      problems: ['must be less than 3001 characters [json-pointer:/blocks/1/text/text]'],
    });
  });
});

describe('a modal', () => {
  it('is accepted with an input and a submit button', () => {
    expect(judgeView(modal())).toEqual({ kind: 'accepted' });
  });

  it.each([
    ['without a submit button for its input', modal({ submit: undefined })],
    ['with a title of 25 characters', modal({ title: { type: 'plain_text', text: 'x'.repeat(25) } })],
    ['with 3001 characters of private metadata', modal({ private_metadata: 'x'.repeat(3001) })],
    ['that is no modal', { type: 'home', blocks: [] }],
  ])('is refused %s', (_what, view) => {
    expect(judgeView(view)).toMatchObject({ kind: 'refused', error: 'invalid_arguments' });
  });
});
