import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_FILES_CHARS, type ReadFile, toEnclosures } from '../../../src/agent/enclosures.ts';
import { toFileName } from '../../../src/domain/file-name.ts';
import { FileNote } from '../../../src/domain/transcript.ts';
import { aPng, GIF, PDF, PNG } from '../../support/files.ts';

function aFile(bytes: Uint8Array | string, mediaType = 'text/plain', name = 'a.txt'): ReadFile {
  const content = Buffer.from(bytes);
  return { kind: 'read', attachment: { name, mediaType, bytes: content.length }, bytes: content };
}

const noteOf = (file: ReadFile) => toEnclosures([file]).notes[0]!;

describe('a file that somebody sent', () => {
  it.each([
    ['text/plain', 'a.txt'],
    ['text/csv; charset=utf-8', 'a.csv'],
    ['application/json', 'a.json'],
    ['application/octet-stream', 'main.rs'],
    ['image/svg+xml', 'a.svg'],
    ['video/mp2t', 'main.ts'],
    ['', 'Makefile'],
  ])('of type %j is shown as text when it is text', (mediaType, name) => {
    expect(noteOf(aFile('größe: 1 €\n', mediaType, name))).toMatchObject({
      kind: 'text',
      text: 'größe: 1 €\n',
      bytes: 15,
      leftOff: 0,
    });
  });

  it('is a text although it speaks of PDFs', () => {
    expect(noteOf(aFile('A PDF begins with\n%PDF-1.4'))).toMatchObject({ kind: 'text' });
  });

  it('is read in the encoding that its first bytes name', () => {
    const little = Buffer.from('\uFEFFhéllo', 'utf16le');
    expect(noteOf(aFile(little))).toMatchObject({ kind: 'text', text: 'héllo' });
    expect(noteOf(aFile(Buffer.from(little).swap16()))).toMatchObject({ kind: 'text', text: 'héllo' });
  });

  it.each([
    ['a picture', PNG, 'image/png', 'image'],
    ['another kind of picture than it says', GIF, 'image/png', 'image'],
    ['a picture under a name of text', PNG, 'text/plain', 'image'],
    ['a PDF', PDF, 'application/octet-stream', 'document'],
  ])('that is %s is shown as what its bytes are', (_, bytes, mediaType, what) => {
    const { notes, exhibits } = toEnclosures([aFile(bytes, mediaType, 'x')]);

    expect(notes[0]).toMatchObject({ kind: 'shown', what, mediaType: exhibits[0]?.mediaType });
    expect(Buffer.from(exhibits[0]!.base64, 'base64')).toEqual(bytes);
  });

  it.each([
    ['empty', '', 'text/plain', 'is empty'],
    ['a text that says it is a picture', 'hello', 'image/png', 'is not what its type says'],
    ['a text that says it is a PDF', 'hello', 'application/pdf', 'is not what its type says'],
    [
      'bytes that say they are text',
      Buffer.from([0xff, 0x00, 0x80]),
      'text/plain',
      'is not what its type says',
    ],
    [
      'text in an encoding nobody names',
      Buffer.from('größe', 'latin1'),
      'text/csv',
      'is not what its type says',
    ],
    ['an archive', Buffer.from('PK\x03\x04\0\0'), 'application/zip', 'is not of a kind that can be read'],
    ['a picture larger than the model takes', aPng(8_001, 1), 'image/png', /more than 8000 pixels/],
    ['a picture of nothing', aPng(0, 0), 'image/png', /without any pixels/],
    ['half a picture', PNG.subarray(0, 12), 'image/png', 'is not what its type says'],
  ])('that is %s is named with the reason', (_, bytes, mediaType, why) => {
    const { notes, exhibits } = toEnclosures([aFile(bytes, mediaType)]);
    expect(notes[0]).toMatchObject({ kind: 'unread', why: expect.stringMatching(why) });
    expect(exhibits).toEqual([]);
  });

  it('is cut with the number of characters that are left off, all files of a message together', () => {
    const long = 'x'.repeat(MAX_FILES_CHARS - 10);
    const { notes } = toEnclosures([aFile(long), aFile('y'.repeat(30)), aFile('z')]);

    expect(notes.map((note) => note.kind === 'text' && [note.text.length, note.leftOff])).toEqual([
      [long.length, 0],
      [10, 20],
      [0, 1],
    ]);
  });

  it('is never cut in the middle of a character', () => {
    const { notes } = toEnclosures([aFile('x'.repeat(MAX_FILES_CHARS - 1)), aFile('🙂🙂')]);
    expect(notes[1]).toMatchObject({ text: '', leftOff: 4 });
  });

  it('becomes a note that can be kept, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 200 }), fc.string(), fc.string({ unit: 'binary' }))),
        fc.constantFrom<Buffer>(
          Buffer.alloc(0),
          PNG,
          GIF,
          PDF,
          Buffer.from('RIFF'),
          Buffer.from([0xff, 0xd8, 0xff]),
        ),
        (files, head) => {
          const read = files.map(([bytes, type, name]) =>
            aFile(Buffer.concat([head, bytes]), type, name || 'x'),
          );
          const { notes, exhibits } = toEnclosures(read);

          expect(notes).toHaveLength(files.length);
          expect(notes.filter(({ kind }) => kind === 'shown')).toHaveLength(exhibits.length);
          for (const note of notes) expect(FileNote.parse(JSON.parse(JSON.stringify(note)))).toEqual(note);
        },
      ),
    );
  });
});

describe('the name of a file', () => {
  it.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\dana\\report.csv', 'report.csv'],
    ['.bashrc', 'bashrc'],
    ['..', 'file'],
    ['', 'file'],
    ['invoice\u202Efdp.exe', 'invoicefdp.exe'],
    ['a\r\nContent-Type: text\0.txt', 'aContent-Type_ text.txt'],
    ['\x1b[31mred.txt', '_31mred.txt'],
    ['$(rm -rf).sh', '__rm -rf_.sh'],
    [`${'n'.repeat(300)}.tar.gz`, `${'n'.repeat(116)}….gz`],
  ])('%j becomes %j', (name, expected) => {
    expect(toFileName(name)).toBe(expected);
  });

  it('is safe and the same when it is made safe again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        const safe = toFileName(name);
        expect(safe).toMatch(/^[^/\\\p{C}.][^/\\\p{C}]*$/u);
        expect([...safe].length).toBeLessThanOrEqual(120);
        expect(toFileName(safe)).toBe(safe);
      }),
    );
  });
});
