/** Every tool there is, and how each is described to a model; worked out anew only when a source has other tools. */
import { z } from 'zod';
import { groupsOf, type Tool, type ToolSource } from '../../domain/tool.ts';
import type { ToolSpec } from '../model/model-client.ts';

/** Whatever else is taken from a turn, asking for a human and saying how sure it is are not. */
const KEPT_FAMILY = 'control';

/** What the tools of the moment come to. */
interface View {
  /** What each source said. */
  readonly said: readonly (readonly Tool[])[];
  readonly tools: ReadonlyMap<string, Tool>;
  readonly specs: readonly ToolSpec[];
}

export class ToolCatalog {
  #view: View;

  /** @throws when two of these tools share a name; one of a source whose name is taken is left out */
  constructor(
    private readonly own: readonly Tool[],
    specs = toSpecs(own),
    private readonly sources: readonly ToolSource[] = [],
  ) {
    const tools = new Map(own.map((tool) => [tool.name, tool]));
    if (tools.size < own.length) throw new Error('two tools have the same name');
    this.#view = { said: [], tools, specs };
  }

  /** In a fixed order, so that the prompt's bytes stay the same. */
  get specs(): readonly ToolSpec[] {
    return this.#now().specs;
  }

  find(name: string): Tool | undefined {
    return this.#now().tools.get(name);
  }

  names(): string[] {
    return [...this.#now().tools.keys()];
  }

  /** Groups and families that have a tool. */
  groups(): ReadonlySet<string> {
    return new Set([...this.#now().tools.values()].flatMap(groupsOf));
  }

  /**
   * As it is at this moment, without the tools that are not among these; undefined: with all of them. Names no tool has
   * change nothing.
   */
  narrowedTo(names: ReadonlySet<string> | undefined): ToolCatalog {
    const { tools, specs } = this.#now();
    if (names === undefined) {
      return this.sources.length === 0 ? this : new ToolCatalog([...tools.values()], specs);
    }
    const left = [...tools.values()].filter(({ name, family }) => names.has(name) || family === KEPT_FAMILY);
    const kept = new Set(left.map(({ name }) => name));
    return new ToolCatalog(
      left,
      specs.filter(({ name }) => kept.has(name)),
    );
  }

  #now(): View {
    const said = this.sources.map((source) => source.tools());
    if (said.every((tools, n) => tools === this.#view.said[n])) return this.#view;
    const tools = new Map([...said.flat(), ...this.own].map((tool) => [tool.name, tool]));
    this.#view = { said, tools, specs: toSpecs([...tools.values()]) };
    return this.#view;
  }
}

function toSpecs(tools: readonly Tool[]): readonly ToolSpec[] {
  return tools
    .map(({ name, description, input, inputSchema }) => ({
      name,
      description,
      inputSchema: inputSchema ?? z.toJSONSchema(input, { io: 'input' }),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
