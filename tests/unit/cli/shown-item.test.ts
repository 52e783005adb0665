import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toShownItem } from '../../../src/cli/shown-item.ts';

describe('an item of the dead letters, as it is shown', () => {
  it('has of a file its name, type and size, wherever it stands', () => {
    const item = JSON.stringify({
      message: { attachments: [{ name: 'a.txt', mediaType: 'text/plain', bytes: 5, base64: 'aGVsbG8=' }] },
      files: [{ name: 'b.txt', mediaType: 'text/plain', base64: 'aGVsbG8h' }],
    });

    expect(toShownItem(item, [])).toEqual({
      message: { attachments: [{ name: 'a.txt', mediaType: 'text/plain', bytes: 5 }] },
      files: [{ name: 'b.txt', mediaType: 'text/plain', bytes: 6 }],
    });
  });

  it('OM-190 has no secret, by its key, by its shape, or because it is one of the configuration', () => {
    const item = JSON.stringify({
      response_url: 'https://example.com/1',
      markdown: 'xoxb-1-2 and correct horse, see https://hooks.slack.com/commands/T1/2/3',
      to: { route: { sealed: 'abc', channel: 'C1' } },
    });

    expect(toShownItem(item, ['correct horse'])).toEqual({
      response_url: '[redacted]',
      markdown: '[redacted] and [redacted], see [redacted]',
      to: { route: { sealed: '[redacted]', channel: 'C1' } },
    });
  });

  it('is itself where there is nothing to hide', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ id: fc.integer(), isOpen: fc.boolean(), ref: fc.constant(null) })),
        (items) => {
          expect(toShownItem(JSON.stringify(items), [])).toEqual(items);
        },
      ),
    );
  });

  it('is its beginning where it cannot be read', () => {
    const shown = toShownItem(`{"token":"secret-word" ${'x'.repeat(5_000)}`, []);

    expect(shown).toMatch(/^\{"token":"\[redacted\]" x+ … \d+ more characters$/);
  });
});
