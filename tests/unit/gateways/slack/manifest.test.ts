import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { NEEDED_SCOPES } from '../../../../gateways/slack/check.ts';
import { Journal } from '../../../../src/sandbox/journal.ts';
import { SlackSandbox } from '../../../../src/sandbox/slack/slack-sandbox.ts';

/** The fields of a manifest that we use, as docs.slack.dev (App manifest reference) names and limits them. */
const Manifest = z.strictObject({
  display_information: z.strictObject({
    name: z.string().max(35),
    description: z.string().max(140),
    background_color: z.string().regex(/^#[0-9a-f]{6}$/),
  }),
  features: z.strictObject({
    app_home: z.strictObject({
      home_tab_enabled: z.boolean(),
      messages_tab_enabled: z.literal(true),
      messages_tab_read_only_enabled: z.literal(false),
    }),
    bot_user: z.strictObject({ display_name: z.string().max(80), always_online: z.boolean() }),
    slash_commands: z
      .array(
        z.strictObject({
          command: z.string().regex(/^\/[a-z0-9_-]{1,31}$/),
          description: z.string().max(2_000),
          usage_hint: z.string().max(1_000),
          should_escape: z.literal(true),
        }),
      )
      .max(50),
  }),
  oauth_config: z.strictObject({ scopes: z.strictObject({ bot: z.array(z.string()) }) }),
  settings: z.strictObject({
    event_subscriptions: z.strictObject({ bot_events: z.array(z.string()) }),
    interactivity: z.strictObject({ is_enabled: z.literal(true) }),
    org_deploy_enabled: z.boolean(),
    socket_mode_enabled: z.literal(true),
    token_rotation_enabled: z.literal(false),
  }),
});

describe('the manifest people paste', () => {
  const manifest = Manifest.parse(
    parse(readFileSync(new URL('../../../../gateways/slack/manifest.yaml', import.meta.url), 'utf8')),
  );

  it('asks for the scopes that are checked for, and no others', () => {
    expect(manifest.oauth_config.scopes.bot.toSorted()).toEqual(Object.keys(NEEDED_SCOPES).toSorted());
  });

  it('OB-010 registers the one command the sandbox knows, too', () => {
    const { commands } = new SlackSandbox(new Journal());

    expect(manifest.features.slash_commands.map(({ command }) => command)).toEqual(commands);
  });

  it('subscribes to the events that are listened to', () => {
    expect(manifest.settings.event_subscriptions.bot_events).toEqual(
      expect.arrayContaining([
        'app_mention',
        'message.channels',
        'message.groups',
        'message.im',
        'message.mpim',
      ]),
    );
  });
});
