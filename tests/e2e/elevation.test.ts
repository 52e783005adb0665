/** Messages that ask for what is kept back otherwise: who may, who agrees, for how long, and that nothing runs before. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { Rule } from '../../src/config/authorizations.ts';
import { Elevation, ToolAccess } from '../../src/config/tool-access.ts';
import type { MessagesRequest } from '../../src/sandbox/claude/messages-request.ts';
import { defer } from '../support/core.ts';
import { ALEX, BOT, button, DANA, GENERAL, Story } from '../support/story.ts';

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
  configure({ approvers: { role: 'manager' } });
});
afterEach(async () => {
  await story.end();
});

/** The shop's refunds are kept for elevated messages. */
function configure(elevation: z.input<typeof Elevation>, kept = ['refund']): void {
  const { authorizations } = story.config;
  story.config = {
    ...story.config,
    authorizations: {
      ...authorizations,
      tools: ToolAccess.parse({ elevated_only: kept }),
      elevation: Elevation.parse(elevation),
    },
  };
}

function toolsOf(request: MessagesRequest | undefined): string[] {
  return (request?.tools ?? []).map(({ name }) => name);
}

const requests = () => story.sandbox.claude.requests;

/** Alex asks, and Dana has it in front of her. */
async function asked(text: string): Promise<{ thread: string; ticket: string }> {
  const thread = await story.mention(text);
  await story.answer(thread, /Until somebody says yes I do nothing/);
  const [approval] = await story.open();
  return { thread, ticket: `${approval!.id}.${approval!.gen}` };
}

async function events(thread: string): Promise<{ event: string; detail?: unknown }[]> {
  const trace = await story.app.audit.trace(`slack:T0SANDBOX:${GENERAL}:${thread}`);
  return trace.map(({ event }) => event);
}

