/**
 * The product, whole, but for the platforms: a message is taken in, the agent answers it, the answer is handed over.
 *
 * Its tools are those of its own with as many of an MCP server behind them as are wanted, agreed to before; the server
 * itself is not there.
 */
import { join } from 'node:path';
import { gatewaySettings } from '../../gateways/gateway-settings.ts';
import { openStores } from '../../src/app/open-stores.ts';
import { openTools } from '../../src/app/open-tools.ts';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { McpSettings } from '../../src/config/mcp.ts';
import { ModelSettings } from '../../src/config/settings.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { Gateway } from '../../src/domain/gateway.ts';
import { Platform } from '../../src/domain/ids.ts';
import { InboundMessage } from '../../src/domain/message.ts';
import { readDefinition } from '../../src/mcp/tool-definition.ts';
import { LOG } from './core-store.ts';
import { messageOf } from './many-skills.ts';
import { cpuOfEach } from './turns-meter.ts';
import type { TurnsOrder } from './turns-order.ts';

const MCP_SERVER = 'tracker';

process.once('message', async (order: TurnsOrder) => {
  const config = configOf(order);
  const options = { config: () => config, redisUrl: order.redisUrl, clock: systemClock, log: LOG };
  const own = (await openTools(options)).list().length;
  await agreeTo(options, order.tools - own);
  const answers = new Answers();
  const app = await startApp({ ...options, gateways: [answers.gateway], platforms: false });
  const cpu = await cpuOfEach(order.turns, order.warmUp, async (n) => {
    const answer = answers.next();
    await app.router.receive(toMessage(n, order.skills));
    await answer;
  });
  process.send?.(cpu);
  await app.stop();
});
console.log('ready');

function configOf({ redisUrl, url, port, skillsFolder }: TurnsOrder) {
  const config = loadConfig({
    directory: join(import.meta.dirname, 'config'),
    env: { REDIS_URL: redisUrl, HTTP_PORT: String(port), SKILLS_FOLDER: skillsFolder },
    gateways: gatewaySettings,
  });
  // Port 9 (discard) is where nobody answers.
  const mcp = McpSettings.parse({ servers: { [MCP_SERVER]: { url: 'http://127.0.0.1:9/mcp' } } });
  const model = ModelSettings.parse({ provider: 'claude', api_key: 'bench', base_url: url, retries: 0 });
  return { ...config, settings: { ...config.settings, mcp, model } };
}

async function agreeTo(options: Parameters<typeof openStores>[0], tools: number): Promise<void> {
  const stores = await openStores(options);
  await stores.toolPins.saw(
    MCP_SERVER,
    Array.from({ length: tools }, (_, n) => definition(n)),
  );
  await stores.toolPins.agree(MCP_SERVER, { by: 'bench' });
  stores.close();
}

/** About as long as descriptions of tools are. */
function definition(n: number) {
  const property = (what: string) => ({
    type: 'string',
    description: `The ${what} it is about, as people write it.`,
  });
  return readDefinition({
    name: `look_up_${n}`,
    description: `Looks up number ${n} of what the tracker knows. Use it when somebody asks how something stands; it says who has it, since when, and what comes next. It changes nothing.`,
    inputSchema: {
      type: 'object',
      properties: {
        project: property('project'),
        issue: property('issue'),
        since: property('day'),
        most: { type: 'integer', minimum: 1, maximum: 100, description: 'How many are told, at most.' },
      },
      required: ['project'],
    },
  });
}

function toMessage(n: number, skills: number): InboundMessage {
  const conversation = `slack:T0BENCH:C0BENCH:${n}`;
  return InboundMessage.parse({
    kind: 'message',
    id: conversation,
    conversationId: conversation,
    sender: {
      account: 'slack:T0BENCH/U0BENCH00',
      displayName: 'Bench 00',
      authenticated: true,
      automatic: false,
    },
    text: messageOf(n, skills),
    addressedToBot: true,
    sentAt: new Date().toISOString(),
    replyTo: { platform: 'slack', route: { channel: 'C0BENCH', thread: String(n) } },
  });
}

/** A platform on which everything is delivered at once. */
class Answers {
  #heard: () => void = () => undefined;

  readonly gateway: Gateway = {
    platform: Platform.parse('slack'),
    start: async () => undefined,
    stop: async () => undefined,
    send: async ({ to }) => {
      this.#heard();
      return { ref: to.route.thread ?? '' };
    },
    directAddress: () => undefined,
    check: async () => [],
  };

  /** Resolves when something is sent. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#heard = resolve;
    });
  }
}
