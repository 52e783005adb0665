/**
 * Keys of a JSON text that two programs read as two things: one that stands twice in its object, of which one reads the
 * first and another the last, and those by which a program reaches into itself. Pure.
 */
import { isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import type { JsonFlaw } from '../domain/json-flaw.ts';

/** @param json a text that is JSON, and is not nested deep: every JSON text is YAML, whose parser tells what stands where */
export function doubtfulKeyIn(json: string): JsonFlaw | undefined {
  const { contents } = parseDocument(json, { schema: 'json', uniqueKeys: false, logLevel: 'silent' });
  return flawOf(contents, []);
}

function flawOf(node: unknown, path: readonly string[]): JsonFlaw | undefined {
  if (isSeq<Node>(node)) return firstOf(node.items, (item, n) => flawOf(item, [...path, String(n)]));
  if (!isMap(node)) return undefined;
  const before = new Set<string>();
  return firstOf(node.items, ({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : '';
    const here = [...path, name];
    if (before.has(name)) return { path: here, problem: 'stands twice, and only one of them would count' };
    before.add(name);
    const isOfPrograms =
      name === '__proto__' || (name === 'constructor' && isMap(value) && value.has('prototype'));
    if (isOfPrograms) return { path: here, problem: `is a key that is not taken: "${name}"` };
    return flawOf(value, here);
  });
}

function firstOf<Item>(
  items: readonly Item[],
  flawIn: (item: Item, index: number) => JsonFlaw | undefined,
): JsonFlaw | undefined {
  for (const [index, item] of items.entries()) {
    const flaw = flawIn(item, index);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}
