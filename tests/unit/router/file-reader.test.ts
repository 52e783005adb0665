import { describe, expect, it } from 'vitest';
import { UndeliverableError } from '../../../src/domain/errors.ts';
import type { Gateway } from '../../../src/domain/gateway.ts';
import { type Attachment, MAX_INLINE_BYTES } from '../../../src/domain/message.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { readFiles } from '../../../src/router/file-reader.ts';

const log = createLogger({ level: 'silent' });
const { signal } = new AbortController();

function aFile(over: Partial<Attachment> = {}): Attachment {
  return { name: 'a.txt', mediaType: 'text/plain', bytes: 1, ...over };
}

/** A platform that has what `download` gives; the rest of it is never asked for. */
function aGateway(download: NonNullable<Gateway['download']>): Gateway {
  return { download } as Partial<Gateway> as Gateway;
}

async function read(attachments: Attachment[], gateway?: Gateway) {
  const files = await readFiles({ attachments }, gateway, log, signal);
  return files.map((file) => (file.kind === 'read' ? Buffer.from(file.bytes).toString() : file.why));
}

describe('the files of a message', () => {
  it('are read in the order they came, from the message or from their platform', async () => {
    const asked: string[] = [];
    const gateway = aGateway(async (ref) => {
      asked.push(ref);
      return Buffer.from(`content of ${ref}`);
    });
    const inline = aFile({ base64: Buffer.from('inline').toString('base64') });

    expect(await read([aFile({ ref: 'F1' }), inline, aFile({ ref: 'F2' })], gateway)).toEqual([
      'content of F1',
      'inline',
      'content of F2',
    ]);
    expect(asked).toEqual(['F1', 'F2']);
  });

  it('that cannot be had are a remark, each for itself', async () => {
    const gateway = aGateway(async (ref) => {
      if (ref === 'gone') throw new UndeliverableError('slack', 'it was deleted');
      if (ref === 'broken') throw new Error('socket hang up');
      return Buffer.from('here');
    });
    const files = ['gone', 'broken', 'there'].map((ref) => aFile({ ref }));

    expect(await read([...files, aFile()], gateway)).toEqual([
      'could not be had (it was deleted)',
      'could not be had',
      'here',
      'could not be taken along',
    ]);
    expect(await read([aFile({ ref: 'F1' })])).toEqual(['could not be taken along']);
  });

  it('are not asked for when they say that they are too large, or when there are too many', async () => {
    const asked: string[] = [];
    const gateway = aGateway(async (ref) => {
      asked.push(ref);
      return Buffer.from('x');
    });
    const large = aFile({ ref: 'large', bytes: MAX_INLINE_BYTES + 1 });
    const many = Array.from({ length: 10 }, (_, n) => aFile({ ref: `F${n}` }));

    const all = await read([large, ...many], gateway);

    expect(all[0]).toBe('is larger than 1000000 bytes');
    expect(all.at(-1)).toBe('came after the first 10');
    expect(asked).toHaveLength(9);
  });

  it('are left when the work is given up', async () => {
    const controller = new AbortController();
    const gateway = aGateway(async () => {
      controller.abort(new Error('the lease was lost'));
      throw new Error('aborted');
    });
    const reading = readFiles({ attachments: [aFile({ ref: 'F1' })] }, gateway, log, controller.signal);
    await expect(reading).rejects.toThrow('the lease was lost');
  });
});
