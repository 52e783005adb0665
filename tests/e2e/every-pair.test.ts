/** A request from each platform, approved from each of them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { Story, withPerson } from '../support/story.ts';
import { discordSurface } from '../support/surfaces/discord-surface.ts';
import { emailSurface } from '../support/surfaces/email-surface.ts';
import { jiraSurface } from '../support/surfaces/jira-surface.ts';
import { slackSurface } from '../support/surfaces/slack-surface.ts';
import { type Surface, seen } from '../support/surfaces/surface.ts';
import { openTerminals, type Terminals, terminalSurface } from '../support/surfaces/terminal-surface.ts';
import { webSurface } from '../support/surfaces/web-surface.ts';

const PLATFORMS = ['slack', 'discord', 'jira', 'email', 'web', 'cli'] as const;
type PlatformName = (typeof PLATFORMS)[number];

/** As people read it on a card. */
const VIA: Readonly<Record<PlatformName, string>> = {
  slack: 'on Slack',
  discord: 'on Discord',
  jira: 'in Jira',
  email: 'by e-mail',
  web: 'over the web',
  cli: 'in the terminal',
};

/** Where a card that was sent is changed; elsewhere what became of it is a further message. */
const EDITS: ReadonlySet<PlatformName> = new Set(['slack', 'discord', 'jira']);

let story: Story;
let terminals: Terminals;
let surfaces: Readonly<Record<PlatformName, Surface>>;

beforeAll(async () => {
  story = await Story.begin();
  terminals = await openTerminals(story);
  const { slack, discord, jira, mail, web } = story.sandbox;
  surfaces = {
    slack: slackSurface(slack),
    discord: discordSurface(discord),
    jira: jiraSurface(jira),
    email: emailSurface(mail),
    web: webSurface(web),
    cli: terminalSurface(terminals),
  };
});
afterAll(async () => {
  await terminals.close();
  await story.end();
});

describe.each(PLATFORMS)('OM-050 a refund asked for on %s', (asked) => {
  let order = 0;
  const shipped = () => story.config;
  let before: Story['config'];

  beforeEach(() => {
    before = shipped();
    order = 1_000 + PLATFORMS.indexOf(asked) * 100;
  });
  afterEach(() => {
    story.config = before;
  });

  it.each(PLATFORMS)('OM-122 is approved from %s, and every copy of the card says so', async (approved) => {
    order += PLATFORMS.indexOf(approved);
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse(approved)] });
    const [origin, desk] = [surfaces[asked], surfaces[approved]];

    const place = await origin.ask(`refund order ${order} for 120 EUR`);
    await seen(desk, desk.shownToDana, new RegExp(`order ${order}`));
    expect(story.refunds(order)).toEqual([]);
    await desk.approve();

    const outcome = new RegExp(`Approved by Dana Reyes ${VIA[approved]}[\\s\\S]*Done`);
    const ofThis = (texts: readonly string[]) => texts.filter((text) => text.includes(`order ${order}`));
    await seen(origin, () => ofThis(origin.said(place)), outcome);
    await seen(desk, () => ofThis(desk.shownToDana()), outcome);
    await seen(origin, () => origin.said(place), /allowed, and it is done/);
    await story.quiet();
    const shown = [
      ...(EDITS.has(asked) ? ofThis(origin.said(place)) : []),
      ...(EDITS.has(approved) ? ofThis(desk.shownToDana()) : []),
    ];
    expect(shown.filter((text) => text.includes('Waiting for'))).toEqual([]);
    expect(story.refunds(order)).toEqual([120]);
  });
});
