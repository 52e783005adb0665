/** Words that must not reach further than those who said them could: a standing yes, other arguments, a yes taken back. */
import { afterEach, describe, expect, it } from 'vitest';
import type { EscalationPolicy } from '../../src/config/escalation.ts';
import { ticketOf } from '../../src/domain/card.ts';
import { PersonId, Platform } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import type { Approvers } from '../../src/domain/quorum.ts';
import type { SlackMessage } from '../../src/sandbox/slack/workspace.ts';
import {
  ALEX,
  BOT,
  button,
  codesIn,
  DANA,
  EVE,
  GENERAL,
  Story,
  type StoryConfig,
  withPerson,
} from '../support/story.ts';

const HOUR = 3_600_000;
const [MANAGER, DIRECTOR] = [RoleName.parse('manager'), RoleName.parse('director')];
const standing_yes = {
  rules: ['exact' as const, 'like' as const, 'tool' as const],
  longest: 30 * 24 * HOUR,
  most_times: 5,
};

let story: Story;
afterEach(() => story.end());

type Rule = StoryConfig['authorizations']['rules'][number];

/** Carl is a manager by mail; Fred, the director, has Eve's accounts. Two rules for refunds: above 50, and `above500`. */
async function begin(
  wish: {
    approvers?: Approvers;
    policy?: Partial<EscalationPolicy>;
    above500?: Partial<Extract<Rule, { decision: 'ask' }>> | 'deny';
    strict?: Partial<EscalationPolicy>;
  } = {},
): Promise<void> {
  story = await Story.begin({ config: (shipped) => withRules(shipped, wish) });
}

function withRules(
  shipped: StoryConfig,
  { approvers, policy, above500, strict }: NonNullable<Parameters<typeof begin>[0]>,
): StoryConfig {
  const { contacts, authorizations, escalation } = shipped;
  const dana = contacts.people.dana!;
  const carl = { ...dana, name: 'Carl Chen', roles: [MANAGER], accounts: { email: ['carl@corp.test'] } };
  const fred = {
    ...dana,
    name: 'Fred Fox',
    roles: [DIRECTOR],
    accounts: { slack: [`T0SANDBOX/${EVE.slack}`], email: [EVE.mail] },
  };
  const rules = authorizations.rules.map(
    (rule): Rule => (rule.decision === 'ask' && approvers ? { ...rule, approvers } : rule),
  );
  const usual = rules.find(({ name }) => name === 'refunds above 50')!;
  const when = { amount: { kind: 'order' as const, operator: '>' as const, than: 500 } };
  const further: Rule[] = [];
  if (above500 === 'deny') further.push({ name: 'too much', tool: usual.tool, when, decision: 'deny' });
  else if (above500 && usual.decision === 'ask') {
    further.push({ ...usual, name: 'refunds above 500', when, ...above500 });
  }
  const { policies } = escalation;
  const usualPolicy = { ...policies.default, ...policy };
  return {
    ...shipped,
    contacts: { ...contacts, people: { ...contacts.people, carl, fred } },
    authorizations: {
      ...authorizations,
      roles: { ...authorizations.roles, [DIRECTOR]: { permissions: ['ask', 'approve'] } },
      rules: [...further, ...rules],
    },
    escalation: {
      ...escalation,
      policies: {
        default: usualPolicy,
        urgent: { ...policies.urgent!, ...policy },
        strict: { ...usualPolicy, ...strict },
      },
    },
  };
}

async function ticket(): Promise<string> {
  const [approval] = await story.waiting();
  if (!approval) throw new Error('nothing waits');
  return ticketOf({ approvalId: approval.id, gen: approval.gen });
}

