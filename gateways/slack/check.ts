/** What `signalbox check` says about Slack: what works, what is missing, and what to do about it. */
import type { CheckFinding } from '../../src/domain/gateway.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { LastRequest } from '../last-request.ts';
import { CredentialError, platformErrorOf, type Self, type SlackClient, tryAppToken } from './client.ts';
import { missingCredentials, type SlackSettings } from './config.ts';

/** The scopes of the manifest beside this file, and what does not work without each. */
export const NEEDED_SCOPES: Readonly<Record<string, string>> = {
  'app_mentions:read': 'being mentioned',
  'channels:history': 'reading replies in public channels',
  'chat:write': 'posting',
  commands: 'the command /signalbox',
  'files:read': 'reading files that people send',
  'files:write': 'sending files',
  'groups:history': 'reading replies in private channels',
  'im:history': 'reading direct messages',
  'im:write': 'writing direct messages',
  'metadata.message:read': 'finding what was posted already, so that nothing is posted twice',
  'mpim:history': 'reading replies in group messages',
};

const WHERE_TO_GET: Readonly<Record<string, string>> = {
  bot_token:
    'Create an app at https://api.slack.com/apps "From a manifest" (gateways/slack/manifest.yaml), install it, and set SLACK_BOT_TOKEN to the "Bot User OAuth Token" under "OAuth & Permissions".',
  app_token:
    'In the app\'s settings under "Basic Information", "App-Level Tokens", generate a token with the scope connections:write and set SLACK_APP_TOKEN to it.',
  signing_secret:
    'In the app\'s settings under "Basic Information", "App Credentials", copy the "Signing Secret" and set SLACK_SIGNING_SECRET to it.',
};

/** Never throws. */
export async function checkSlack(
  settings: SlackSettings,
  client: SlackClient,
  log: Logger,
  lastRequest: LastRequest | undefined,
): Promise<CheckFinding[]> {
  const missing = missingCredentials(settings);
  if (missing.length > 0) return missing.map(missingFinding);
  return [...(await checkBotToken(client)), await checkWayIn(settings, log, lastRequest)];
}

function missingFinding(setting: string): CheckFinding {
  return {
    subject: `Slack ${setting.replace('_', ' ')}`,
    status: 'missing',
    detail: `${setting} is not set`,
    remedy: WHERE_TO_GET[setting] ?? `Set ${setting}.`,
  };
}

async function checkBotToken(client: SlackClient): Promise<CheckFinding[]> {
  try {
    const self = await client.whoAmI();
    return [
      {
        subject: 'Slack bot token',
        status: 'works',
        detail: `signed in to ${self.teamName} as ${self.userId}`,
      },
      scopesFinding(self),
    ];
  } catch (error) {
    return [failure('Slack bot token', error, WHERE_TO_GET.bot_token)];
  }
}

function scopesFinding({ scopes }: Self): CheckFinding {
  const subject = 'Slack scopes';
  // Without the header nothing is known, which is no reason to alarm anybody.
  if (!scopes) return { subject, status: 'works', detail: 'Slack does not say which scopes the token has' };

  const lacking = Object.entries(NEEDED_SCOPES).filter(([scope]) => !scopes.includes(scope));
  if (lacking.length === 0) return { subject, status: 'works', detail: 'all that are needed are granted' };
  return {
    subject,
    status: 'missing',
    detail: lacking.map(([scope, use]) => `${scope} (${use})`).join(', '),
    remedy:
      'In the app\'s settings paste gateways/slack/manifest.yaml under "App Manifest", then press "Reinstall to Workspace" under "Install App".',
  };
}

/** How Slack's events reach us. */
async function checkWayIn(
  settings: SlackSettings,
  log: Logger,
  lastRequest: LastRequest | undefined,
): Promise<CheckFinding> {
  if (settings.mode === 'http') return checkRequests(settings, lastRequest);
  try {
    await tryAppToken(settings.app_token ?? '', settings.api_url, log);
    return { subject: 'Slack Socket Mode', status: 'works', detail: 'Slack offers a socket' };
  } catch (error) {
    const off = platformErrorOf(error) === 'socket_mode_not_enabled';
    return failure(
      'Slack Socket Mode',
      error,
      off ? 'Turn on "Socket Mode" in the app\'s settings.' : WHERE_TO_GET.app_token,
    );
  }
}

/** Only Slack can tell whether it reaches our address; what is known here is whether it ever did. */
async function checkRequests(
  { path }: SlackSettings,
  lastRequest: LastRequest | undefined,
): Promise<CheckFinding> {
  const subject = 'Slack requests';
  try {
    const seenMs = await lastRequest?.read();
    if (seenMs === undefined) return unseen(subject, path);
    const at = new Date(seenMs).toISOString();
    return { subject, status: 'works', detail: `the last one, rightly signed, reached ${path} at ${at}` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      subject,
      status: 'failed',
      detail: `whether Slack ever reached ${path} is not known, because the store did not answer: ${reason}`,
      remedy: 'Mend the store first, then run `signalbox check` again.',
    };
  }
}

function unseen(subject: string, path: string): CheckFinding {
  return {
    subject,
    status: 'missing',
    detail: `none that is rightly signed has reached ${path} yet`,
    remedy: `Start the gateway, enter its public address with ${path} behind it as "Request URL" under "Event Subscriptions", "Interactivity & Shortcuts" and of the command in the app's settings, send \`@signalbox hello\` in a channel the bot is in, then run \`signalbox check\` again.`,
  };
}

function failure(subject: string, error: unknown, remedy: string | undefined): CheckFinding {
  const detail = error instanceof Error ? error.message : String(error);
  const unreachable = !(error instanceof CredentialError) && platformErrorOf(error) === undefined;
  return {
    subject,
    status: 'failed',
    detail,
    remedy: unreachable
      ? 'Check that this machine can reach Slack (api_url of the Slack gateway, proxy, firewall).'
      : (remedy ?? ''),
  };
}
