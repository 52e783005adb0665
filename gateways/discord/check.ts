/** What `signalbox check` says about Discord: what works, what is missing, and what to do about it. */
import type { CheckFinding } from '../../src/domain/gateway.ts';
import { readUrl } from '../../src/domain/url.ts';
import { checkGuilds, inviteUrl, MAX_GUILDS } from './check-guilds.ts';
import {
  type ApplicationInfo,
  CredentialError,
  codeOf,
  type DiscordClient,
  mayAskForContent,
  UnreachableError,
} from './client.ts';
import { type DiscordSettings, missingDiscordSettings } from './config.ts';
import { changesIn, leftoverScopes, wantedIn } from './registration.ts';

const PORTAL = 'https://discord.com/developers/applications';

const NEW_TOKEN = `Press "Reset Token" under "Bot" of your application at ${PORTAL}, and set DISCORD_BOT_TOKEN to the new token; the old one ends with that.`;

const WHERE_TO_GET: Readonly<Record<string, string>> = {
  bot_token: `Create an application at ${PORTAL}, press "Reset Token" under "Bot", and set DISCORD_BOT_TOKEN.`,
  application_id: `Copy the "Application ID" under "General Information" of your application at ${PORTAL} and set DISCORD_APPLICATION_ID.`,
  public_key: `Copy the "Public Key" under "General Information" of your application at ${PORTAL} and set DISCORD_PUBLIC_KEY.`,
};

/** Never throws. `listenerUrl`: where requests to us arrive, in mode `http`. */
export async function checkDiscord(
  settings: DiscordSettings,
  client: DiscordClient,
  listenerUrl?: string,
): Promise<CheckFinding[]> {
  const missing = missingDiscordSettings(settings);
  if (missing.length > 0) return missing.map(missingFinding);
  try {
    const self = await client.whoAmI();
    const application = await client.application();
    // An invitation to another application would bring in another bot.
    const ours = { ...settings, application_id: application.id };
    const isOurs = settings.application_id === application.id;
    return [
      { subject: 'Discord bot token', status: 'works', detail: `signed in as ${self.name}` },
      applicationFinding(settings, application),
      intentFinding(settings, application),
      ...(await checkGuilds(ours, client, self)),
      ...(isOurs ? [await checkCommands(settings, client)] : []),
      wayInFinding(settings, application, listenerUrl),
    ];
  } catch (error) {
    return [failure('Discord bot token', error, NEW_TOKEN)];
  }
}

export function missingFinding(setting: string): CheckFinding {
  return {
    subject: `Discord ${setting.replace('_', ' ')}`,
    status: 'missing',
    detail: `${setting} is not set`,
    remedy: WHERE_TO_GET[setting] ?? `Set ${setting}.`,
  };
}

function applicationFinding(
  settings: DiscordSettings,
  { id, name, verifyKey }: ApplicationInfo,
): CheckFinding {
  const subject = 'Discord application';
  if (id !== settings.application_id) {
    return {
      subject,
      status: 'failed',
      detail: `the token belongs to application ${id} (${name}), not to ${settings.application_id}`,
      remedy: `Set DISCORD_APPLICATION_ID to ${id}, or take the token of the other application.`,
    };
  }
  const key = settings.public_key?.toLowerCase();
  if (settings.mode === 'http' && verifyKey !== undefined && key !== verifyKey.toLowerCase()) {
    return {
      subject,
      status: 'failed',
      detail: 'public_key is not the key of this application, so every request would be refused',
      remedy: WHERE_TO_GET.public_key ?? '',
    };
  }
  return { subject, status: 'works', detail: name === '' ? id : name };
}

function intentFinding(
  { message_content: wanted, mode }: DiscordSettings,
  application: ApplicationInfo,
): CheckFinding {
  const subject = 'Discord message content';
  if (!wanted || mode === 'http') {
    return {
      subject,
      status: 'works',
      detail: 'not asked for: mentions, direct messages and commands work without it',
    };
  }
  if (mayAskForContent(application)) {
    return { subject, status: 'works', detail: 'granted: follow-ups in threads need no mention' };
  }
  return {
    subject,
    status: 'missing',
    detail:
      'message_content is on, but the application may not ask for it: it is connected without, and in a thread only who mentions the bot is heard',
    remedy: `Switch on "Message Content Intent" under "Bot" at ${PORTAL}, or set gateways.discord.message_content to false.`,
  };
}

