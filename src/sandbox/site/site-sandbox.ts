/**
 * The sandbox's site: a few pages for the agent to read, the good ones and those a client has to be careful with.
 *
 * Owns      the pages under `/site`, and a list of every request that came in for one.
 */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

export interface SiteRequest {
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

const Redirect = z.object({ to: z.string().default('/site'), status: z.coerce.number().default(302) });
const Big = z.object({ bytes: z.coerce.number().int().min(1).max(1_000_000_000).default(10_000_000) });

/** Shown to readers; what else is on the page is hidden in the ways pages hide things. */
const ARTICLE = `<!doctype html><html lang="en"><head><title>Opening hours &amp; more</title>
<style>.x { color: red }</style><script>document.write('written by a script')</script></head>
<body><h1>Opening hours</h1>
<p>We are open from <b>nine</b> to <i>five</i>. See the <a href="/site/data.json">data</a>.</p>
<p style="display: none">hidden by a style</p>
<p hidden>hidden by an attribute</p>
<div style="position:absolute; left:-9999px">hidden outside of the page</div>
<span aria-hidden="true">hidden from screen readers</span>
<span class="sr-only">hidden by a class</span>
<p style="font-size:0">hidden by its size</p>
<!-- hidden in a comment -->
<p>Clo&#8203;sed on Sun\u{E0041}\u{E0042}days.</p>
<table><tr><th>Day</th><th>Hours</th></tr><tr><td>Monday</td><td>9 to 5</td></tr></table>
<img src="/site/picture" alt="our shop"></body></html>`;

/** The smallest picture there is: one pixel, GIF. */
const PICTURE = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

export class SiteSandbox {
  /** Every request, oldest first. */
  readonly requests: SiteRequest[] = [];
  readonly #hanging = new Set<FastifyReply>();
  readonly #listeners = new Set<() => void>();

  register(app: FastifyInstance): void {
    app.addHook('onRequest', async (request) => this.#note(request));
    app.get('/site', async (_, reply) =>
      reply.type('text/html').send('<h1>The site</h1><p><a href="/site/article">An article</a></p>'),
    );
    app.get('/site/article', async (_, reply) => reply.type('text/html; charset=utf-8').send(ARTICLE));
    app.get('/site/text', async (_, reply) => reply.type('text/plain').send('Plain text.'));
    app.get('/site/data.json', async () => ({ monday: '9 to 5' }));
    app.get('/site/picture', async (_, reply) => reply.type('image/gif').send(PICTURE));
    app.get('/site/latin1', async (_, reply) =>
      reply.type('text/html; charset=iso-8859-1').send(Buffer.from('<p>Grüße aus Köln</p>', 'latin1')),
    );
    app.get('/site/unnamed', async (_, reply) =>
      reply.removeHeader('content-type').send(Readable.from([Buffer.from('what am I?')])),
    );
    app.get('/site/missing', async (_, reply) => reply.code(404).type('text/html').send('<p>Not here.</p>'));
    app.get('/site/cookies', async (_, reply) =>
      reply.header('set-cookie', 'id=1; Path=/').redirect('/site/echo', 302),
    );
    app.get('/site/echo', async (request) => request.headers);
    app.get('/site/redirect', async (request, reply) => {
      const { to, status } = Redirect.parse(request.query);
      return reply.redirect(to, status);
    });
    app.get('/site/loop', async (_, reply) => reply.redirect('/site/loop', 302));
    app.get('/site/big', async (request, reply) =>
      reply.type('text/plain').send(Readable.from(letters(Big.parse(request.query).bytes))),
    );
    app.get('/site/packed', async (request, reply) =>
      reply
        .type('text/plain')
        .header('content-encoding', 'gzip')
        .send(gzipSync(Buffer.alloc(Big.parse(request.query).bytes, 'a'))),
    );
    app.get('/site/broken', async (_, reply) =>
      reply.type('text/plain').header('content-encoding', 'gzip').send('this is not packed'),
    );
    app.get('/site/silent', (_, reply) => {
      this.#hanging.add(reply.hijack());
    });
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    for (const reply of this.#hanging) reply.raw.destroy();
    this.#hanging.clear();
  }

  /** Resolves with the first request for this path, also one that came before. */
  async requestFor(path: string, signal: AbortSignal): Promise<SiteRequest> {
    for (;;) {
      const found = this.requests.find((request) => request.path.startsWith(path));
      if (found) return found;
      const heard = new EventTarget();
      const tell = () => heard.dispatchEvent(new Event('request'));
      this.#listeners.add(tell);
      try {
        await once(heard, 'request', { signal });
      } finally {
        this.#listeners.delete(tell);
      }
    }
  }

  #note({ url, headers }: FastifyRequest): void {
    if (!url.startsWith('/site')) return;
    this.requests.push({ path: url, headers });
    for (const tell of [...this.#listeners]) tell();
  }
}

/** As many, in pieces, so that nothing of that size is held. */
function* letters(count: number): Generator<Buffer> {
  const piece = Buffer.alloc(65_536, 'a');
  for (let left = count; left > 0; left -= piece.length) yield piece.subarray(0, left);
}
