/** What people read of the deadline is what then happens, and a yes is offered only where it is taken. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/load-config.ts';
import { Platform } from '../../src/domain/ids.ts';
import { aClient, aRequest, call, withClients } from '../support/api.ts';
import { DANA, Story, withPerson } from '../support/story.ts';

const HOUR = 60 * 60_000;
type Policy = NonNullable<Config['escalation']['policies'][string]>;

let story: Story;
afterEach(() => story.end());

async function begin(policy: Partial<Policy>): Promise<void> {
  story = await Story.begin({
    config: (shipped) => {
      const config = withClients(withPerson(shipped, 'dana', { prefers: [Platform.parse('email')] }), {
        shop: aClient(),
      });
      const { policies } = config.escalation;
      const changed = { ...policies, default: { ...policies.default!, ...policy } };
      return { ...config, escalation: { ...config.escalation, policies: changed } };
    },
  });
}

describe('a request by mail', () => {
  it('A15 says that silence is a yes, in the mail and the reminder, where it is one', async () => {
    await begin({ on_timeout: [{ kind: 'approve' }], deadline: 24 * HOUR, remind_after: [6 * HOUR] });

    const made = await call(story, 'POST', '/approvals', aRequest({ risk: 'low', reversible: true }));
    const asked = await story.mail(DANA.mail, /Decide before/);
    await story.advance(7 * HOUR);
    const reminder = await story.mail(DANA.mail, /Reminder/);
    await story.advance(18 * HOUR);
    await story.quiet();

    const counts = 'If it is not decided in time, that counts as a yes, and it runs.';
    const flat = (text: string) => text.replace(/\s+/g, ' ');
    expect(flat(asked.text)).toContain(counts);
    expect(flat(reminder.text)).toContain(counts);
    const { body } = await call(story, 'GET', `/approvals/${made.body.approval.id}`);
    expect(body.outcome).toBe('approved');
  });

  it('OM-124 offers no yes where it is taken from elsewhere only, and takes a no', async () => {
    await begin({ approve_from: [Platform.parse('slack')] });

    const made = await call(story, 'POST', '/approvals', aRequest());
    const asked = await story.mail(DANA.mail, /Decide before/);

    expect(asked.text).toContain('A yes to this is only taken on Slack; a no can be said here.');
    expect(asked.text).not.toMatch(/^(?:approve|edit) /m);
    const [line = ''] = /^deny [A-Z0-9]+$/m.exec(asked.text) ?? [];
    await story.sandbox.mail.reply(asked, { line, quoting: 'none' });
    await story.mail(DANA.mail, /Denied by Dana/);
    const { body } = await call(story, 'GET', `/approvals/${made.body.approval.id}`);
    expect(body.outcome).toBe('denied');
  });
});
