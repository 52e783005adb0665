/**
 * The sandbox: every outside service the gateway talks to, emulated on its real wire, in one process. Beside them,
 * programs that talk to the gateway over its own web API.
 *
 * One HTTP server carries the page at `/`, Slack under `/slack`, Discord under `/discord`, Jira under `/jira`, Claude under `/claude`,
 * the shop under `/shop` and a site to read under `/site`; mail and DNS have ports of their own. Started again on the
 * same data directory, it comes back where it was, on the same ports if they are still free, so that a gateway that
 * kept running finds everything again.
 */
import { createServer } from 'node:net';
import { fastify } from 'fastify';
import { z } from 'zod';
import { type Clock, systemClock } from '../domain/clock.ts';
import { type ClaudeOptions, ClaudeSandbox } from './claude/claude-sandbox.ts';
import { DiscordSandbox, type DiscordSandboxOptions } from './discord/discord-sandbox.ts';
import { DnsServer } from './dns/dns-server.ts';
import { JiraSandbox, type JiraSandboxOptions } from './jira/jira-sandbox.ts';
import { Journal } from './journal.ts';
import { JournalClaim } from './journal-claim.ts';
import { MailSandbox, type MailSandboxOptions } from './mail/mail-sandbox.ts';
import { PageServer } from './page/page-server.ts';
import { BOT, PEOPLE } from './people.ts';
import { ShopSandbox } from './shop/shop-sandbox.ts';
import { SiteSandbox } from './site/site-sandbox.ts';
import { SlackSandbox, type SlackSandboxOptions } from './slack/slack-sandbox.ts';
import { WebSandbox, type WebSandboxOptions } from './web/web-sandbox.ts';

/** Where the page is looked for when nothing else is said. */
export const DEFAULT_PORT = 4080;

const HOST = '127.0.0.1';
const JOURNAL_KIND = 'ports';

export interface SandboxOptions {
  /** Port of the page and the HTTP services. If it is taken, or none is given: the one used before, or any. */
  readonly port?: number;
  /** Where everything that happened is kept; without it, nothing outlives the process. */
  readonly dataDir?: string;
  readonly slack?: SlackSandboxOptions;
  readonly discord?: DiscordSandboxOptions;
  readonly jira?: JiraSandboxOptions;
  readonly web?: WebSandboxOptions;
  readonly mail?: MailSandboxOptions;
  readonly claude?: ClaudeOptions;
  readonly clock?: Clock;
}

export interface Sandbox {
  /** Of the page; without a slash at the end. */
  readonly url: string;
  /** What points a gateway at this sandbox, as environment variables. */
  readonly env: Readonly<Record<string, string>>;
  readonly slack: SlackSandbox;
  readonly discord: DiscordSandbox;
  readonly jira: JiraSandbox;
  readonly web: WebSandbox;
  readonly mail: MailSandbox;
  readonly claude: ClaudeSandbox;
  readonly shop: ShopSandbox;
  readonly site: SiteSandbox;
  /** Ends everything; what is to be kept is kept already. Safe to call twice. */
  stop(): Promise<void>;
}

const Ports = z.object({ http: z.int(), smtp: z.int(), dns: z.int() });
type Ports = z.infer<typeof Ports>;

/**
 * Resolves once everything answers.
 *
 * @throws {StartupError} when another sandbox runs on this data directory
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const clock = options.clock ?? systemClock;
  const claim = options.dataDir === undefined ? undefined : new JournalClaim(options.dataDir);
  await claim?.start();
  const journal = new Journal(options.dataDir);
  await journal.start();
  const before = Ports.safeParse(journal.replay(JOURNAL_KIND).at(-1)).data;
  const wanted: Ports = {
    http: await firstFree(options.port, before?.http),
    smtp: await firstFree(options.mail?.smtpPort, before?.smtp),
    dns: await firstFree(before?.dns),
  };

  const app = fastify({ forceCloseConnections: true });
  const dns = new DnsServer({ port: wanted.dns });
  const slack = new SlackSandbox(journal, options.slack, clock);
  const discord = new DiscordSandbox(journal, options.discord, clock);
  const jira = new JiraSandbox(journal, options.jira, clock);
  const web = new WebSandbox(journal, options.web, clock);
  const claude = new ClaudeSandbox(clock, options.claude);
  const shop = new ShopSandbox(journal, clock);
  const site = new SiteSandbox();
  const mail = new MailSandbox(
    { journal, dns, clock, people: PEOPLE, gatewayAddress: BOT.mail },
    { ...options.mail, smtpPort: wanted.smtp },
  );
  const page = new PageServer({ slack, discord, jira, web, mail, shop });
  const httpServices = [slack, discord, jira, claude, shop, site, page];
  const services = [dns, mail, web, ...httpServices];

  for (const service of httpServices) service.register(app);
  for (const service of services) await service.start();
  await app.listen({ host: HOST, port: wanted.http });

  const url = app.listeningOrigin;
  const env = {
    SANDBOX_URL: url,
    SLACK_BOT_TOKEN: slack.botToken,
    SLACK_APP_TOKEN: slack.appToken,
    SLACK_SIGNING_SECRET: slack.signingSecret,
    SLACK_API_URL: `${url}/slack/api/`,
    ...discord.env(url),
    ...jira.env(url),
    ...web.env,
    ...claude.env(url),
    ...shop.env(url),
    ...mail.env,
  };
  rememberPorts(journal, before, {
    http: portOf(url),
    smtp: Number(mail.env.SMTP_PORT),
    dns: portOf(`udp://${dns.address}`),
  });

  return {
    url,
    env,
    slack,
    discord,
    jira,
    web,
    mail,
    claude,
    shop,
    site,
    stop: async () => {
      for (const service of services.toReversed()) await service.stop();
      await app.close();
      await journal.stop();
      await claim?.stop();
    },
  };
}

/** The first of these ports that can be had; 0, which means any, when there is none. */
async function firstFree(...ports: readonly (number | undefined)[]): Promise<number> {
  for (const port of ports) {
    if (port !== undefined && port !== 0 && (await isFree(port))) return port;
  }
  return 0;
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, HOST, () => probe.close(() => resolve(true)));
  });
}

function rememberPorts(journal: Journal, before: Ports | undefined, ports: Ports): void {
  if (JSON.stringify(before) !== JSON.stringify(ports)) journal.append(JOURNAL_KIND, ports);
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
