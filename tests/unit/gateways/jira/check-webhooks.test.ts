/** What the list of webhooks says about the way in, decided without Jira. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeWebhooks } from '../../../../gateways/jira/check-webhooks.ts';
import { JiraWebhook } from '../../../../gateways/jira/schema.ts';

const PATH = '/jira/webhook';
const EVENTS = [
  'jira:issue_created',
  'jira:issue_updated',
  'comment_created',
  'comment_updated',
  'comment_deleted',
];

function aWebhook(change: Partial<JiraWebhook> = {}): JiraWebhook {
  return {
    name: 'Signalbox',
    url: 'https://gate.example.com/jira/webhook',
    events: EVENTS,
    excludeBody: false,
    enabled: true,
    isLimited: false,
    ...change,
  };
}

describe('the list of webhooks', () => {
  it('works with one that is enabled, has every event and the body', () => {
    expect(judgeWebhooks([aWebhook()], PATH, 'cloud')).toEqual({
      subject: 'Jira webhooks',
      status: 'works',
      detail: `"Signalbox" calls https://gate.example.com/jira/webhook for all that is needed: ${EVENTS.join(', ')}`,
    });
  });

  it('works with two that share the events, and says that one is limited', () => {
    const two = [
      aWebhook({ name: 'Issues', events: EVENTS.slice(0, 2), isLimited: true }),
      aWebhook({ name: 'Comments', events: EVENTS.slice(2) }),
    ];
    const { status, detail } = judgeWebhooks(two, PATH, 'cloud');
    expect(status).toBe('works');
    expect(detail).toContain(
      '"Issues" calls https://gate.example.com/jira/webhook, for the issues that match',
    );
  });

  it.each([
    ['there is none', [], 'none of the 0 webhooks', '"Create a WebHook"'],
    [
      'all point elsewhere',
      [aWebhook({ url: 'https://other.example.com/hook' }), aWebhook({ url: 'no address' })],
      'none of the 2 webhooks',
      '"Create a WebHook"',
    ],
    ['it is disabled', [aWebhook({ enabled: false })], 'is disabled', 'edit "Signalbox": enable it'],
    [
      'it leaves out the body',
      [aWebhook({ excludeBody: true })],
      'leaves out the body',
      'switch "Exclude body" off',
    ],
    [
      'an event is missing',
      [aWebhook({ events: EVENTS.slice(1, 4) })],
      'but not for jira:issue_created, comment_deleted',
      'tick "Issue: created", "Comment: deleted" in "Signalbox"',
    ],
  ])('is told what to do when %s', (_what, webhooks, detail, remedy) => {
    const finding = judgeWebhooks(webhooks, PATH, 'cloud');

    expect(finding.status).toBe('missing');
    expect(finding.detail).toContain(detail);
    expect(finding.remedy).toContain(remedy);
  });

  it('needs no events of comments on Data Center, where they are updates of their issue', () => {
    const webhooks = [aWebhook({ events: EVENTS.slice(0, 2) })];

    expect(judgeWebhooks(webhooks, PATH, 'data-center').status).toBe('works');
    expect(judgeWebhooks(webhooks, PATH, 'cloud').status).toBe('missing');
  });

  it('shows no password and no query of an address', () => {
    const url = 'https://user:hidden@gate.example.com/jira/webhook?token=hidden';

    expect(JSON.stringify(judgeWebhooks([aWebhook({ url })], PATH, 'cloud'))).not.toContain('hidden');
    expect(JSON.stringify(judgeWebhooks([aWebhook({ url, enabled: false })], PATH, 'cloud'))).not.toContain(
      'hidden',
    );
  });

  it('has a remedy whenever it does not work, whatever is in it', () => {
    const webhook = fc.record({
      name: fc.string(),
      url: fc.oneof(fc.string(), fc.constant('https://gate.example.com/jira/webhook')),
      events: fc.subarray(EVENTS),
      excludeBody: fc.boolean(),
      enabled: fc.boolean(),
      isLimited: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(webhook), fc.constantFrom('cloud', 'data-center'), (webhooks, flavour) => {
        const { status, remedy } = judgeWebhooks(webhooks, PATH, flavour);
        expect(remedy === undefined).toBe(status === 'works');
      }),
    );
  });
});

describe('a webhook in the list', () => {
  it('is read as Cloud and as Data Center show it', () => {
    const seen = { name: 'Signalbox', url: 'https://gate.example.com/jira/webhook', events: EVENTS };
    const cloud = {
      ...seen,
      enabled: false,
      excludeBody: true,
      filters: { 'issue-related-events-section': 'x' },
    };
    const server = { ...seen, active: false, configuration: { EXCLUDE_BODY: 'true', FILTERS: 'x' } };

    expect(JiraWebhook.parse(cloud)).toEqual({ ...seen, enabled: false, excludeBody: true, isLimited: true });
    expect(JiraWebhook.parse(server)).toEqual(JiraWebhook.parse(cloud));
    expect(JiraWebhook.parse({ ...seen, filters: { 'issue-related-events-section': '' } })).toEqual({
      ...seen,
      enabled: true,
      excludeBody: false,
      isLimited: false,
    });
  });
});
