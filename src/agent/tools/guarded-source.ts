/** Tools that come and go, each of them changed in the same way; the same array as long as the source has the same. */
import type { Tool, ToolSource } from '../../domain/tool.ts';

export class GuardedSource implements ToolSource {
  #made: { readonly from: readonly Tool[]; readonly tools: readonly Tool[] } | undefined;

  constructor(
    private readonly source: ToolSource,
    private readonly guard: (tool: Tool) => Tool,
  ) {}

  tools(): readonly Tool[] {
    const from = this.source.tools();
    if (this.#made?.from !== from) this.#made = { from, tools: from.map(this.guard) };
    return this.#made.tools;
  }

  whyGone(name: string): string | undefined {
    return this.source.whyGone?.(name);
  }
}
