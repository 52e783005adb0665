/** Roles that are nobody's own, those of guests and of groups of a platform: they hold for all that comes of a request. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Authorizations } from '../../src/config/authorizations.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { RoleName } from '../../src/domain/person.ts';
import { ALEX, BOT, DANA, DISCORD_CHANNELS, EVE, GUILD, GUILD_ROLES } from '../../src/sandbox/people.ts';
import { codesIn, Story, withPerson } from '../support/story.ts';
import { textOf } from '../support/surfaces/discord-surface.ts';

const [GENERAL] = DISCORD_CHANNELS;
const [MANAGERS, ENGINEERS] = GUILD_ROLES;
const [GUEST, CONTRACTOR] = [RoleName.parse('guest'), RoleName.parse('contractor')];
const NO_MONEY: Authorizations['rules'][number] = {
  name: 'no money for these',
  tool: ['refund'],
  requester: { roles: [GUEST, CONTRACTOR] },
  decision: 'deny',
};

let story: Story;

/** Every stranger is a guest, and whoever is an engineer of the server a contractor. Deploys to staging are free. */
beforeEach(async () => {
  story = await Story.begin();
  const { roles, rules } = story.config.authorizations;
  change({
    unknown_senders: 'answer',
    guest_role: GUEST,
    roles: {
      ...roles,
      [GUEST]: { permissions: ['ask'] },
      [CONTRACTOR]: { permissions: [], granted_by: [`discord:${GUILD.id}/${ENGINEERS.id}`] },
    },
    rules: [
      { name: 'free deploys', tool: ['deploy'], when: whenStaging(rules), decision: 'allow' },
      ...rules.filter(({ name }) => name !== 'staging deploys'),
    ],
  });
});
afterEach(() => story.end());

function whenStaging(rules: Authorizations['rules']): Authorizations['rules'][number]['when'] {
  return rules.find(({ name }) => name === 'staging deploys')!.when;
}

function change(authorizations: Partial<Authorizations>): void {
  story.config = { ...story.config, authorizations: { ...story.config.authorizations, ...authorizations } };
}

/** Guests and contractors are paid nothing; or not so much. */
function noMoney(when?: Authorizations['rules'][number]['when']): void {
  const { rules } = story.config.authorizations;
  change({ rules: [when ? { ...NO_MONEY, when } : NO_MONEY, ...rules] });
}

/** The agent deploys, and pays 20 EUR back once it hears that this was done. */
function deploysThenPays(): void {
  const answers = [
    {
      text: 'First the deploy.',
      calls: [{ tool: 'deploy', input: { service: 'api', version: '1.0', environment: 'staging' } }],
    },
    {
      text: 'And now the money.',
      calls: [{ tool: 'refund', input: { order: 3, amount: 20, currency: 'EUR', reason: 'late' } }],
    },
  ];
  story.sandbox.claude.script(() => answers.shift() ?? { text: 'That is all.' });
}

async function writtenTo(channel: string, pattern: RegExp): Promise<string> {
  return story.sandbox.discord.until((discord) =>
    discord
      .messages(channel)
      .filter(({ author }) => author === BOT.discordUser)
      .map(textOf)
      .find((text) => pattern.test(text)),
  );
}