describe('OB-017 /elevated by somebody who may not lift it', () => {
  it('OB-017 C-12 asks for a yes first, runs nothing before it, and has what is kept back after it', async () => {
    const { thread, ticket } = await asked('/elevated refund order 7 by 20 EUR');
    await story.quiet();
    expect(requests()).toEqual([]);

    await story.mention(`/approve ${ticket}`, DANA.slack);

    await story.answer(thread, /refund|Refund|Done/);
    await story.quiet();
    expect(toolsOf(requests()[0])).toContain('refund');
    expect(JSON.stringify(requests()[0]!.messages)).toContain('refund order 7 by 20 EUR');
    expect(JSON.stringify(requests()[0]!.messages)).not.toContain('/elevated');
    const begun = (await events(thread)).filter(({ event }) => event === 'elevation.begun');
    expect(begun).toEqual([
      expect.objectContaining({
        actor: 'alex',
        detail: expect.objectContaining({ approval: ticket.split('.')[0], opens: ['refund'] }),
      }),
    ]);
  });

  it('OB-017 is handled after a yes, also where something else was stopped while it waited', async () => {
    const { thread, ticket } = await asked('/elevated refund order 7 by 20 EUR');
    await story.say(ALEX.slack, thread, '!stop');
    await story.quiet();

    await story.mention(`/approve ${ticket}`, DANA.slack);

    await story.answer(thread, /refunded 20/);
    expect(story.refunds(7)).toEqual([20]);
  });

  it('OB-017 asks a manager as shipped', async () => {
    await story.end();
    story = await Story.begin();
    const { authorizations } = story.config;
    const tools = ToolAccess.parse({ elevated_only: ['refund'] });
    story.config = { ...story.config, authorizations: { ...authorizations, tools } };

    await asked('/elevated what can you do?');

    const [approval] = await story.open();
    expect(approval).toMatchObject({
      request: { tool: 'elevate', requester: 'alex' },
      policy: { approvers: { role: 'manager' } },
    });
    expect(requests()).toEqual([]);
  });

  it.each([['/elevated'], ['/verbose /elevated']])(
    'OB-017 %s asks nobody about nothing: where no tool is kept back the message is handled as any other',
    async (directives) => {
      configure({ approvers: { role: 'manager' } }, []);

      const thread = await story.mention(`${directives} what can you do?`);

      await story.answer(thread, /nothing for `[!/]elevated` to lift/);
      await story.answer(thread, /Here is what I can do/);
      await story.quiet();
      expect(await story.open()).toEqual([]);
      expect(await events(thread)).not.toContainEqual(expect.objectContaining({ event: 'elevation.begun' }));
    },
  );

  it('OB-017 asks nobody about a message that is too long to be read, and says how long it may be', async () => {
    const thread = await story.mention(`/elevated ${'refund order 7. '.repeat(700)}`);

    await story.answer(thread, /too long for that: it has 11199 characters, and may have 10000/);
    await story.quiet();
    expect(await story.open()).toEqual([]);
    expect(requests()).toEqual([]);
  });

  it('OB-016 elevates that message alone', async () => {
    const { thread, ticket } = await asked('/elevated what can you do?');
    await story.mention(`/approve ${ticket}`, DANA.slack);
    await story.answer(thread, /Here is what I can do/);

    await story.say(ALEX.slack, thread, 'and now?');
    await story.quiet();

    expect(toolsOf(requests()[0])).toContain('refund');
    expect(toolsOf(requests().at(-1))).not.toContain('refund');
  });

  it('shows on the card the words, what they open and for how long', async () => {
    await asked('/elevated refund order 7 by 20 EUR');

    const card = await story.sandbox.slack.until((slack) =>
      slack
        .messages(GENERAL)
        .find(({ user, blocks }) => user === BOT.slack && /15 minutes/.test(JSON.stringify(blocks ?? []))),
    );
    const shown = JSON.stringify(card.blocks);
    expect(shown).toContain('refund order 7 by 20 EUR');
    expect(() => button(card, /Edit/)).toThrow();
  });

  it('is refused with a no: the author is told, and neither the model nor the transcript has any of it', async () => {
    const { thread, ticket } = await asked('/elevated refund order 7 by 20 EUR');

    await story.mention(`/deny ${ticket} not today`, DANA.slack);
    await story.answer(thread, /I did nothing with your message.*not today/s);
    await story.say(ALEX.slack, thread, 'what can you do?');
    await story.answer(thread, /Here is what I can do/);

    expect(JSON.stringify(requests())).not.toContain('order 7');
    expect(story.refunds(7)).toEqual([]);
  });

  it('expires without a word, and its author is told so', async () => {
    const { thread } = await asked('/elevated refund order 7 by 20 EUR');
    await story.seen();

    await story.advance(25 * 60 * 60_000);

    await story.answer(thread, /I did nothing with your message.*Expired/s);
    expect(requests()).toEqual([]);
  });

  it('shows other messages nothing of it while it waits', async () => {
    const { thread } = await asked('/elevated refund order 7 by 20 EUR');

    await story.say(ALEX.slack, thread, 'what can you do?');
    await story.answer(thread, /Here is what I can do/);

    expect(JSON.stringify(requests())).not.toContain('order 7');
  });

  it('cannot be agreed to by the one who wrote it, nor changed by who agrees', async () => {
    const { ticket } = await asked('/elevated refund order 7 by 20 EUR');

    await story.mention(`/approve ${ticket}`, ALEX.slack);
    await story.told(ALEX.slack, /asked for this yourself/);
    await story.mention(`/edit ${ticket} lastsMs=900000000`, DANA.slack);
    await story.quiet();

    expect(await story.open()).toHaveLength(1);
    expect(requests()).toEqual([]);
  });

  it('OB-017 is not asked again but by another message, so nobody puts other words into it', async () => {
    const { authorizations } = story.config;
    const [first] = authorizations.rules;
    const anything = Rule.parse({ name: 'anything', tool: '*', decision: 'allow' });
    story.config = {
      ...story.config,
      authorizations: { ...authorizations, rules: [first!, anything] },
    };
    const { thread, ticket } = await asked('/elevated what can you do?');
    await story.mention(`/deny ${ticket} not today`, DANA.slack);
    await story.answer(thread, /I did nothing with your message.*not today/s);

    await story.mention(`/reopen ${ticket}`, DANA.slack);

    await story.told(DANA.slack, /only a message asks for it/);
    expect(await story.open()).toEqual([]);
  });

  it('is refused where nobody is named who could agree', async () => {
    configure({});

    const thread = await story.mention('/elevated refund order 7 by 20 EUR');

    await story.answer(thread, /nobody is named here who could agree/);
    expect(await story.open()).toEqual([]);
    expect(requests()).toEqual([]);
    expect((await events(thread)).map(({ event }) => event)).toContain('authorization.deny');
  });

  it('takes a yes, a no and a question, and nothing in place of them', async () => {
    const { thread, ticket } = await asked('/elevated what can you do?');
    const [approval] = await story.open();
    expect(approval!.policy.choices).toEqual(['approve', 'deny', 'ask', 'take-back']);
    await story.mention(`/approve ${ticket}`, DANA.slack);

    await story.answer(thread, /Here is what I can do/);
  });
});

