/** Every tool there is, and how each is described to a model; worked out once, for it never changes. */
import { z } from 'zod';
import { groupsOf, type Tool } from '../../domain/tool.ts';
import type { ToolSpec } from '../model/model-client.ts';

/** Whatever else is taken from a turn, asking for a human and saying how sure it is are not. */
const KEPT_FAMILY = 'control';

export class ToolCatalog {
  readonly #tools: ReadonlyMap<string, Tool>;
  /** In a fixed order, so that the prompt's bytes stay the same. */
  readonly specs: readonly ToolSpec[];

  /** @throws when two tools share a name */
  constructor(tools: readonly Tool[], specs = toSpecs(tools)) {
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]));
    if (this.#tools.size < tools.length) throw new Error('two tools have the same name');
    this.specs = specs;
  }

  find(name: string): Tool | undefined {
    return this.#tools.get(name);
  }

  names(): string[] {
    return [...this.#tools.keys()];
  }

  /** Groups and families that have a tool. */
  groups(): ReadonlySet<string> {
    return new Set([...this.#tools.values()].flatMap(groupsOf));
  }

  /** Without the tools that are not among these; undefined: all of them. Names no tool has change nothing. */
  narrowedTo(names: ReadonlySet<string> | undefined): ToolCatalog {
    if (names === undefined) return this;
    const left = [...this.#tools.values()].filter(
      ({ name, family }) => names.has(name) || family === KEPT_FAMILY,
    );
    const kept = new Set(left.map(({ name }) => name));
    return new ToolCatalog(
      left,
      this.specs.filter(({ name }) => kept.has(name)),
    );
  }
}

function toSpecs(tools: readonly Tool[]): readonly ToolSpec[] {
  return tools
    .map(({ name, description, input }) => ({
      name,
      description,
      inputSchema: z.toJSONSchema(input, { io: 'input' }),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