async function checkCommands(settings: DiscordSettings, client: DiscordClient): Promise<CheckFinding> {
  const subject = 'Discord commands';
  const { guild_commands: guilds } = settings;
  try {
    const different: string[] = [];
    const leftover: string[] = [];
    const others = (await leftoverScopes({ settings, client })).slice(0, MAX_GUILDS);
    for (const scope of [...wantedIn(settings), ...others]) {
      const changes = await changesIn(scope, { settings, client });
      if (!changes) continue;
      const { create, edit, remove } = changes;
      different.push(...[...create, ...edit.map(({ command }) => command)].map(({ name }) => name));
      if (remove.length > 0)
        leftover.push(scope === undefined ? 'for every server' : `in the server ${scope}`);
    }
    const where = guilds.length === 0 ? 'everywhere' : `in ${guilds.length} servers`;
    if (different.length === 0 && leftover.length === 0) {
      return { subject, status: 'works', detail: `registered ${where}` };
    }
    const wrong = [
      ...(different.length === 0
        ? []
        : [`not registered, or out of date: ${[...new Set(different)].join(', ')}`]),
      ...(leftover.length === 0 ? [] : [`left over ${leftover.join(', ')}, where people find them twice`]),
    ];
    return {
      subject,
      status: 'missing',
      detail: wrong.join('; '),
      remedy: 'Start the gateway: it registers what differs, and takes away what is left over.',
    };
  } catch (error) {
    return failure(
      subject,
      error,
      `Invite the bot again with the scope applications.commands: ${inviteUrl(settings.application_id ?? '')}`,
    );
  }
}

/** How what people do reaches us. */
function wayInFinding(
  { mode, path }: DiscordSettings,
  { interactionsUrl }: ApplicationInfo,
  listenerUrl: string | undefined,
): CheckFinding {
  if (mode === 'http') return requestsFinding(interactionsUrl, path, listenerUrl);
  const subject = 'Discord gateway';
  return interactionsUrl === undefined
    ? { subject, status: 'works', detail: 'commands and presses come over the WebSocket' }
    : {
        subject,
        status: 'failed',
        detail: `the application sends commands and presses to ${interactionsUrl}, not over the WebSocket`,
        remedy: `Remove "Interactions Endpoint URL" under "General Information" at ${PORTAL}, or set gateways.discord.mode to http.`,
      };
}

/** Only the public address is Discord's to know; what stands behind it has to be our path. */
function requestsFinding(
  entered: string | undefined,
  path: string,
  listenerUrl: string | undefined,
): CheckFinding {
  const subject = 'Discord requests';
  const here = `${listenerUrl ?? ''}${path}`;
  const set = `Start the gateway, then set "Interactions Endpoint URL" under "General Information" at ${PORTAL} to`;
  if (entered === undefined) {
    return {
      subject,
      status: 'missing',
      detail: `signed requests are expected at ${here}, but the application has no Interactions Endpoint URL`,
      remedy: `${set} its public address with ${path} behind it.`,
    };
  }
  const url = readUrl(entered);
  // What a proxy has before it is the proxy's to take away.
  if (!url?.pathname.replace(/\/+$/, '').endsWith(path.replace(/\/+$/, ''))) {
    return {
      subject,
      status: 'failed',
      detail: `Discord calls ${entered}, but signed requests are expected at ${here}`,
      remedy: `${set} ${url ? `${url.origin}${path}` : `its public address with ${path} behind it`}, if that leads here.`,
    };
  }
  return {
    subject,
    status: 'works',
    detail: `Discord calls ${entered}, which has to lead to ${here}; mentions and direct messages need mode gateway`,
  };
}

function failure(subject: string, error: unknown, remedy: string | undefined): CheckFinding {
  const detail = error instanceof Error ? error.message : String(error);
  const trouble = error instanceof UnreachableError ? error.trouble?.remedy : undefined;
  const unreachable = !(error instanceof CredentialError) && codeOf(error) === undefined;
  return {
    subject,
    status: 'failed',
    detail,
    remedy: unreachable
      ? [
          'Check that this machine can reach Discord (api_url of the Discord gateway, proxy, firewall).',
          trouble,
        ]
          .flatMap((each) => each ?? [])
          .join(' ')
      : (remedy ?? ''),
  };
}
