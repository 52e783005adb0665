/** Programs ask people through the API, in the whole product: real HTTP, real cards, a real store. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import {
  type ApiAnswer,
  aClient,
  anInbox,
  aRequest,
  beginApiStory,
  call,
  type Hook,
  HookReceiver,
  INBOX_TOKEN,
  isGenuine,
  SECRET,
  TOKEN,
  withClients,
} from '../support/api.ts';
import { button, DANA, type Story, textOf, withPerson } from '../support/story.ts';

const DANAS_DM = 'D0DANA';

let story: Story;
let hooks: HookReceiver;

beforeEach(async () => {
  hooks = new HookReceiver();
  const url = await hooks.open();
  story = await beginApiStory({ shop: aClient({ webhook: { url, secret: SECRET } }), inbox: anInbox() });
});
afterEach(async () => {
  await story.end();
  await hooks.close();
});

/** Dana presses a button on the card she got in her direct messages. */
async function danaPresses(label: RegExp, about = /refund_order: order 7/): Promise<void> {
  const { slack } = story.sandbox;
  const card = await slack.until((workspace) =>
    workspace.messages(DANAS_DM).findLast((each) => about.test(textOf(each)) && /Waiting/.test(textOf(each))),
  );
  await slack.press({ user: DANA.slack, channel: DANAS_DM, ts: card.ts, actionId: button(card, label) });
}

/** What Dana's card says now. */
function danasCard(pattern: RegExp): Promise<unknown> {
  return story.sandbox.slack.until((slack) =>
    slack.messages(DANAS_DM).find((each) => pattern.test(textOf(each))),
  );
}

async function asked(wish: Record<string, unknown> = {}): Promise<ApiAnswer['body']> {
  return (await call(story, 'POST', '/approvals', aRequest(wish))).body.approval;
}

/** The inbox says what somebody said. */
function says(person: string, choice: string, approval: ApiAnswer['body'], wish: object = {}) {
  const { id, gen, digest } = approval;
  return call(
    story,
    'POST',
    `/approvals/${id}/answers`,
    { person, choice, gen, digest, ...wish },
    { token: INBOX_TOKEN },
  );
}

