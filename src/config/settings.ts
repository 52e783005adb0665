/** `settings.yaml`: the model, the gateways, the store, and limits. */
import { z } from 'zod';
import { isEncryptedOrLocal, isLoopback } from '../domain/encryption.ts';
import { MAX_TEXT_CHARS } from '../domain/message.ts';
import { readUrl } from '../domain/url.ts';
import { ApiSettings } from './api.ts';
import { BudgetSettings } from './budgets.ts';
import { Databases } from './databases.ts';
import { duration } from './duration.ts';
import { McpSettings } from './mcp.ts';
import { lacksRoom, MemorySettings } from './memory.ts';
import { MessagingSettings, SessionSettings } from './messaging.ts';
import { OutgoingSettings } from './outgoing.ts';
import { PromptSettings } from './prompt.ts';
import { ResearchSettings } from './research.ts';
import { BreakerSettings, ModelFallback, ToolSettings } from './resilience.ts';
import { SchedulerSettings } from './scheduler.ts';
import { SkillSettings } from './skills.ts';
import { WebSettings } from './web.ts';
import { WorkspaceSettings } from './workspace.ts';

/** One schema per gateway, by platform name. */
export type GatewaySchemas = Record<string, z.ZodType>;

/**
 * Sections and keys read once, at start; a change to them makes a running gateway start over within its process. So does
 * the API where it comes to be on or off (`isApiOn`), and no other change of it.
 */
export const READ_AT_START: readonly string[] = [
  'gateways',
  'redis',
  'http',
  'mcp',
  'sandbox',
  'workspace',
  'databases',
  'messaging',
  'sessions',
  'workers.lease',
  'limits.history_entries',
];

export const ModelSettings = z.strictObject({
  provider: z
    .enum(['claude', 'echo'])
    .default('claude')
    .describe('claude: Anthropic. echo: answers with what it was told; for load tests.'),
  name: z.string().min(1).default('claude-sonnet-5-5').describe('The model that answers.'),
  api_key: z.string().optional().describe('From the environment, never written here.'),
  base_url: z
    .url()
    .refine(isEncryptedOrLocal, 'must be https, or an address of this machine')
    .optional()
    .describe('Another address for the Messages API. Left out: Anthropic.'),
  max_tokens: z.int().min(1).max(64_000).default(4_096).describe('Longest answer of one step, in tokens.'),
  thinking_tokens: z
    .int()
    .min(1_024)
    .max(64_000)
    .default(16_000)
    .describe('Further tokens of a step for a message that asks to think longer (/think).'),
  max_steps: z.int().min(1).max(100).default(12).describe('Most calls to the model in one turn.'),
  timeout: duration({ min: '1s', max: '30m' }).prefault('2m').describe('For one call to the model.'),
  retries: z.int().min(0).max(10).default(3).describe('Further attempts when the model is overloaded.'),
  fallbacks: z
    .array(ModelFallback)
    .max(5)
    .default([])
    .describe('Models that are asked instead while those before them are away, in this order.'),
  concurrency: z
    .int()
    .min(1)
    .max(10_000)
    .default(64)
    .describe('Most calls to models at the same time, of each process. Others wait for their turn.'),
  wait: duration({ min: '1ms', max: '10m' })
    .prefault('1m')
    .describe('How long a call waits for its turn. After that the message waits, and people are told.'),
});
export type ModelSettings = z.infer<typeof ModelSettings>;

/** One address, or several of one cluster. */
const RedisUrl = z.string().refine((text) => text.split(',').every(isRedisUrl), {
  error: 'redis://host:port, rediss://host:port or unix:///path; several of a cluster with commas between',
});

const RedisFields = z.strictObject({
  url: RedisUrl.optional().describe(
    'redis://host:port of an existing server, or those of a cluster with commas between. Left out: one is started for you.',
  ),
  data_directory: z.string().min(1).default('data').describe('Where the embedded server keeps its data.'),
  fsync: z
    .enum(['always', 'everysec'])
    .default('always')
    .describe('always: nothing accepted is lost in a power cut. everysec: up to a second may be; faster.'),
  key_prefix: z
    .string()
    .regex(/^[\w:.-]{0,40}$/, 'up to 40 letters, digits, and : . _ -')
    .default('signalbox')
    .describe('Begins every key, so that two installations can share a server.'),
  allow_insecure: z
    .boolean()
    .default(false)
    .describe('Allows an unencrypted connection to another machine. For closed networks only.'),
});

