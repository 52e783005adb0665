/** The tools of the web that the present settings allow; none where nothing is configured. */
import type { WebSettings } from '../config/web.ts';
import type { Tool, ToolSource } from '../domain/tool.ts';
import { createFetchTool } from './fetch-tool.ts';
import { createSearch } from './search-providers.ts';
import { createSearchTool } from './search-tool.ts';
import type { WebClient } from './web-client.ts';

export class WebTools implements ToolSource {
  #made: { readonly from: WebSettings; readonly tools: readonly Tool[] } | undefined;

  constructor(
    private readonly settings: () => WebSettings,
    private readonly client: Pick<WebClient, 'read'>,
  ) {}

  tools(): readonly Tool[] {
    const settings = this.settings();
    if (this.#made?.from !== settings) this.#made = { from: settings, tools: this.#create(settings) };
    return this.#made.tools;
  }

  #create(settings: WebSettings): readonly Tool[] {
    const search = createSearch(settings.search);
    const reads = settings.allow.length > 0 || settings.internal.length > 0;
    return [
      ...(reads ? [createFetchTool(this.client, settings)] : []),
      ...(search ? [createSearchTool(search)] : []),
    ];
  }
}