describe('a standing yes', () => {
  const versions = () => story.sandbox.shop.deploys.map(({ version }) => version);

  async function give(thread: string): Promise<void> {
    await story.say(DANA.slack, thread, `always ${await ticket()} like version 7d 5x`);
    const proposal = await story.told(DANA.slack, /To agree to both, write/);
    await story.say(DANA.slack, thread, /write `?(always [^`]+)`?/.exec(proposal)![1]!);
    await story.answer(thread, /Done/);
  }

  it('A17 is not given in the place of two managers by whoever was asked only because they kept silent', async () => {
    await begin({
      approvers: { role: MANAGER, count: 2 },
      policy: {
        standing_yes,
        on_timeout: [{ kind: 'escalate', approvers: { role: DIRECTOR }, forMs: 4 * HOUR }],
      },
    });
    const thread = await story.mention('deploy web 1.1 to production');
    await story.answer(thread, /Waiting for/);
    await story.seen();
    await story.advance(HOUR);
    await story.answer(thread, /director/);

    await story.say(EVE.slack, thread, `always ${await ticket()} like version 7d 5x`);
    await story.told(EVE.slack, /Several people have to agree/);

    expect(await story.app.grants.list()).toEqual([]);
    expect(versions()).toEqual([]);
  });

  it.each([
    ['is known no more', withoutDana],
    ['holds the role no more', asMember],
  ])('A17 ends when the one who gave it %s', async (_what, change) => {
    await begin({ policy: { standing_yes } });
    const thread = await story.mention('deploy web 1.1 to production');
    await story.answer(thread, /Waiting for/);
    await give(thread);
    story.config = change(story.config);
    await story.app.configChanged();

    await story.answer(await story.mention('deploy web 1.2 to production'), /Waiting for/);

    expect(versions()).toEqual(['1.1']);
  });

  /** By a standing yes a call has been let run that waits in line, until something has happened. */
  async function runsAfter(happening: () => Promise<void>): Promise<string> {
    await begin({ policy: { standing_yes } });
    const thread = await story.mention('deploy web 1.1 to production');
    await story.answer(thread, /Waiting for/);
    await give(thread);
    await story.quiet();
    const [asking, thinking, deployed, done] = [latch(), latch(), latch(), latch()];
    story.sandbox.claude.script(async ({ messages }) => {
      const last = JSON.stringify(messages.at(-1));
      if (last.includes('deploy web 1.2')) {
        asking.open();
        await deployed.opened;
      }
      if (!last.includes('think hard')) return undefined;
      thinking.open();
      await done.opened;
      return { text: 'I have thought.' };
    });
    await story.say(ALEX.slack, thread, `<@${BOT.slack}> deploy web 1.2 to production`);
    await asking.opened;
    await story.say(ALEX.slack, thread, `<@${BOT.slack}> think hard`);
    deployed.open();
    await thinking.opened;
    await happening();
    done.open();
    return thread;
  }

  async function revoke(): Promise<void> {
    const [grant] = await story.app.grants.list();
    await story.dm(DANA.slack, `/grants revoke ${grant!.id}`);
    await story.told(DANA.slack, /Taken back/);
  }

  async function become(change: (config: StoryConfig) => StoryConfig): Promise<void> {
    story.config = change(story.config);
    await story.app.configChanged();
  }

  it.each<[string, () => Promise<void>, RegExp]>([
    ['it is taken back', revoke, /standing yes gr_\w+ has been taken back\. Ask for it again/],
    ['the one who gave it is known no more', () => become(withoutDana), /could not agree to this alone/],
    ['the one who gave it holds the role no more', () => become(asMember), /could not agree to this alone/],
  ])('A17 lets nothing run that waited in line when %s', async (_what, happening, why) => {
    const thread = await runsAfter(happening);

    await story.answer(thread, why);
    await story.quiet();
    expect(versions()).toEqual(['1.1']);
    expect((await story.app.grants.list())[0]).toMatchObject({ uses: [{ amount: 0 }] });
  });

  it('A17 lets run what waited in line while it stands', async () => {
    const thread = await runsAfter(async () => undefined);

    await story.answer(thread, /web 1\.2 is deployed|1\.2.*deployed/);
    expect(versions()).toEqual(['1.1', '1.2']);
  });
});

/** Opened once, for whoever waits for it. */
function latch(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

function withoutDana(config: StoryConfig): StoryConfig {
  const { dana: _, ...people } = config.contacts.people;
  return { ...config, contacts: { ...config.contacts, people } };
}

function asMember(config: StoryConfig): StoryConfig {
  return withPerson(config, 'dana', { roles: [RoleName.parse('member')] });
}

describe('other arguments', () => {
  async function edited(line: string): Promise<string> {
    const thread = await story.mention('refund order 7');
    const asked = await story.mail(DANA.mail, /Decide before/);
    await story.sandbox.mail.reply(asked, { line: `edit ${codesIn(asked).approve} ${line}`, quoting: 'top' });
    return thread;
  }

  it.each([
    ['may be answered in fewer ways', { policy: 'strict' }, { approve_from: [Platform.parse('slack')] }],
    ['ask for more people', { approvers: { role: MANAGER, count: 2 } }, {}],
    ['ask other people', { approvers: { role: DIRECTOR } }, {}],
  ])('A16 are not taken where the rules %s', async (_what, above500, strict) => {
    await begin({ above500, strict });
    await edited('amount=900');
    await story.mail(DANA.mail, /asks for that in another way, or other people/);

    expect(story.refunds(7)).toEqual([]);
    expect(await story.waiting()).toMatchObject([{ gen: 1, request: { args: { amount: 120 } } }]);
  });

  it('A16 are not taken where the rules deny them', async () => {
    await begin({ above500: 'deny' });
    await edited('amount=900');
    await story.mail(DANA.mail, /“too much” does not allow that/);

    expect(story.refunds(7)).toEqual([]);
    expect(await story.waiting()).toHaveLength(1);
  });

  it('A16 are taken where the rules ask for them alike', async () => {
    await begin({ above500: {} });
    await story.answer(await edited('amount=110'), /Done/);

    expect(story.refunds(7)).toEqual([110]);
  });
});

describe('whoever may not approve any more', () => {
  /** Dana alone is asked; then she may approve no more, but stands in for Kim, a manager whom nobody asked. */
  async function asked(): Promise<{ thread: string; card: SlackMessage }> {
    await begin({ approvers: { person: PersonId.parse('dana') } });
    const thread = await story.mention('refund order 7');
    return { thread, card: await story.answer(thread, /Waiting for Dana Reyes until/) };
  }

  function onlyStandsInForKim(roles: string[] = ['member']): void {
    const { people } = story.config.contacts;
    const dana = people.dana!;
    const away = [{ from: Date.UTC(2000, 0), to: Date.UTC(2100, 0), stand_in: PersonId.parse('dana') }];
    const kim = {
      ...dana,
      name: 'Kim',
      time_zone: 'UTC',
      accounts: { email: ['kim@corp.test'] },
      absences: away,
    };
    const next = { ...people, kim, dana: { ...dana, roles: roles.map((role) => RoleName.parse(role)) } };
    story.config = { ...story.config, contacts: { ...story.config.contacts, people: next } };
  }

  it('A4 decides nothing that names them by the word of somebody else it does not name', async () => {
    const { card } = await asked();
    onlyStandsInForKim();

    await story.sandbox.slack.press({
      user: DANA.slack,
      channel: GENERAL,
      ts: card.ts,
      actionId: button(card, /Approve/),
    });
    await story.told(DANA.slack, /You are not one of those who may decide this/);
    await story.quiet();

    expect(story.refunds(7)).toEqual([]);
    expect(await story.waiting()).toHaveLength(1);
  });

  it('A4 OM-124 lets nothing run again by it, though they run the gateway', async () => {
    const { thread, card } = await asked();
    story.sandbox.shop.fault('error-before');
    const press = (shown: SlackMessage, label: RegExp) =>
      story.sandbox.slack.press({
        user: DANA.slack,
        channel: GENERAL,
        ts: shown.ts,
        actionId: button(shown, label),
      });
    await press(card, /Approve/);
    const lost = await story.answer(thread, /nobody can tell whether it happened/);
    await story.answer(thread, /cannot say whether it was done/);
    const operating = Object.entries(story.config.authorizations.roles).find(
      ([, { permissions }]) => permissions.includes('operate') && !permissions.includes('approve'),
    );
    onlyStandsInForKim(operating ? [operating[0]] : []);
    await story.advance(HOUR);

    await press(lost, /Run it again/);
    await story.told(DANA.slack, /Only those who may decide this/);
    await story.quiet();

    expect(operating).toBeDefined();
    expect(story.refunds(7)).toEqual([]);
    expect(await story.app.approvals.pending(10)).toMatchObject([{ state: 'UNKNOWN' }]);
  });
});

describe('a yes that was taken back before it ran', () => {
  it('OM-124 A21 runs nothing, wherever it is taken back, and whoever asked hears of it', async () => {
    await begin();
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for/);
    const asked = await ticket();
    // While a person has the conversation, what was agreed to waits.
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    await story.dm(DANA.slack, `/approve ${asked}`);
    await story.told(DANA.slack, /Recorded/);
    await story.dm(DANA.slack, `/deny ${asked}`);
    await story.told(DANA.slack, /!undo apr_\S+` takes it back/);
    await story.dm(DANA.slack, `/undo ${asked}`);
    await story.told(DANA.slack, /Taken back before it ran by Dana Reyes/);
    await story.say(DANA.slack, thread, '!handback');
    await story.answer(thread, /handed this conversation back/);
    await story.quiet();

    expect(story.refunds(7)).toEqual([]);
    expect(JSON.stringify(story.sandbox.claude.requests.at(-1))).toMatch(/Taken back before it ran|revoked/);
  });
});