describe('a program asks', () => {
  it('is answered by a person in Slack, and its wait ends with that', async () => {
    const created = await call(story, 'POST', '/approvals', aRequest());
    const waiting = call(story, 'GET', `/approvals/${created.body.approval.id}/wait?timeout=50`);
    await danaPresses(/Approve/);
    const waited = await waiting;
    await danasCard(/handed over to shop/);
    await story.quiet();

    expect(created).toMatchObject({
      status: 201,
      body: { code: 'CREATED', approval: { state: 'OPEN', outcome: null, client: 'shop' } },
    });
    expect(created.body.approval.id).toMatch(/^apr_p\d{1,2}_/);
    expect(waited).toMatchObject({
      status: 200,
      body: {
        code: 'SETTLED',
        approval: {
          outcome: 'approved',
          decision: { choice: 'approve', source: 'human', by: { person: 'dana' }, via: 'slack' },
        },
      },
    });
    const [hook, ...more] = await hooks.until(1);
    expect(more).toEqual([]);
    expect(hook!.genuine).toBe(true);
    expect(hook!.body).toMatchObject({
      type: 'approval.approved',
      data: { approvalId: created.body.approval.id, approval: { decision: { by: { person: 'dana' } } } },
    });
  });

  it('gets the same approval for the same key and body, and a refusal for another body', async () => {
    const [first, ...others] = await Promise.all(
      Array.from({ length: 8 }, () => call(story, 'POST', '/approvals', aRequest())),
    );
    const { idempotencyKey: _, ...body } = aRequest({ reversible: false });
    const headers = { 'idempotency-key': '"order-7"' };
    const again = await call(story, 'POST', '/approvals', body, { headers });
    const other = await call(story, 'POST', '/approvals', aRequest({ risk: 'low' }));
    await story.quiet();

    const statuses = [first!, ...others].map(({ status }) => status).toSorted();
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(again).toMatchObject({ status: 200, body: { code: 'DUPLICATE' } });
    expect(new Set([first!, ...others, again].map((each) => each.body.approval.id)).size).toBe(1);
    expect(other).toMatchObject({ status: 409, body: { code: 'OTHER_REQUEST' } });
    expect(other.headers.get('content-type')).toBe('application/problem+json');
    const cards = story.sandbox.slack.messages(DANAS_DM).filter((each) => /refund_order/.test(textOf(each)));
    expect(cards).toHaveLength(1);
    const opened = (await story.app.audit.tail(200)).filter(({ event }) => event.event === 'approval.opened');
    expect(opened).toHaveLength(1);
  });

  it('is told when nobody who may decide can be reached, and so is the log', async () => {
    const auditor = RoleName.parse('auditor');
    const { contacts, authorizations } = story.config;
    const ann = { ...contacts.people.dana!, name: 'Ann Audit', roles: [auditor], accounts: { cli: ['ann'] } };
    story.config = {
      ...story.config,
      contacts: { ...contacts, people: { ...contacts.people, ann } },
      authorizations: {
        ...authorizations,
        roles: { ...authorizations.roles, [auditor]: { permissions: ['approve'] } },
      },
    };
    const { settings } = story.config;
    const shop = settings.api.clients.shop!;
    story.config = withClients(story.config, {
      ...settings.api.clients,
      shop: { ...shop, asks: [{ role: auditor }] },
    });

    const created = await call(story, 'POST', '/approvals', aRequest({ approvers: { role: 'auditor' } }));
    const [notice] = await hooks.until(1);

    expect(created).toMatchObject({ status: 201, body: { code: 'CREATED', approval: { state: 'OPEN' } } });
    expect(created.body.sentence).toMatch(
      /Nobody has been asked yet.*and longer as long as nobody has seen it, until .* at the latest/s,
    );
    expect(notice!.body).toMatchObject({
      type: 'approval.notice',
      data: { approvalId: created.body.approval.id, notice: expect.stringContaining('Ann Audit') },
    });
  });

  it('is not told any more that somebody cannot be asked, once it has taken its request back', async () => {
    const auditor = RoleName.parse('auditor');
    const { contacts, authorizations, settings } = story.config;
    const ann = { ...contacts.people.dana!, name: 'Ann Audit', roles: [auditor], accounts: { cli: ['ann'] } };
    const roles = { ...authorizations.roles, [auditor]: { permissions: ['approve' as const] } };
    const shop = { ...settings.api.clients.shop!, asks: [{ role: auditor }] };
    story.config = withClients(
      {
        ...story.config,
        contacts: { ...contacts, people: { ...contacts.people, ann } },
        authorizations: { ...authorizations, roles },
      },
      { ...settings.api.clients, shop },
    );
    hooks.answers.push(500);
    const request = aRequest({ approvers: { role: 'auditor' } });
    const { id } = (await call(story, 'POST', '/approvals', request)).body.approval;
    await hooks.until(1);

    await call(story, 'POST', `/approvals/${id}/cancel`, { reason: 'no longer needed' });
    await story.advance(60_000);
    await hooks.until(2);
    await story.advance(60_000);
    await story.quiet();

    expect(hooks.heard.map(({ body }) => body.type)).toEqual(['approval.notice', 'approval.cancelled']);
  });

  it('may name no number that would be rounded: it is told where, and nothing is asked', async () => {
    const asked = (order: string) =>
      call(story, 'POST', '/approvals', undefined, {
        raw: JSON.stringify(aRequest({ args: { lines: [{ order: 'N' }] } })).replace('"N"', order),
      });

    const refused = await asked('9007199254740993');
    const endless = await asked('1e400');
    const precise = await asked('0.1234567890123456789');
    const exact = await asked('9007199254740991');

    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'MALFORMED', detail: expect.stringContaining('args.lines[0].order') },
    });
    expect(endless).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('args.lines[0].order') },
    });
    expect(precise).toMatchObject({
      status: 400,
      body: { code: 'MALFORMED', detail: expect.stringContaining('0.1234567890123456789') },
    });
    expect(exact).toMatchObject({
      status: 201,
      body: { approval: { args: { lines: [{ order: 9007199254740991 }] } } },
    });
  });

  it('may send nothing that could not be kept as it was sent: it is told where, and not to try again', async () => {
    const asked = (json: string) =>
      call(story, 'POST', '/approvals', undefined, {
        raw: JSON.stringify(aRequest({ args: { lines: [{ order: 'N' }] } })).replace('"N"', json),
      });

    const half = await asked('"\\ud800"');
    const deep = await asked(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`);

    const bytes = await call(story, 'POST', '/approvals', undefined, {
      raw: Uint8Array.from(Buffer.from(JSON.stringify(aRequest({ args: { a: '\u00ff' } })), 'latin1')),
    });

    expect(bytes).toMatchObject({
      status: 400,
      body: { code: 'MALFORMED', detail: expect.stringContaining('UTF-8') },
    });
    expect(half).toMatchObject({
      status: 400,
      body: { code: 'MALFORMED', errors: [{ at: '/args/lines/0/order' }] },
    });
    expect(deep).toMatchObject({
      status: 400,
      body: { code: 'MALFORMED', detail: expect.stringContaining('nested deeper than 32 levels') },
    });
  });

  it('may ask only those it is configured for, by the policies it is configured for', async () => {
    const refused = await Promise.all([
      call(story, 'POST', '/approvals', aRequest({ approvers: { role: 'operator' } })),
      call(
        story,
        'POST',
        '/approvals',
        aRequest({ approvers: { any: [{ role: 'manager' }, { person: 'alex' }] } }),
      ),
      call(story, 'POST', '/approvals', aRequest({ requester: 'dana' })),
      call(story, 'POST', '/approvals', aRequest({ policy: 'urgent' })),
      call(story, 'POST', '/approvals', aRequest({ approvers: undefined, rule: 'toString' })),
      call(story, 'POST', '/approvals', aRequest({ approvers: { role: 'manager', count: 2 } })),
    ]);

    expect(refused.map(({ status, body }) => [status, body.code])).toEqual([
      [403, 'NOT_ALLOWED'],
      [403, 'NOT_ALLOWED'],
      [403, 'NOT_ALLOWED'],
      [422, 'UNKNOWN_POLICY'],
      [422, 'UNKNOWN_RULE'],
      [422, 'UNSATISFIABLE'],
    ]);
    for (const { body } of refused) expect(body.remedy).not.toBe('');
    expect(await story.open()).toEqual([]);
    const denied = (await story.app.audit.tail(100)).filter(
      ({ event }) => event.event === 'authorization.deny',
    );
    expect(denied.map(({ event }) => event.detail?.rule).toSorted()).toEqual(
      refused.map(({ body }) => body.code).toSorted(),
    );
  });

  it('may not ask those who have no account from which the policy takes a yes', async () => {
    const { escalation } = story.config;
    const policies = Object.entries(escalation.policies).map(([name, policy]) => [
      name,
      { ...policy, approve_from: [Platform.parse('jira')] },
    ]);
    const { jira: _, ...accounts } = story.config.contacts.people.dana!.accounts;
    story.config = {
      ...withPerson(story.config, 'dana', { accounts }),
      escalation: { ...escalation, policies: Object.fromEntries(policies) },
    };

    const refused = await call(story, 'POST', '/approvals', aRequest());

    expect(refused).toMatchObject({ status: 422, body: { code: 'UNSATISFIABLE' } });
    expect(refused.body.detail).toContain('a yes is taken in Jira only');
    expect(await story.open()).toEqual([]);
  });

  it('shows facts in the order they were sent, whatever they are called', async () => {
    const facts = ['first', '10', '2'].map((label) => ({ label, value: `of ${label}` }));

    const shown = await asked({ tool: undefined, title: 'Pay all', args: undefined, facts });

    expect(shown.facts).toEqual(facts);
    expect(textOf((await danasCard(/Pay all/)) as Parameters<typeof textOf>[0])).toMatch(
      /first.*of first.*10.*of 10.*2.*of 2/s,
    );
  });

  it('shows nothing that cannot be seen, and no markup of its own', async () => {
    const hidden = await call(
      story,
      'POST',
      '/approvals',
      aRequest({ tool: undefined, title: 'pay \u202e007' }),
    );
    const lines = await call(story, 'POST', '/approvals', aRequest({ tool: undefined, title: 'pay\nnow' }));
    const shown = await asked({ tool: undefined, title: 'Pay *now* <@U0ALEX>', args: { to: 'a\u200bb' } });

    expect([hidden.status, lines.status]).toEqual([400, 400]);
    expect(hidden.body.errors).toEqual([{ at: '/title', problem: expect.stringContaining('can be seen') }]);
    expect(shown.facts).toEqual([{ label: 'to', value: 'a⟨U+200B⟩b' }]);
    const card = textOf((await danasCard(/Pay/)) as Parameters<typeof textOf>[0]);
    expect(card).toContain('Approval needed: Pay *now* &lt;@U0ALEX&gt;');
    expect(card).toContain('{"type":"plain_text","text":"Pay *now* <@U0ALEX>');
  });

  it('hears a no with its reason, and takes back what is no longer needed', async () => {
    const denied = await asked();
    const cancelled = await asked({ idempotencyKey: 'order-8', args: { order: 8 } });
    await says('dana', 'deny', denied, { text: 'that order was never paid' });
    const taken = await call(story, 'POST', `/approvals/${cancelled.id}/cancel`, {
      reason: 'the customer kept it',
    });
    const again = await call(story, 'POST', `/approvals/${cancelled.id}/cancel`);

    const heard = await hooks.until(2);
    expect(heard.map(({ body }) => body.type).toSorted()).toEqual(['approval.cancelled', 'approval.denied']);
    expect(taken).toMatchObject({ status: 200, body: { code: 'DONE', approval: { outcome: 'cancelled' } } });
    expect(again).toMatchObject({ status: 409, body: { code: 'ALREADY' } });
    await danasCard(/Withdrawn by shop \(a program\) over the API.*the customer kept it/);
    const read = await call(story, 'GET', `/approvals/${denied.id}`);
    expect(read.body).toMatchObject({
      outcome: 'denied',
      decision: { text: 'that order was never paid', via: 'api', by: { person: 'dana' } },
    });
  });

  it('hears that nobody answered in time, which is nobody’s no', async () => {
    const { id } = await asked();
    await story.advance(25 * 60 * 60_000);
    await story.advance(25 * 60 * 60_000);

    expect((await hooks.until(1))[0]!.body.type).toBe('approval.expired');
    expect((await call(story, 'GET', `/approvals/${id}`)).body).toMatchObject({
      outcome: 'expired',
      decision: null,
    });
  });

  it('is asked back, hears so, and replies', async () => {
    const approval = await asked();
    await says('dana', 'ask', approval, { text: 'which parcel?' });
    const [hook] = await hooks.until(1);
    const replied = await call(story, 'POST', `/approvals/${approval.id}/replies`, { text: 'the small one' });

    expect(hook!.body).toMatchObject({
      type: 'approval.needs_info',
      data: { approval: { talk: [{ kind: 'question', person: 'dana', text: 'which parcel?' }] } },
    });
    expect(replied).toMatchObject({ status: 200, body: { code: 'RECORDED', approval: { state: 'OPEN' } } });
    expect(replied.body.approval.talk.at(-1)).toMatchObject({ kind: 'reply', text: 'the small one' });
  });
});

describe('answers that a program records', () => {
  it('count like everywhere: for those who may decide, and for what they were shown', async () => {
    const approval = await asked({ requester: 'alex' });
    const byRequester = await says('alex', 'approve', approval);
    const stale = await says('dana', 'approve', { ...approval, gen: 2 });
    const other = await says('dana', 'approve', { ...approval, digest: 'of something else' });
    const unknown = await says('nobody', 'approve', approval);
    const yes = await says('dana', 'approve', approval, { idempotencyKey: 'click-1' });
    const twice = await says('dana', 'approve', approval, { idempotencyKey: 'click-1' });
    const late = await says('dana', 'deny', approval, { idempotencyKey: 'click-2' });

    expect([byRequester, stale, other, unknown].map(({ status, body }) => [status, body.code])).toEqual([
      [403, 'NOT_ELIGIBLE'],
      [409, 'STALE_CARD'],
      [409, 'CONTENT_CHANGED'],
      [403, 'NOT_ALLOWED'],
    ]);
    expect(byRequester.body.detail).toMatch(/^Said to Alex Kim: You asked for this yourself/);
    expect(yes).toMatchObject({ status: 200, body: { code: 'DECIDED', approval: { state: 'APPROVED' } } });
    expect(twice).toMatchObject({ status: 200, body: { code: 'REPLAY' } });
    expect(late).toMatchObject({ status: 409, body: { code: 'ALREADY' } });
    const entries = await story.app.audit.about(approval.id, Number(/p(\d+)/.exec(approval.id)![1]));
    expect(entries.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({
        event: 'answer.received',
        actor: 'dana',
        channel: 'api',
        detail: expect.objectContaining({
          key: 'main',
          client: 'inbox',
          result: 'DECIDED',
          rule: expect.any(String),
        }),
      }),
    );
  });

  it('OM-124 count no more once the program may speak for them no more, and it says so', async () => {
    const manager = RoleName.parse('manager');
    story.config = withPerson(story.config, 'alex', { roles: [manager] });
    const approval = await asked({ approvers: { role: 'manager', count: 2 } });
    const first = await says('alex', 'approve', approval);

    const { clients } = story.config.settings.api;
    story.config = withClients(story.config, { ...clients, inbox: anInbox({ answers_for: ['dana'] }) });
    const second = await says('dana', 'approve', approval);

    expect([first.body.code, second.body.code]).toEqual(['RECORDED', 'RECORDED']);
    expect(second.body.approval.state).toBe('OPEN');
    await danasCard(
      /The yes of Alex Kim no longer counts: the program that passed it on does not speak for them any more/,
    );

    story.config = withClients(story.config, clients);
    expect((await says('alex', 'approve', approval)).body.code).toBe('DECIDED');
  });

  it('are one under one key: the same again changes nothing, another one is refused, a refused one frees it', async () => {
    const approval = await asked({ requester: 'alex' });
    const other = await asked({ requester: 'alex', idempotencyKey: 'order-8', args: { order: 8 } });
    const key = { idempotencyKey: 'click' };
    const refused = await says('dana', 'approve', { ...approval, digest: 'of something else' }, key);
    const yes = await says('dana', 'approve', approval, key);
    const same = await says('dana', 'approve', approval, key);
    const no = await says('dana', 'deny', approval, key);
    const elsewhere = await says('dana', 'deny', other, key);
    const back = await says('dana', 'take-back', approval, { idempotencyKey: 'click-2' });
    const after = await says('dana', 'approve', approval, key);

    expect([refused, yes, same, no, elsewhere, after].map(({ status, body }) => [status, body.code])).toEqual(
      [
        [409, 'CONTENT_CHANGED'],
        [200, 'DECIDED'],
        [200, 'REPLAY'],
        [409, 'OTHER_REQUEST'],
        [200, 'DECIDED'],
        [200, 'REPLAY'],
      ],
    );
    expect(same.body.sentence).toContain('said before (DECIDED)');
    expect(no.body.detail).toContain('other words');
    expect(back.status).toBe(409); // a yes without a permit is handed over at once
    const { body } = await call(story, 'GET', `/approvals/${approval.id}`);
    expect(body).toMatchObject({ outcome: 'approved' });
    const denied = await call(story, 'GET', `/approvals/${other.id}`);
    expect(denied.body).toMatchObject({ outcome: 'denied' });
  });

  it('wait for the reply to a question of somebody else, and a program is told so', async () => {
    const roles = ['member', 'manager'].map((role) => RoleName.parse(role));
    story.config = withPerson(story.config, 'alex', { roles });
    const options = ['small', 'large'].map((id) => ({ id, label: `the ${id} one` }));
    const approval = await asked({ options });
    await says('dana', 'ask', approval, { text: 'which parcel?' });
    const early = await says('alex', 'approve', approval);
    const nothing = await says('alex', 'take-back', approval);
    const other = await says('alex', 'answer', approval, { text: 'neither' });
    await call(story, 'POST', `/approvals/${approval.id}/replies`, { text: 'the small one' });
    const yes = await says('alex', 'approve', approval);

    expect(early).toMatchObject({
      status: 422,
      body: {
        code: 'INVALID',
        detail: expect.stringContaining('has asked a question that nobody has answered yet'),
        remedy: expect.stringContaining('A question is open'),
      },
    });
    // What no reply would make count is no matter of the question.
    for (const refused of [nothing, other]) {
      expect(refused).toMatchObject({
        status: 422,
        body: { code: 'INVALID', remedy: expect.stringContaining('Read the approval again') },
      });
    }
    expect(yes.status).toBe(200);
  });

  it('and replies under one key are told apart, too', async () => {
    const approval = await asked();
    await says('dana', 'ask', approval, { text: 'which parcel?' });
    const path = `/approvals/${approval.id}/replies`;
    const early = { text: 'the small one', idempotencyKey: 'r1' };
    const first = await call(story, 'POST', path, early);
    const again = await call(story, 'POST', path, early);
    const otherwise = await call(story, 'POST', path, { ...early, text: 'the large one' });

    expect([first, again, otherwise].map(({ status, body }) => [status, body.code])).toEqual([
      [200, 'RECORDED'],
      [200, 'REPLAY'],
      [409, 'OTHER_REQUEST'],
    ]);
  });

  it('are refused of a program about what it asked itself, unless it is configured to', async () => {
    const answer = async (own: boolean): Promise<ApiAnswer> => {
      const shop = aClient({ answers_for: ['dana'], answers_own: own });
      story.config = withClients(story.config, { shop });
      const approval = await asked({ idempotencyKey: `own-${own}`, requester: 'alex' });
      const { id, gen, digest } = approval;
      const said = { person: 'dana', choice: 'approve', gen, digest };
      return call(story, 'POST', `/approvals/${id}/answers`, said);
    };

    const refused = await answer(false);
    const taken = await answer(true);

    expect(refused).toMatchObject({
      status: 403,
      body: { code: 'NOT_ELIGIBLE', approval: { state: 'OPEN' } },
    });
    expect(refused.body.detail).toMatch(/^You asked for this yourself/);
    expect(taken).toMatchObject({ status: 200, body: { code: 'DECIDED' } });
  });

  it('reach what the agent asked, where the program sees all', async () => {
    await story.mention('refund order 7');
    const [approval] = await waitForOpen();
    const { id, gen, digest } = approval!;
    const unseen = await call(story, 'GET', `/approvals/${id}`);
    const listed = await call(story, 'GET', '/approvals?client=agent', undefined, { token: INBOX_TOKEN });
    const hidden = await call(story, 'GET', '/approvals?client=agent');
    const yes = await says('dana', 'approve', { id, gen, digest });
    const cancelled = await call(story, 'POST', `/approvals/${id}/cancel`);

    expect(unseen).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(cancelled.status).toBe(404);
    expect(listed.body.approvals).toMatchObject([
      { id, title: expect.stringContaining('refund'), client: null },
    ]);
    expect(hidden.status).toBe(403);
    expect(yes).toMatchObject({ status: 200, body: { code: 'DECIDED', approval: { client: null } } });
  });
});

describe('what the agent asked', () => {
  it('says when it runs, read alone or in the list, while a person has its conversation', async () => {
    const thread = await story.mention('refund order 7');
    const [approval] = await waitForOpen();
    await story.say(DANA.slack, thread, '!takeover');
    await story.answer(thread, /Dana Reyes has taken over/);
    const { id, gen, digest } = approval!;
    const yes = await says('dana', 'approve', { id, gen, digest });
    const read = await call(story, 'GET', `/approvals/${id}`, undefined, { token: INBOX_TOKEN });
    const listed = await call(story, 'GET', '/approvals?client=agent', undefined, { token: INBOX_TOKEN });
    const late = await says('dana', 'deny', { id, gen, digest });

    const [one] = listed.body.approvals;
    for (const view of [yes.body.approval, read.body, one, late.body.approval]) {
      expect(view).toMatchObject({
        state: 'APPROVED',
        sentence: expect.stringContaining('It has not run yet: Dana Reyes has the conversation'),
      });
    }
  });

  it('is listed page by page, newest first, each once', async () => {
    const shop = aClient();
    story.config = withClients(story.config, { shop, inbox: anInbox() });
    for (const order of [3, 7, 9])
      await story.answer(await story.mention(`deploy s${order} to production`), /Waiting for/);
    const page = (query: string) =>
      call(story, 'GET', `/approvals?client=agent&limit=2${query}`, undefined, { token: INBOX_TOKEN });

    const first = await page('');
    const second = await page(`&cursor=${first.body.next}`);

    expect(first.body.approvals.map(serviceOf)).toEqual(['s9', 's7']);
    expect(second.body).toMatchObject({ approvals: [{ args: { service: 's3' } }], next: null });
  });
});

function serviceOf({ args }: { args: { service: string } }): string {
  return args.service;
}

async function waitForOpen() {
  await story.quiet();
  return story.open();
}

describe('the permit to act on a yes', () => {
  it('is granted once, for exactly what was approved, and its report is recorded once', async () => {
    const approval = await asked({ permit: true });
    const { id, digest } = approval;
    const tooEarly = await call(story, 'POST', `/approvals/${id}/claim`, { digest });
    await says('dana', 'approve', approval);
    const mismatch = await call(story, 'POST', `/approvals/${id}/claim`, { digest: 'something else' });
    const claims = await Promise.all(
      ['a', 'b', 'a'].map((attempt) => call(story, 'POST', `/approvals/${id}/claim`, { digest, attempt })),
    );
    const granted = claims.find(({ status }) => status === 200)!;
    const { epoch } = granted.body.permit;
    const renewed = await call(story, 'POST', `/approvals/${id}/renew`, { epoch });
    const report = { epoch, status: 'ok', text: 'refund 4711 is made' };
    const fenced = await call(story, 'POST', `/approvals/${id}/complete`, { ...report, epoch: epoch + 1 });
    const done = await call(story, 'POST', `/approvals/${id}/complete`, report);
    const again = await call(story, 'POST', `/approvals/${id}/complete`, report);

    expect(tooEarly).toMatchObject({ status: 409, body: { code: 'REFUSED' } });
    expect(mismatch).toMatchObject({ status: 409, body: { code: 'MISMATCH' } });
    // Whoever repeats their own claim is told the same; nobody else gets one.
    const codes = claims.map(({ body }) => body.code);
    expect(codes[0]).toBe(codes[2]);
    expect(codes.toSorted()).toEqual(
      codes[0] === 'GRANTED' ? ['GRANTED', 'GRANTED', 'HELD'] : ['GRANTED', 'HELD', 'HELD'],
    );
    expect(renewed).toMatchObject({ status: 200, body: { code: 'RENEWED' } });
    expect(fenced).toMatchObject({ status: 409, body: { code: 'FENCED' } });
    expect(done).toMatchObject({ body: { code: 'RECORDED', approval: { state: 'EXECUTED' } } });
    expect(again).toMatchObject({ status: 200, body: { code: 'REPLAY' } });
    await danasCard(/Done: refund 4711 is made/);
    const heard = await hooks.until(2);
    expect(heard.map(({ body }) => body.type)).toEqual(['approval.approved', 'approval.executed']);
  });

  it('A10 is granted for nothing else under the same attempt', async () => {
    const approval = await asked({ permit: true });
    const { id, digest } = approval;
    await says('dana', 'approve', approval);
    const claim = (body: object) => call(story, 'POST', `/approvals/${id}/claim`, { attempt: 't1', ...body });

    const granted = await claim({ digest });
    const other = await claim({ digest: 'something else' });
    const again = await claim({ digest });

    expect([granted, other, again].map(({ status, body }) => [status, body.code])).toEqual([
      [200, 'GRANTED'],
      [409, 'MISMATCH'],
      [200, 'GRANTED'],
    ]);
  });

  it('takes the word that nobody can tell twice, and one report behind its time, with the name of the key', async () => {
    const approval = await asked({ permit: true });
    const { id, digest } = approval;
    await says('dana', 'approve', approval);
    const { epoch } = (await call(story, 'POST', `/approvals/${id}/claim`, { digest })).body.permit;
    const report = async (status: string, text: string) =>
      (await call(story, 'POST', `/approvals/${id}/complete`, { epoch, status, text })).body.code;
    await call(story, 'POST', `/approvals/${id}/renew`, { epoch });

    expect(await report('unknown', 'the line went dead')).toBe('RECORDED');
    expect(await report('unknown', 'the line went dead')).toBe('REPLAY');
    expect(await report('ok', 'it is made')).toBe('LATE');
    expect(await report('ok', 'it is made')).toBe('LATE');
    expect(await report('error', 'it is not made')).toBe('FENCED');
    const trail = await story.app.audit.tail(200);
    expect(trail.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({
        event: 'api.renew',
        subject: id,
        detail: expect.objectContaining({ key: 'main', result: 'RENEWED' }),
      }),
    );
  });

  it('that nobody reported on is found out about by those who run the gateway, and told to the program', async () => {
    const roles = ['member', 'operator'].map((role) => RoleName.parse(role));
    story.config = withPerson(story.config, 'alex', { roles, prefers: [Platform.parse('slack')] });
    const approval = await asked({ permit: true });
    const { id, digest } = approval;
    await says('dana', 'approve', approval);
    await call(story, 'POST', `/approvals/${id}/claim`, { digest });
    await story.advance(120_000);

    const heard = await hooks.until(2);
    expect(heard.map(({ body }) => body.type)).toEqual(['approval.approved', 'approval.unknown']);
    await story.sandbox.slack.until((slack) =>
      slack.messages('D0ALEX').find((each) => /nobody can tell whether it happened/.test(textOf(each))),
    );
  });

  it('is refused where none was asked for', async () => {
    const { id, digest } = await asked();

    const refused = await call(story, 'POST', `/approvals/${id}/claim`, { digest });

    expect(refused).toMatchObject({ status: 409, body: { code: 'NO_PERMIT' } });
  });
});

describe('webhooks', () => {
  it('come again after a 500 and after a redirect, with the same id and body', async () => {
    hooks.answers.push(500, 302);
    await says('dana', 'deny', await asked());
    await hooks.until(1);
    await story.advance(60_000);
    await hooks.until(2);
    await story.advance(60_000);
    await hooks.until(3);
    await story.quiet();

    expect(new Set(hooks.heard.map(({ id }) => id)).size).toBe(1);
    expect(new Set(hooks.heard.map(({ raw }) => raw)).size).toBe(1);
    expect(hooks.strayed).toBe(0);
    const sent = (await story.app.audit.tail(100)).filter(({ event }) => event.event === 'webhook.sent');
    expect(sent).toHaveLength(1);
  });

  it('tell no yes that was taken back before it was handed over, and neither do a wait and a stream', async () => {
    hooks.answers.push(500);
    const approval = await asked();
    const path = `/approvals/${approval.id}/wait`;
    await says('dana', 'ask', approval, { text: 'which parcel?' });
    await hooks.until(1);
    await call(story, 'POST', `/approvals/${approval.id}/replies`, { text: 'the small one' });
    const { body } = await call(story, 'GET', `/approvals/${approval.id}`);
    const yes = await says('dana', 'approve', body);
    const waited = await call(story, 'GET', `${path}?timeout=0`);
    const stream = await fetch(`${story.app.listener.url}/api/v1${path}`, {
      headers: { authorization: `Bearer ${TOKEN}`, accept: 'text/event-stream' },
    });
    const back = await says('dana', 'take-back', body);
    const told = await stream.text();
    await story.advance(60_000);
    await hooks.until(3);
    await story.quiet();

    expect(yes.body.approval).toMatchObject({ state: 'APPROVED', outcome: null });
    expect(waited.body).toMatchObject({ code: 'WAITING', approval: { state: 'APPROVED', outcome: null } });
    expect(back.body.approval).toMatchObject({ state: 'REVOKED', outcome: 'revoked' });
    expect(told).not.toContain('"outcome":"approved"');
    expect(told).toContain('"outcome":"revoked"');
    expect(hooks.heard.map((hook) => hook.body.type)).toEqual([
      'approval.needs_info',
      'approval.needs_info',
      'approval.revoked',
    ]);
  });

  it('tell a yes as the outcome, and the same again, once it was handed over', async () => {
    hooks.answers.push(500);
    const { id } = await asked();
    await danaPresses(/Approve/);
    await hooks.until(1);
    const waited = await call(story, 'GET', `/approvals/${id}/wait?timeout=50&until=ended`);
    await story.advance(60_000);
    const [first, second] = await hooks.until(2);

    expect(waited.body).toMatchObject({ code: 'SETTLED', approval: { state: 'EXECUTED' } });
    expect(first!.body).toMatchObject({
      type: 'approval.approved',
      data: { approval: { state: 'APPROVED', outcome: 'approved' } },
    });
    expect(second!.raw).toBe(first!.raw);
  });

  it('are told from forged ones by any client, also while it changes over to another secret', async () => {
    const next = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    const { shop } = story.config.settings.api.clients;
    const webhook = { ...shop!.webhook, secret: next, former_secret: SECRET };
    story.config = withClients(story.config, { shop: { ...shop!, webhook }, inbox: anInbox() });
    await says('dana', 'deny', await asked());

    const [{ raw, headers }] = (await hooks.until(1)) as [Hook];
    expect([SECRET, next].map((secret) => isGenuine(raw, headers, secret))).toEqual([true, true]);
    const forged = raw.replace('denied', 'approved');
    expect(forged).not.toBe(raw);
    expect(isGenuine(forged, headers)).toBe(false);
    expect(isGenuine(raw, { ...headers, 'webhook-id': 'another' })).toBe(false);
    expect(isGenuine(raw, { ...headers, 'webhook-timestamp': '1000000000' })).toBe(false);
  });

  it('survive a restart of the gateway', async () => {
    hooks.answers.push(503);
    await says('dana', 'deny', await asked());
    await hooks.until(1);
    await story.restart();
    await story.advance(60_000);

    const heard = await hooks.until(2);
    expect(heard[1]!.id).toBe(heard[0]!.id);
  });

  it('that nobody takes for a day go to the dead letters, after minutes of tries even where they are sent so late', async () => {
    const tries = 10; // 1 s, 2 s, 4 s … of pauses come to 5 min
    hooks.answers.push(...Array.from({ length: tries }, () => 500));
    story.clock.move(25 * 60 * 60_000);
    await says('dana', 'deny', await asked());
    for (let n = 1; n < tries; n++) {
      await hooks.until(n);
      expect(await story.app.deadLetters.list()).toEqual([]);
      await story.advance(10 * 60_000);
    }
    await hooks.until(tries);
    await story.quiet();

    const [letter] = await story.app.deadLetters.list();
    expect(letter).toMatchObject({ queue: 'o.api', reason: 'it was answered with 500' });
  });

  it('whose endpoint is gone go to the dead letters at once', async () => {
    hooks.answers.push(410);
    await says('dana', 'deny', await asked());
    await hooks.until(1);
    await story.quiet();

    expect(await story.app.deadLetters.list()).toHaveLength(1);
  });
});

describe('a program that was taken out of the configuration', () => {
  it('is handed no yes: whoever agreed hears so, and the word of it waits as a dead letter', async () => {
    const { shop } = story.config.settings.api.clients;
    const { id } = await asked();
    story.config = withClients(story.config, { inbox: anInbox() });

    await danaPresses(/Approve/);
    await danasCard(/Taken back before it ran: shop is no client of this gateway any more/);
    await story.quiet();

    const { body } = await call(story, 'GET', `/approvals/${id}`, undefined, { token: INBOX_TOKEN });
    expect(body).toMatchObject({ state: 'REVOKED', outcome: 'revoked' });
    expect(hooks.heard).toEqual([]);
    const [letter, ...more] = await story.app.deadLetters.list();
    expect(letter).toMatchObject({ queue: 'o.api', reason: expect.stringContaining('shop is no client') });
    expect(more).toEqual([]);

    // Put back, it hears what became of it.
    story.config = withClients(story.config, { shop: shop!, inbox: anInbox() });
    await story.app.deadLetters.retry(letter!.id, 'dana');
    const [hook] = await hooks.until(1);
    expect(hook!.body).toMatchObject({ type: 'approval.revoked', data: { approvalId: id } });
  });
});

describe('who waits', () => {
  it('is answered when the gateway stops, by a wait and by a stream', async () => {
    const { id } = await asked();
    const waiting = call(story, 'GET', `/approvals/${id}/wait?timeout=50`);
    const headers = { authorization: `Bearer ${INBOX_TOKEN}`, accept: 'text/event-stream' };
    const stream = await fetch(`${story.app.listener.url}/api/v1/approvals/${id}/wait`, { headers });
    await story.restart();

    expect(await waiting).toMatchObject({
      status: 200,
      body: { code: 'WAITING', approval: { state: 'OPEN' } },
    });
    expect(await stream.text()).toMatch(/^event: approval\n/);
    expect((await call(story, 'GET', `/approvals/${id}/wait?timeout=0`)).body.code).toBe('WAITING');
  });

  it('hears of any change where it asks for that', async () => {
    const approval = await asked();
    const waiting = call(story, 'GET', `/approvals/${approval.id}/wait?timeout=50&after=1000`);
    const hasty = await call(story, 'GET', `/approvals/${approval.id}/wait?timeout=50&after=0`);
    await says('dana', 'deny', approval);

    expect(hasty.body.code).toBe('CHANGED');
    expect((await waiting).body).toMatchObject({ code: 'SETTLED', approval: { outcome: 'denied' } });
  });

  it.each([
    ['is taken away', 401, 'UNAUTHORIZED'],
    ['may not read any more', 403, 'WRONG_SCOPE'],
  ])('is told nothing more once its key %s, neither in a wait nor in a stream', async (how, status, code) => {
    const { id, gen, digest } = await asked();
    const wish = {
      name: 'ci',
      client: 'shop',
      scopes: ['approvals:read' as const],
      createdMs: 1,
      createdBy: 'dana',
    };
    const stored = await story.app.apiKeys.create(wish);
    const token = status === 401 ? stored.token : TOKEN;
    const path = `/approvals/${id}/wait`;
    const waiting = call(story, 'GET', `${path}?timeout=50`, undefined, { token });
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
    const stream = await fetch(`${story.app.listener.url}/api/v1${path}`, { headers });

    if (status === 401) await story.app.apiKeys.revoke(stored.key.id);
    else {
      const shop = aClient({ keys: { main: { token: TOKEN, scopes: ['approvals:cancel'] } } });
      const { inbox } = story.config.settings.api.clients;
      story.config = withClients(story.config, { shop, inbox: inbox! });
    }
    const text = await stream.text();
    const refused = await waiting;
    const yes = await says('dana', 'approve', { id, gen, digest });

    expect(refused, how).toMatchObject({ status, body: { code } });
    expect(text).toMatch(/^event: approval\n/);
    expect(text).not.toContain(code);
    expect(yes.status).toBe(200);
  });

  it('is told what it may not see, before any stream begins', async () => {
    const headers = { accept: 'text/event-stream' };

    const nowhere = await call(story, 'GET', '/approvals/apr_p3_0123456789ab/wait', undefined, { headers });

    expect(nowhere).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });
});

describe('a stream of events', () => {
  it('tells how it stands, anew whenever that has changed, and ends with the answer', async () => {
    const { id, gen, digest } = await asked();
    const { url } = story.app.listener;
    const headers = { authorization: `Bearer ${INBOX_TOKEN}`, accept: 'text/event-stream' };
    const response = await fetch(`${url}/api/v1/approvals/${id}/wait`, { headers });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value ?? '';
    await says('dana', 'approve', { id, gen, digest });
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;

    const events = text
      .trim()
      .split('\n\n')
      .map((each) => JSON.parse(/^data: (.*)$/m.exec(each)![1]!));
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(events[0]).toMatchObject({ state: 'OPEN' });
    const revs: number[] = events.map(({ rev }) => rev);
    expect(revs).toEqual([...new Set(revs)].toSorted((a, b) => a - b));
    expect(events.at(-1)).toMatchObject({ outcome: 'approved' });
  });
});

describe('what programs see', () => {
  it('is hidden by no record that cannot be read', async () => {
    const broken = await asked({ idempotencyKey: 'k1' });
    const whole = await asked({ idempotencyKey: 'k2' });
    const [key] = await story.redis.keys(`*:apr:${broken.id}`);
    await story.redis.set(key!, 'no record');

    const { status, body } = await call(story, 'GET', '/approvals');

    expect([status, body.approvals.map(({ id }: { id: string }) => id)]).toEqual([200, [whole.id]]);
  });

  it.each([
    ['a bad per cent sign', '/approvals/%zz'],
    ['an id nothing could have', `/approvals/${'a'.repeat(300)}`],
  ])('is a problem, in the words of the product, at an address with %s', async (_what, path) => {
    const { status, headers, body } = await call(story, 'GET', path);

    expect([status, headers.get('content-type'), body.code]).toEqual([
      404,
      expect.stringContaining('application/problem+json'),
      'NOT_FOUND',
    ]);
  });

  it('says that a header does not fit, not the body', async () => {
    const { idempotencyKey: _, ...body } = aRequest();
    const refused = await call(story, 'POST', '/approvals', body, { headers: { 'idempotency-key': 'a b' } });

    expect(refused).toMatchObject({ status: 400, body: { code: 'MALFORMED' } });
    expect(refused.body.detail).toMatch(/^The header Idempotency-Key is 1 to 200 printable ASCII characters/);
  });

  it('is what they asked, page by page, by state and by client', async () => {
    const ids: string[] = [];
    for (let n = 1; n <= 5; n++)
      ids.unshift((await asked({ idempotencyKey: `k${n}`, args: { order: n } })).id);
    await call(story, 'POST', `/approvals/${ids[2]}/cancel`);
    const list = async (query: string, token?: string) =>
      (await call(story, 'GET', `/approvals?${query}`, undefined, { token })).body;

    const first = await list('limit=2');
    const second = await list(`limit=2&cursor=${first.next}`);
    const third = await list(`limit=2&cursor=${second.next}`);
    const open = await list('state=OPEN,NEEDS_INFO&limit=100');
    const elsewhere = await list('client=*', INBOX_TOKEN);
    const own = await list('', INBOX_TOKEN);
    const foreign = await call(story, 'GET', '/approvals?client=inbox');
    const wrong = await call(story, 'GET', '/approvals?cursor=nonsense');

    const idsOf = (page: { approvals: { id: string }[] }) => page.approvals.map(({ id }) => id);
    expect([first, second, third].flatMap(idsOf)).toEqual(ids);
    expect(third.next).toBeNull();
    expect(idsOf(open)).toEqual(ids.filter((_, n) => n !== 2));
    expect(idsOf(elsewhere)).toEqual(ids);
    expect(idsOf(own)).toEqual([]);
    expect(foreign).toMatchObject({ status: 403, body: { code: 'NOT_ALLOWED' } });
    expect(wrong).toMatchObject({ status: 400, body: { code: 'MALFORMED' } });
  });
});

describe('the door', () => {
  it('lets nobody in without a key, and no key do what it is not for', async () => {
    const { id, digest } = await asked();
    const nobody = await call(story, 'POST', '/approvals', aRequest(), { token: 'x'.repeat(40) });
    const wrongScope = await Promise.all([
      call(story, 'POST', '/approvals', aRequest(), { token: INBOX_TOKEN }),
      call(story, 'POST', `/approvals/${id}/cancel`, {}, { token: INBOX_TOKEN }),
      call(story, 'POST', `/approvals/${id}/claim`, { digest }, { token: INBOX_TOKEN }),
    ]);

    expect(nobody).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } });
    expect(nobody.headers.get('www-authenticate')).toBe('Bearer');
    expect(wrongScope.map(({ status, body }) => [status, body.code])).toEqual(
      Array.from({ length: 3 }, () => [403, 'WRONG_SCOPE']),
    );
    const denied = (await story.app.audit.tail(100)).filter(
      ({ event }) => event.event === 'authorization.deny',
    );
    expect(denied).toHaveLength(3);
    expect(denied[0]!.event).toMatchObject({ actor: 'api:inbox', detail: { key: 'main' } });
  });

  it('lets keys in that were made here, for as long as they are valid, and keeps none of them', async () => {
    const { apiKeys } = story.app;
    const wish = {
      name: 'ci',
      client: 'shop',
      scopes: ['approvals:read' as const],
      createdMs: 1,
      createdBy: 'dana',
    };
    const { key, token } = await apiKeys.create(wish);
    const expired = await apiKeys.create({ ...wish, expiresMs: 2 });
    const orphan = await apiKeys.create({ ...wish, client: 'nobody' });
    const look = async (with_: string) =>
      (await call(story, 'GET', '/approvals', undefined, { token: with_ })).status;

    const before = await look(token);
    const forged = `${token.slice(0, 17)}${'A'.repeat(43)}`;
    const others = await Promise.all([expired.token, orphan.token, forged].map(look));
    const dump = await dumpOf(story);
    await apiKeys.revoke(key.id);
    const after = await look(token);

    expect([before, ...others, after]).toEqual([200, 401, 401, 401, 401]);
    expect(JSON.stringify(dump)).not.toContain(token.slice(-43));
  });

  it('stays up whatever comes, and says what is wrong with it', { timeout: 120_000 }, async () => {
    const { id } = await asked();
    const paths = [
      '/approvals',
      ...['answers', 'replies', 'cancel', 'claim', 'renew', 'complete'].map(
        (each) => `/approvals/${id}/${each}`,
      ),
    ];
    const body = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.constantFrom('{"__proto__":{"a":1}}', '{"constructor":{"prototype":{}}}', '[', '{}', 'null', '0'),
      fc
        .record({ person: fc.anything(), epoch: fc.anything(), tool: fc.anything() })
        .map((each) => JSON.stringify(each, plain) ?? ''),
    );
    const bad: unknown[] = [];
    for (const [n, raw] of fc.sample(body, 1_000).entries()) {
      const answer = await call(story, 'POST', paths[n % paths.length]!, undefined, { raw });
      const isProblem = answer.status >= 400 && answer.status < 500 && answer.body.remedy !== '';
      // An empty object takes a request back; there is nothing wrong with it.
      if (!isProblem && !/cancel/.test(paths[n % paths.length]!)) bad.push({ raw, answer });
    }
    const odd = await Promise.all([
      call(story, 'DELETE', `/approvals/${id}`),
      call(story, 'PUT', '/approvals', {}),
      call(story, 'GET', '/nothing/here'),
      call(story, 'GET', '/approvals/not-an-id'),
      call(story, 'POST', '/approvals', undefined, { raw: 'x', headers: { 'content-type': 'text/plain' } }),
      call(story, 'POST', '/approvals', undefined, { raw: `"${'x'.repeat(70_000)}"` }),
      call(story, 'GET', `/approvals/${id}`),
    ]);

    expect(bad).toEqual([]);
    expect(odd.map(({ status }) => status)).toEqual([405, 405, 404, 400, 415, 413, 200]);
    expect(odd.slice(0, 3).map(({ body }) => body.detail)).toEqual([
      `/api/v1/approvals/${id} cannot be called with DELETE.`,
      '/api/v1/approvals cannot be called with PUT.',
      'There is nothing at /api/v1/nothing/here.',
    ]);
  });

  it('refuses a key that sends too much, and says when to come again', async () => {
    await story.end();
    const hasty = aClient({ requests_per_minute: 3 });
    story = await beginApiStory({ shop: hasty });
    const answers = [];
    for (let n = 0; n < 4; n++) answers.push(await call(story, 'GET', '/approvals'));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(Number(answers[3]!.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('A18 changes nothing by looking, at any address with any method that looks', {
    timeout: 60_000,
  }, async () => {
    const approval = await asked();
    await says('dana', 'ask', approval, { text: 'which parcel?' });
    await hooks.until(1);
    await story.quiet();
    const ids = [approval.id, 'apr_p3_0123456789ab', 'x'];
    const path = fc.oneof(
      fc.constantFrom('/approvals', '/openapi.json', ''),
      fc
        .tuple(
          fc.constantFrom(...ids),
          fc.constantFrom('', '/wait', '/answers', '/replies', '/cancel', '/claim', '/renew', '/complete'),
        )
        .map(([id, verb]) => `/approvals/${id}${verb}`),
    );
    const query = fc.constantFrom(
      '',
      '?timeout=0',
      '?choice=approve&person=dana',
      '?timeout=0&until=ended&after=0',
      '?state=OPEN',
    );
    const before = await dumpOf(story);

    await fc.assert(
      fc.asyncProperty(
        path,
        query,
        fc.constantFrom('GET', 'HEAD', 'OPTIONS'),
        fc.constantFrom(undefined, INBOX_TOKEN, 'y'.repeat(40)),
        async (at, asks, method, token) => {
          const wait = at.endsWith('/wait') && !asks.includes('timeout=0') ? '?timeout=0' : asks;
          await call(story, method, `${at}${wait}`, undefined, { token });
        },
      ),
      { numRuns: 150 },
    );

    expect(await dumpOf(story)).toEqual(before);
  });
});

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** Everything that is stored, but for what beats by itself. */
async function dumpOf({ redis, keys }: Story): Promise<Record<string, unknown>> {
  const names = (await redis.keys(`${keys.prefix}*`)).filter(
    (name) => !/\}:(?:ws|own:|watched|clock|.*bell|watchdog|places:)/.test(name),
  );
  const contents = await Promise.all(names.map((name) => contentOf(redis, name)));
  return Object.fromEntries(names.map((name, n) => [name, contents[n]]));
}

async function contentOf(redis: Story['redis'], name: string): Promise<unknown> {
  const type = await redis.type(name);
  if (type === 'string') return (await redis.getBuffer(name))?.toString('latin1');
  if (type === 'hash') return redis.hgetall(name);
  if (type === 'stream') return redis.xrange(name, '-', '+');
  if (type === 'zset') return redis.zrange(name, 0, '-1', 'WITHSCORES');
  if (type === 'list') return redis.lrange(name, 0, -1);
  return redis.smembers(name);
}