export const RedisSettings = RedisFields.superRefine(({ url, allow_insecure: isAllowed }, context) => {
  if (url === undefined || isAllowed || url.split(',').every(isEncryptedRedis)) return;
  context.addIssue({
    code: 'custom',
    path: ['url'],
    message:
      'would send every message and approval in the clear: write rediss://, or set redis.allow_insecure',
  });
});
export type RedisSettings = z.infer<typeof RedisSettings>;

export const WorkerSettings = z.strictObject({
  conversations: z.int().min(1).max(10_000).default(64).describe('Conversations handled at the same time.'),
  outbound: z.int().min(1).max(10_000).default(128).describe('Messages being sent at the same time.'),
  // With the time between two looks for the dead, less than the 5 s in which somebody has to take over.
  lease: duration({ min: '1s', max: '5m' })
    .prefault('3s')
    .describe('A worker that is silent this long is taken for dead and its conversations move on.'),
});
export type WorkerSettings = z.infer<typeof WorkerSettings>;

export const LimitSettings = z.strictObject({
  text_chars: z
    .int()
    .min(1)
    .max(MAX_TEXT_CHARS)
    .default(MAX_TEXT_CHARS)
    .describe('Longest message accepted from a person, in characters.'),
  history_entries: z
    .int()
    .min(2)
    .max(10_000)
    .default(200)
    .describe('Entries of a conversation that are read for a turn, and up to half as many more.'),
  messages_per_person_per_minute: z
    .int()
    .min(1)
    .max(10_000)
    .default(30)
    .describe(
      'More than this from one person is refused with a sentence. What decides, stops or calls somebody is counted apart, as many again, and each that is refused is told.',
    ),
  reads_at_once: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe('Most calls of one answer of the agent that only read, run at the same time.'),
});
export type LimitSettings = z.infer<typeof LimitSettings>;

export const RetentionSettings = z.strictObject({
  approvals: duration({ min: '1h' })
    .prefault('30d')
    .describe('How long a settled approval is kept; as long, a late answer is told what became of it.'),
  dedupe: duration({ min: '1h' })
    .prefault('24h')
    .describe('How long a delivered message is remembered; longer than any platform keeps retrying.'),
  transcripts: duration({ min: '1h' })
    .prefault('90d')
    .describe('How long what was said is kept, and a silent conversation as a whole.'),
  summaries: duration({ min: '1h' })
    .prefault('180d')
    .describe('How long a summary of a conversation, or of a person, is kept after it was last changed.'),
  notes: duration({ min: '1h' })
    .prefault('365d')
    .describe('How long a note is kept after it was last written.'),
});
export type RetentionSettings = z.infer<typeof RetentionSettings>;

export const WatchdogSettings = z.strictObject({
  every: duration({ min: '1s', max: '1h' })
    .prefault('1m')
    .describe('How often it is proved that nothing that waits was forgotten.'),
  heartbeat_url: z
    .url({ protocol: /^https?$/ })
    .refine(isEncryptedOrLocal, 'must be https, or an address of this machine')
    .optional()
    .describe(
      'Called after every look that found nothing. Somebody outside raises the alarm when it stays away.',
    ),
  heartbeat_method: z.enum(['GET', 'POST']).default('GET').describe('How it is called.'),
  heartbeat_timeout: duration({ min: '1s', max: '1m' }).prefault('10s').describe('For one such call.'),
});
export type WatchdogSettings = z.infer<typeof WatchdogSettings>;

const HttpFields = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Where webhooks and the console listen.'),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .default(4_000)
    .describe('If it is taken, the next free one is used and printed.'),
  allow_insecure: z
    .boolean()
    .default(false)
    .describe('Allows a host that is not this machine, without TLS. For closed networks only.'),
});

export const HttpSettings = HttpFields.superRefine(({ host, allow_insecure: isAllowed }, context) => {
  if (isAllowed || isLoopback(host)) return;
  context.addIssue({
    code: 'custom',
    path: ['host'],
    message:
      'would take webhooks and answers in the clear from other machines: keep 127.0.0.1 behind a proxy that speaks TLS, or set http.allow_insecure',
  });
});
export type HttpSettings = z.infer<typeof HttpSettings>;

export const LogSettings = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least important line shown.'),
});
export type LogSettings = z.infer<typeof LogSettings>;

export const CliSettings = z.strictObject({
  account: z
    .string()
    .min(1)
    .default('local')
    .describe('Who the terminal speaks as: the `cli` account of a person in contacts.yaml.'),
});
export type CliSettings = z.infer<typeof CliSettings>;