async function opened(): Promise<Approval> {
  for (;;) {
    const [approval] = await story.waiting();
    if (approval) return approval;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function askedByGuest(text: string): Promise<Approval> {
  await story.sandbox.discord.dm({ user: EVE.discordUser, text });
  return opened();
}

function approve(): Promise<void> {
  return answerByMail('');
}

async function answerByMail(line: string): Promise<void> {
  const asked = await story.mail(DANA.mail, /Decide before/);
  const code = codesIn(asked).approve;
  const words = line ? `edit ${code} ${line}` : `approve ${code}`;
  await story.sandbox.mail.reply(asked, { line: words, quoting: 'top' });
}

function lastHeard(): string {
  return JSON.stringify(story.sandbox.claude.requests.at(-1));
}

describe('what is denied to guests, or to a group of the server', () => {
  it('OM-180 OM-182 is denied to a guest in the turn that goes on after a call of theirs was run', async () => {
    noMoney();
    deploysThenPays();

    await story.sandbox.discord.dm({ user: EVE.discordUser, text: 'deploy, and pay me' });
    await writtenTo(EVE.discordDm, /That is all/);
    await story.quiet();

    expect(story.sandbox.shop.deploys).toHaveLength(1);
    expect(lastHeard()).toContain('no money for these');
    expect(story.refunds(3)).toEqual([]);
  });

  it('OM-180 OM-182 is denied to whoever is in the group, in that turn as well', async () => {
    noMoney();
    deploysThenPays();

    await story.sandbox.discord.say({
      user: ALEX.discordUser,
      channel: GENERAL.id,
      text: `<@${BOT.discordUser}> deploy, and pay me`,
    });
    await writtenTo(GENERAL.id, /That is all/);
    await story.quiet();

    expect(story.sandbox.shop.deploys).toHaveLength(1);
    expect(lastHeard()).toContain('no money for these');
    expect(story.refunds(3)).toEqual([]);
  });

  it('OM-120 keeps no guest from taking back what they asked for', async () => {
    const { id } = await askedByGuest('refund order 7');

    await story.sandbox.discord.dm({ user: EVE.discordUser, text: `withdraw ${id}` });
    await writtenTo(EVE.discordDm, /Recorded, and everybody who was asked sees it/);

    expect(await story.app.approvals.find(id)).toMatchObject({ state: 'CANCELLED' });
  });

  it('A16 is no other argument that somebody may decide on', async () => {
    noMoney({ amount: { kind: 'order', operator: '>', than: 500 } });
    await askedByGuest('refund order 7');

    await answerByMail('amount=5000');
    await story.mail(DANA.mail, /“no money for these” does not allow that/);

    expect(await story.waiting()).toMatchObject([{ gen: 1, request: { args: { amount: 120 } } }]);
  });

  it('OM-180 is not asked again', async () => {
    const { id } = await askedByGuest('refund order 7');
    await story.dm(DANA.slackUser, `!deny ${id} no`);
    await writtenTo(EVE.discordDm, /It was not allowed/);
    noMoney();

    await story.dm(DANA.slackUser, `!reopen ${id}`);
    await story.sandbox.slack.until((slack) =>
      JSON.stringify([slack.messages(DANA.slackDm), slack.ephemerals(DANA.slackUser)]).includes(
        'no money for these',
      ),
    );

    expect(await story.waiting()).toEqual([]);
  });

  it('OM-182 is no step of a plan any more, once it came to be denied', async () => {
    await askedByGuest('all or nothing: refund order 7 and deploy api 2.0 to production');
    noMoney();

    await approve();
    await writtenTo(EVE.discordDm, /“no money for these” does not allow it/);

    expect(story.refunds(7)).toEqual([]);
  });
});

describe('whoever may ask no more', () => {
  const goesNoFurther = /may not ask me for things any more, so I do nothing further/;

  it('OM-182 has what was approved done, and nothing after it', async () => {
    const thread = await story.mention('deploy api 1.0 to production');
    await story.answer(thread, /Waiting for/);
    await opened();
    const heard = story.sandbox.claude.requests.length;
    story.config = withPerson(story.config, 'alex', { roles: [RoleName.parse('viewer')] });

    await approve();
    await story.answer(thread, goesNoFurther);
    await story.quiet();

    expect(story.sandbox.shop.deploys).toHaveLength(1);
    expect(story.sandbox.claude.requests).toHaveLength(heard);
    const trail = (await story.app.audit.tail(100)).map(({ event }) => event);
    expect(trail.find(({ event }) => event === 'authorization.deny')).toMatchObject({
      actor: 'alex',
      detail: { action: 'ask' },
    });
  });

  it('OM-182 is a guest, too, once strangers are let in no more', async () => {
    await askedByGuest('deploy api 1.0 to production');
    await story.mail(DANA.mail, /Decide before/);
    await story.quiet();
    const heard = story.sandbox.claude.requests.length;
    change({ unknown_senders: 'ignore' });

    await approve();
    await writtenTo(EVE.discordDm, goesNoFurther);
    await story.quiet();

    expect(story.sandbox.shop.deploys).toHaveLength(1);
    expect(story.sandbox.claude.requests).toHaveLength(heard);
  });
});

describe('somebody who decides by a role of the server', () => {
  beforeEach(() => {
    managersAre([`discord:${GUILD.id}/${MANAGERS.id}`]);
    story.config = withPerson(story.config, 'dana', { roles: [RoleName.parse('operator')] });
  });

  function managersAre(granted_by: string[] | undefined): void {
    const { roles } = story.config.authorizations;
    change({ roles: { ...roles, manager: { ...roles.manager!, granted_by } } });
  }

  const say = (text: string) =>
    story.sandbox.discord.say({
      user: DANA.discordUser,
      channel: GENERAL.id,
      text: `<@${BOT.discordUser}> ${text}`,
    });

  it('A4 may let somebody else decide in their place, whose yes then counts', async () => {
    const { authorizations } = story.config;
    const roles = { ...authorizations.roles, deputy: { permissions: ['ask' as const, 'approve' as const] } };
    story.config = { ...story.config, authorizations: { ...authorizations, roles } };
    story.config = withPerson(story.config, 'alex', { roles: [RoleName.parse('deputy')] });
    await story.app.configChanged();
    const { id } = await askedByGuest('refund order 7');

    await say(`!delegate ${id} alex`);
    await writtenTo(DANA.discordDm, /can now decide this in your place/);
    await story.dm(ALEX.slackUser, `!approve ${id}`);
    await writtenTo(EVE.discordDm, /Approved by Alex Kim/);
    await story.quiet();

    expect(story.refunds(7)).toEqual([120]);
  });

  it('A17 gives a standing yes that holds as long as a group may carry the role, and no longer', async () => {
    const { policies } = story.config.escalation;
    const standing_yes = { rules: ['like' as const], longest: 30 * 86_400_000, most_times: 5 };
    const givable = Object.fromEntries(
      Object.entries(policies).map(([name, policy]) => [name, { ...policy, standing_yes }]),
    );
    story.config = {
      ...story.config,
      escalation: { ...story.config.escalation, policies: { ...policies, ...givable } },
    };
    const versions = () => story.sandbox.shop.deploys.map(({ version }) => version);
    const first = await story.mention('deploy web 1.1 to production');
    const { id } = await opened();
    await say(`!always ${id} like version 7d 5x`);
    const proposal = await writtenTo(DANA.discordDm, /To agree to both, write/);
    await say(`!${/(always [^`\\]+)/.exec(proposal.slice(proposal.indexOf('write')))![1]!}`);
    await story.answer(first, /Done/);

    await story.answer(await story.mention('deploy web 1.2 to production'), /Done/);
    expect(versions()).toEqual(['1.1', '1.2']);

    managersAre(undefined);
    await story.app.configChanged();
    await story.answer(await story.mention('deploy web 1.3 to production'), /Waiting for|could be asked/);
    expect(versions()).toEqual(['1.1', '1.2']);
  });
});
