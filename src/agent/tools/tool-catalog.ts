/** Every tool there is, and how each is described to a model; worked out once, for it never changes. */
import { z } from 'zod';
import type { Tool } from '../../domain/tool.ts';
import type { ToolSpec } from '../model/model-client.ts';

export class ToolCatalog {
  readonly #tools: ReadonlyMap<string, Tool>;
  /** In a fixed order, so that the prompt's bytes stay the same. */
  readonly specs: readonly ToolSpec[];

  /** @throws when two tools share a name */
  constructor(tools: readonly Tool[]) {
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]));
    if (this.#tools.size < tools.length) throw new Error('two tools have the same name');
    this.specs = tools
      .map(({ name, description, input }) => ({
        name,
        description,
        inputSchema: z.toJSONSchema(input, { io: 'input' }),
      }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: string): Tool | undefined {
    return this.#tools.get(name);
  }

  names(): string[] {
    return [...this.#tools.keys()];
  }
}