describe('OB-017 an elevated turn', () => {
  it('OB-017 is held by the rules all the same', async () => {
    const { thread, ticket } = await asked('/elevated refund order 7');
    await story.mention(`/approve ${ticket}`, DANA.slack);

    await story.answer(thread, /refund: order 7.*Waiting for role manager/s);

    expect((await story.open()).map(({ request }) => request.tool)).toEqual(['refund']);
    expect(story.refunds(7)).toEqual([]);
  });

  it('C-12 ends by time, also in the middle', async () => {
    let step = 0;
    const { promise: isOver, resolve: over } = defer();
    const end = story.sandbox.claude.script(() => {
      step++;
      if (step > 2) {
        over();
        return undefined;
      }
      if (step === 2) story.clock.move(16 * 60_000);
      const input = { order: 7, amount: step, currency: 'EUR', reason: 'late' };
      return { calls: [{ tool: 'refund', input }] };
    });
    configure({ approvers: { role: 'manager' }, lasts: '15m' });
    const { thread, ticket } = await asked('/elevated refund order 7 twice');
    await story.mention(`/approve ${ticket}`, DANA.slack);
    await isOver;
    end();
    await story.quiet();

    const refused = (await events(thread)).filter(({ event }) => event === 'authorization.deny');
    expect(JSON.stringify(refused)).toContain('kept for elevated messages');
    expect(story.refunds(7)).toEqual([1]);
  });
});

describe('OB-017 /elevated by somebody who may lift it', () => {
  function mayElevate(may: boolean): void {
    const { authorizations } = story.config;
    const { operator } = authorizations.roles;
    const permissions = operator!.permissions.filter((each) => each !== 'elevate');
    story.config = {
      ...story.config,
      authorizations: {
        ...authorizations,
        roles: {
          ...authorizations.roles,
          operator: { ...operator!, permissions: [...permissions, ...(may ? (['elevate'] as const) : [])] },
        },
      },
    };
  }

  it('OB-017 runs at once, and is on record', async () => {
    mayElevate(true);

    const thread = await story.mention('/elevated what can you do?', DANA.slack);
    await story.answer(thread, /Here is what I can do/);

    expect(toolsOf(requests()[0])).toContain('refund');
    expect(await events(thread)).toContainEqual(
      expect.objectContaining({
        event: 'elevation.begun',
        detail: expect.objectContaining({ rule: expect.stringContaining('permission elevate') }),
      }),
    );
  });

  it('loses it with the permission, at the next call', async () => {
    mayElevate(true);
    let step = 0;
    const end = story.sandbox.claude.script(() => {
      if (step++ > 0) return undefined;
      mayElevate(false);
      return { calls: [{ tool: 'refund', input: { order: 7, amount: 1 } }] };
    });

    const thread = await story.mention('/elevated refund order 7', DANA.slack);
    await story.answer(thread, /./);
    await story.quiet();
    end();

    expect(story.refunds(7)).toEqual([]);
    expect(toolsOf(requests().at(-1))).not.toContain('refund');
  });
});
