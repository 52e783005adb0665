/**
 * The programs that are measured side by side: how each is started and when it is ready.
 *
 * All get the same environment and run one at a time, each as a process of its own.
 */
import { join } from 'node:path';
import { Child, type Command } from './child.ts';
import { REFERENCE_DIR } from './reference-install.ts';
import { BOT_TOKEN, SIGNING_SECRET } from './slack-event.ts';

export const CONTENDERS = ['signalbox', 'chatSdk', 'bareBolt'] as const;
export type Contender = (typeof CONTENDERS)[number];

export interface Surroundings {
  readonly redisUrl: string;
  /** Of the Web API stub, without `/api/`. */
  readonly slackUrl: string;
  readonly port: number;
  /** Folder with skills of the owner's; Signalbox alone has any. */
  readonly skills?: string;
}

export interface RunningContender {
  readonly child: Child;
  /** Where Slack events are posted. */
  readonly eventsUrl: string;
  /** From launch to ready, in ms. */
  readonly startMs: number;
}

/** A start takes a second or two; a minute is a failure, not slowness. */
const READY_WITHIN_MS = 60_000;

const ROOT = join(import.meta.dirname, '..', '..');

/** @throws {Error} with its last output, when it does not get ready */
export async function startContender(contender: Contender, around: Surroundings): Promise<RunningContender> {
  const launchedAt = performance.now();
  const child = Child.start(toCommand(contender, around));
  try {
    await child.line(/\bready\b/i, READY_WITHIN_MS);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return {
    child,
    eventsUrl: `http://127.0.0.1:${around.port}/slack/events`,
    startMs: performance.now() - launchedAt,
  };
}

export function toCommand(contender: Contender, around: Surroundings): Command {
  const env = {
    NODE_ENV: 'production',
    REDIS_URL: around.redisUrl,
    SLACK_BOT_TOKEN: BOT_TOKEN,
    SLACK_SIGNING_SECRET: SIGNING_SECRET,
    SLACK_API_URL: `${around.slackUrl}/api/`,
    HTTP_PORT: String(around.port),
    ...(around.skills === undefined ? {} : { SKILLS_FOLDER: around.skills }),
  };
  switch (contender) {
    case 'signalbox':
      return {
        name: 'Signalbox',
        ...signalbox(),
        cwd: ROOT,
        env,
      };
    case 'chatSdk':
      return {
        name: 'Chat SDK',
        command: process.execPath,
        args: [join(REFERENCE_DIR, 'chat-sdk.mjs')],
        env,
      };
    case 'bareBolt':
      return {
        name: 'bare Bolt',
        command: process.execPath,
        args: [join(REFERENCE_DIR, 'bare-bolt.mjs')],
        env,
      };
    default:
      return contender satisfies never;
  }
}

/** The product with Discord alone. */
export function toDiscordCommand(around: {
  readonly redisUrl: string;
  readonly port: number;
  /** What points it at a Discord. */
  readonly env: Readonly<Record<string, string>>;
}): Command {
  const { command, args } = signalbox();
  return {
    name: 'Signalbox',
    command,
    args,
    cwd: ROOT,
    env: {
      NODE_ENV: 'production',
      REDIS_URL: around.redisUrl,
      HTTP_PORT: String(around.port),
      ...around.env,
    },
  };
}

function signalbox(): Pick<Command, 'command' | 'args'> {
  return {
    command: process.execPath,
    args: [
      YOUNG_GENERATION,
      join(ROOT, 'bin', 'signalbox.mjs'),
      'start',
      '--no-sandbox',
      '--config',
      CONFIG_DIR,
    ],
  };
}

/** As `npm start` has it. */
const YOUNG_GENERATION = '--max-semi-space-size=8';

/** What makes the gateway comparable: signed HTTP events and a model that echoes; everything else is the default. */
const CONFIG_DIR = join(import.meta.dirname, 'config');
