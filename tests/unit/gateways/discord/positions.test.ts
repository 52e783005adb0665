import { describe, expect, it } from 'vitest';
import { Positions } from '../../../../gateways/discord/positions.ts';
import { MemoryBookmarks } from '../../../support/discord-gateway.ts';

describe('reading positions', () => {
  it('move forward only', async () => {
    const positions = new Positions(new MemoryBookmarks(), 'p');

    positions.follow('7', '100');
    positions.follow('7', '99');
    positions.pass('7', '98');

    expect(positions.after('7')).toBe('100');
  });

  it('compare ids as numbers, whatever their length', async () => {
    const positions = new Positions(new MemoryBookmarks(), 'p');

    positions.follow('7', '999');
    positions.pass('7', '1000');

    expect(positions.after('7')).toBe('1000');
  });

  it('pass over what is said only where we are part of it', () => {
    const positions = new Positions(new MemoryBookmarks(), 'p');

    positions.pass('7', '100');
    positions.begin('8', '100');
    positions.begin('8', '200');

    expect(positions.channels()).toEqual(['8']);
    expect(positions.after('8')).toBe('100');
  });

  it('are there again after a restart', async () => {
    const bookmarks = new MemoryBookmarks();
    const before = new Positions(bookmarks, 'p');
    before.follow('7', '100');
    await before.save();

    const after = new Positions(bookmarks, 'p');
    await after.load();

    expect(after.after('7')).toBe('100');
  });

  it('keep the channels last active', () => {
    const positions = new Positions(new MemoryBookmarks(), 'p');

    for (let channel = 1; channel <= 201; channel++) positions.follow(String(channel), '1');

    expect(positions.channels()).toHaveLength(200);
    expect(positions.channels()).not.toContain('1');
  });

  it.each(['not json', '[]', '{"c": 5}'])('begin anew when what was kept is %s', async (kept) => {
    const bookmarks = new MemoryBookmarks();
    bookmarks.kept.set('p', kept);
    const positions = new Positions(bookmarks, 'p');

    await positions.load();

    expect(positions.channels()).toEqual([]);
  });

  it('are written again after a write that failed', async () => {
    const bookmarks = new MemoryBookmarks();
    const positions = new Positions(bookmarks, 'p');
    const write = bookmarks.write.bind(bookmarks);
    bookmarks.write = async () => {
      throw new Error('the store is away');
    };
    positions.follow('7', '100');
    await expect(positions.save()).rejects.toThrow('away');

    bookmarks.write = write;
    await positions.save();

    expect(bookmarks.kept.get('p')).toBe('{"7":"100"}');
  });
});
