/** Routes of files: fresh links for those that have ended. Reading a file is `api-server.ts`'s, for it is no JSON. */
import { z } from 'zod';
import type { Files } from './files.ts';
import { MAX_REFRESHED_LINKS } from './limits.ts';
import { parseForm } from './refusal.ts';
import { ok, type RestAnswer, type RestRequest, type RestRoute } from './rest-route.ts';

const Links = z.object({ attachment_urls: z.array(z.url()).min(1).max(MAX_REFRESHED_LINKS) });

export class FileRoutes {
  readonly routes: readonly RestRoute[];

  constructor(private readonly files: Files) {
    this.routes = [
      { method: 'POST', path: '/attachments/refresh-urls', run: (request) => this.#refresh(request) },
    ];
  }

  #refresh(request: RestRequest): RestAnswer {
    const { attachment_urls: links } = parseForm(Links, request.json);
    return ok({
      refreshed_urls: links.map((original) => ({
        original,
        refreshed: this.files.refresh(original) ?? null,
      })),
    });
  }
}
