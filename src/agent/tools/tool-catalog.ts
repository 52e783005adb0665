/** Every tool there is, and how each is described to a model; worked out anew only when a source has other tools. */
import { z } from 'zod';
import { groupsOf, type Tool, type ToolSource } from '../../domain/tool.ts';
import { estimateTool } from '../compaction/token-estimate.ts';
import type { ToolSpec } from '../model/model-client.ts';
import { isAlwaysLeft, requireGroups } from './profiles.ts';

/** What the tools of the moment come to. */
interface View {
  /** What each source said. */
  readonly said: readonly (readonly Tool[])[];
  readonly tools: ReadonlyMap<string, Tool>;
  readonly specs: readonly ToolSpec[];
}

export class ToolCatalog {
  #view: View;

  /** @throws when one of these tools has no group, or two share a name; one of a source whose name is taken is left out */
  constructor(
    private readonly own: readonly Tool[],
    specs = toSpecs(own),
    private readonly sources: readonly ToolSource[] = [],
  ) {
    requireGroups(own);
    this.#view = { said: [], tools: new Map(own.map((tool) => [tool.name, tool])), specs };
  }

  /** In a fixed order, so that the prompt's bytes stay the same. */
  get specs(): readonly ToolSpec[] {
    return this.#now().specs;
  }

  /** Also one that only the gateway itself calls. */
  find(name: string): Tool | undefined {
    return this.#now().tools.get(name);
  }

  /** Why `find` has no such tool, though there was one: the end of a sentence; undefined where nothing is known of it. */
  whyGone(name: string): string | undefined {
    for (const source of this.sources) {
      const why = source.whyGone?.(name);
      if (why !== undefined) return why;
    }
    return undefined;
  }

  /** Those that a model may be offered. */
  list(): readonly Tool[] {
    return [...this.#now().tools.values()].filter(isOffered);
  }

  names(): string[] {
    return this.list().map(({ name }) => name);
  }

  /** Groups and families that have a tool. */
  groups(): ReadonlySet<string> {
    return new Set(this.list().flatMap(groupsOf));
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
    const left = [...tools.values()].filter((tool) => names.has(tool.name) || isAlwaysLeft(tool));
    const kept = new Set(left.map(({ name }) => name));
    return new ToolCatalog(
      left,
      specs.filter(({ name }) => kept.has(name)),
    );
  }

  /** As it is at this moment, with `tool` in the place of the one called `name`; undefined: without that one. */
  replacing(name: string, tool: Tool | undefined): ToolCatalog {
    const { tools, specs } = this.#now();
    if (!tools.has(name)) return this;
    const own = tool ? [tool] : [];
    const others = [...tools.values()].filter((each) => each.name !== name);
    const left = specs.filter((each) => each.name !== name);
    return new ToolCatalog([...others, ...own], [...left, ...toSpecs(own)].toSorted(byName));
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
    .filter(isOffered)
    .map(({ name, description, input, inputSchema = z.toJSONSchema(input, { io: 'input' }) }) => {
      const spec = { name, description, inputSchema };
      return { ...spec, tokens: estimateTool(spec) };
    })
    .toSorted(byName);
}

function byName(a: ToolSpec, b: ToolSpec): number {
  return a.name < b.name ? -1 : 1;
}

function isOffered({ internal }: Tool): boolean {
  return internal !== true;
}
