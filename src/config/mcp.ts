/** `mcp` of `settings.yaml`: servers whose tools the agent is given, and how far each is trusted. */
import { z } from 'zod';
import { isEncryptedOrLocal } from '../domain/encryption.ts';
import { TOOL_GROUPS } from '../domain/tool.ts';
import { readUrl } from '../domain/url.ts';
import { duration } from './duration.ts';

/** Leaves room for a tool behind it: `mcp__<server>__<tool>` has 64 characters at most. */
export const McpServerName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,23}$/,
    'a server is named with up to 24 lower-case letters, digits and hyphens, a letter first',
  );

const VariableName = z
  .string()
  .regex(/^[A-Za-z_]\w*$/, 'a variable is letters, digits and underscores, as in PATH');

/** RFC 9110, section 5.6.2: what the name of a field may be made of. */
const HeaderName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~\w-]+$/, 'must be the name of an HTTP header, as in Authorization');
const HeaderValue = z
  .string()
  .regex(/^[\t\x20-\x7e]*$/, 'must be one line of plain characters, as HTTP headers are');

const Trust = {
  group: z.enum(TOOL_GROUPS).describe('What it is for; profiles are made of groups.'),
  risk: z.enum(['low', 'medium', 'high']).describe('How much harm a call can do.'),
  effect: z
    .enum(['read', 'idempotent', 'once'])
    .describe('read: changes nothing. idempotent: a second run is harmless. once: it is a second effect.'),
  looks_up: z
    .boolean()
    .describe(
      'true: what it tells was there before it was asked. false: it may put together what it was called with, so an address in it counts as one the agent wrote.',
    ),
};

const McpTool = z.strictObject({
  enabled: z.boolean().default(true).describe('false: the agent is not given this tool.'),
  group: Trust.group.optional(),
  risk: Trust.risk.optional(),
  effect: Trust.effect.optional(),
  looks_up: Trust.looks_up.optional(),
});

const ServerFields = z.strictObject({
  enabled: z.boolean().default(true).describe('false: it is neither started nor called.'),
  command: z
    .string()
    .min(1)
    .optional()
    .describe('Program that speaks MCP over its standard input and output.'),
  args: z.array(z.string()).default([]).describe('What the program is given.'),
  env: z
    .record(VariableName, z.string())
    .optional()
    .describe('The whole environment of the program; it gets nothing else of ours, not even PATH.'),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Or the address of a server that speaks MCP over HTTP.'),
  headers: z
    .record(HeaderName, HeaderValue)
    .optional()
    .describe('Sent with every request to it. Secrets come from the environment.'),
  allow_insecure: z
    .boolean()
    .default(false)
    .describe('Allows http:// to another machine. For closed networks only.'),
  group: Trust.group.default('automation'),
  risk: Trust.risk.default('high'),
  effect: Trust.effect.default('once'),
  looks_up: Trust.looks_up.default(false),
  timeout: duration({ min: '1s', max: '10m' }).prefault('30s').describe('For one call.'),
  max_chars: z
    .int()
    .min(500)
    .max(200_000)
    .default(30_000)
    .describe(
      'Most text of one result that the agent is shown at once, in characters; the rest is kept, and read on demand.',
    ),
  tools: z
    .record(z.string().min(1), McpTool)
    .default({})
    .describe('Single tools, by the name the server gives them.'),
});

const McpServer = ServerFields.superRefine((server, context) => {
  const { command, url, headers = {}, env = {}, args, allow_insecure: isAllowed } = server;
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  if ((command === undefined) === (url === undefined)) {
    refuse('command', 'a server has either a command or a url');
  }
  if (url !== undefined && !isAllowed && !isEncryptedOrLocal(url)) {
    refuse('url', 'would send calls and their results in the clear: write https://, or set allow_insecure');
  }
  if (url !== undefined && hasCredentials(url)) {
    refuse('url', 'holds a user or a password; write a header instead');
  }
  if (url === undefined && Object.keys(headers).length > 0)
    refuse('headers', 'belong to a server with a url');
  if (command === undefined && Object.keys(env).length > 0)
    refuse('env', 'belongs to a server with a command');
  if (command === undefined && args.length > 0) refuse('args', 'belong to a server with a command');
});
export type McpServerSettings = z.infer<typeof McpServer>;

/** Whether the settings let the agent have this tool of it. */
export function isSwitchedOn({ enabled, tools }: McpServerSettings, tool: string): boolean {
  return enabled && !(Object.hasOwn(tools, tool) && tools[tool]?.enabled === false);
}

export const McpSettings = z.strictObject({
  servers: z.record(McpServerName, McpServer).default({}).describe('Servers, by name.'),
});
export type McpSettings = z.infer<typeof McpSettings>;

function hasCredentials(url: string): boolean {
  const { username = '', password = '' } = readUrl(url) ?? {};
  return username !== '' || password !== '';
}
