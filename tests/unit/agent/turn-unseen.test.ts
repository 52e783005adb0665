/** Pictures and documents that came with the message a turn is about, and whether the model has seen them. */
import { describe, expect, it } from 'vitest';
import { withUnseen } from '../../../src/agent/enclosures.ts';
import { runTurn } from '../../../src/agent/turn.ts';
import type { Entry } from '../../../src/domain/transcript.ts';
import { aCall, ScriptedModel, type ScriptedReply } from '../../support/scripted-model.ts';
import { aToolbox, rules } from '../../support/tools.ts';

const PICTURE = {
  kind: 'shown',
  what: 'image',
  name: 'a.png',
  mediaType: 'image/png',
  bytes: 3,
} as const;
const NOTES = {
  kind: 'text',
  name: 'a.txt',
  mediaType: 'text/plain',
  bytes: 1,
  text: 'x',
  leftOff: 0,
} as const;
const SAID: Entry = {
  kind: 'user',
  from: { name: 'Alex Kim' },
  text: 'look',
  files: [NOTES, PICTURE],
  at: '2026-01-01T00:00:00Z',
};
const EXHIBIT = { mediaType: 'image/png', base64: 'AAAA' } as const;

const looks = (id: string) => [aCall('lookup', { order: 7 }, id)];

async function unseenAfter(replies: readonly ScriptedReply[], stop?: AbortSignal) {
  const { unseen } = await runTurn(
    {
      model: new ScriptedModel(replies),
      systemPrompt: 'You are a test.',
      tools: aToolbox(rules()),
      maxSteps: 5,
      key: 'item-1',
      exhibits: [EXHIBIT],
      ...(stop ? { stop } : {}),
      answerHeld: async () => 'waits for a human',
      onProgress: () => undefined,
    },
    [SAID],
    new AbortController().signal,
  );
  return unseen;
}

describe('a picture that came with a message', () => {
  it('was seen when one answer of the turn was given with it, whatever was left out later', async () => {
    expect(await unseenAfter([{ text: 'A cat.' }])).toBeUndefined();
    expect(await unseenAfter([{ calls: looks('a') }, { text: 'A cat.', unseen: 'no-room' }])).toBeUndefined();
    expect(await unseenAfter([{ calls: looks('a'), unseen: 'refused' }, { text: 'A cat.' }])).toBeUndefined();
  });

  it('was not seen when every answer was given without it', async () => {
    const unseen = await unseenAfter([
      { calls: looks('a'), unseen: 'refused' },
      { text: 'I see nothing.', unseen: 'refused' },
    ]);

    expect(unseen).toBe('refused');
  });

  it('was not seen when the turn was stopped before there was an answer', async () => {
    expect(await unseenAfter([{ text: 'never said' }], AbortSignal.abort())).toBe('stopped');
  });

  it('is kept as what was not read then, and text beside it as it is', () => {
    expect(withUnseen(SAID, 'no-room')).toEqual({
      ...SAID,
      files: [
        NOTES,
        {
          kind: 'unread',
          name: 'a.png',
          mediaType: 'image/png',
          bytes: 3,
          why: 'was more than there was room for',
        },
      ],
    });
  });
});