export const SandboxSettings = z.strictObject({
  url: z
    .url()
    .optional()
    .describe('A sandbox that is already running. Left out: one is started when needed.'),
});
export type SandboxSettings = z.infer<typeof SandboxSettings>;

const sections = {
  model: ModelSettings.prefault({}).describe('The model that thinks.'),
  redis: RedisSettings.prefault({}).describe('The store. A change starts the gateway over.'),
  outgoing: OutgoingSettings.prefault({}).describe('What the words of the agent may hold.'),
  prompt: PromptSettings.prefault({}).describe('What the agent is told about this place.'),
  skills: SkillSettings.prefault({}).describe('What the agent knows how to do.'),
  memory: MemorySettings.prefault({}).describe(
    'What the agent is shown of a conversation, and what is kept beyond it.',
  ),
  web: WebSettings.prefault({}).describe('Pages the agent may read, and searching for them.'),
  mcp: McpSettings.prefault({}).describe(
    'Servers whose tools the agent is given. A change starts the gateway over.',
  ),
  workspace: WorkspaceSettings.prefault({}).describe(
    'The folder in which the agent may read and write files. A change starts the gateway over.',
  ),
  databases: Databases.default({}).describe(
    'What the agent may ask questions of, by name. A change starts the gateway over.',
  ),
  research: ResearchSettings.prefault({}).describe('Questions the agent has looked into beside a turn.'),
  scheduler: SchedulerSettings.prefault({}).describe('What people have the agent do at another time.'),
  messaging: MessagingSettings.prefault({}).describe(
    'Where the agent may write beside its answer. A change starts the gateway over.',
  ),
  sessions: SessionSettings.prefault({}).describe(
    'What it may look up of other conversations. A change starts the gateway over.',
  ),
  workers: WorkerSettings.prefault({}).describe('How much happens at the same time.'),
  limits: LimitSettings.prefault({}).describe('What is accepted.'),
  budgets: BudgetSettings.prefault({}).describe('How much the model may be used, and what it costs.'),
  tools: ToolSettings.default({}).describe('Single tools, by name.'),
  breakers: BreakerSettings.prefault({}).describe('When a service that fails is left alone for a while.'),
  retention: RetentionSettings.prefault({}).describe('How long things are kept.'),
  watchdog: WatchdogSettings.prefault({}).describe('How the gateway watches itself.'),
  http: HttpSettings.prefault({}).describe('The HTTP listener. A change starts the gateway over.'),
  api: ApiSettings.prefault({}).describe(
    'Programs that ask people over HTTP. The gateway starts over when the API is turned on or off.',
  ),
  log: LogSettings.prefault({}).describe('The log.'),
  cli: CliSettings.prefault({}).describe('The terminal.'),
  sandbox: SandboxSettings.prefault({}).describe(
    'The stand-ins used where credentials are missing. A change starts the gateway over.',
  ),
};

export type Settings<Gateways extends GatewaySchemas = GatewaySchemas> = {
  [Section in keyof typeof sections]: z.infer<(typeof sections)[Section]>;
} & { gateways: { [Name in keyof Gateways]: z.output<Gateways[Name]> } };

function isEncryptedRedis(text: string): boolean {
  if (!isRedisUrl(text)) return true; // reported as what it is
  const { protocol, hostname } = new URL(text.trim());
  return protocol !== 'redis:' || isLoopback(hostname);
}

function isRedisUrl(text: string): boolean {
  return /^(rediss?|unix):$/.test(readUrl(text.trim())?.protocol ?? '');
}

/** The schema of `settings.yaml` for these gateways; a gateway that is not mentioned gets its own defaults. */
export function settingsSchema<Gateways extends GatewaySchemas>(
  gateways: Gateways,
): z.ZodType<Settings<Gateways>> {
  const sectionOf = Object.entries(gateways).map(([name, schema]) => [name, schema.prefault({})]);
  const schema = z
    .strictObject({
      ...sections,
      gateways: z
        .strictObject(Object.fromEntries(sectionOf))
        .prefault({})
        .describe('The platforms. A change starts the gateway over.'),
    })
    .superRefine(({ memory, model }, context) => {
      const lack = lacksRoom(memory, model);
      if (lack !== undefined) {
        context.addIssue({ code: 'custom', path: ['memory', 'context_tokens'], message: lack });
      }
    })
    .describe('The model, the gateways, the store, and limits.');
  // Object.entries forgets which schema belongs to which name; the result is built name by name from `gateways`.
  return schema as unknown as z.ZodType<Settings<Gateways>>;
}
