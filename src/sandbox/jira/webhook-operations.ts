/**
 * The list of webhooks that administrators see.
 *
 * Not part of REST API v2: Cloud and Data Center before 10 have it at `webhooks/1.0`, Data Center since 10 at
 * `jira-webhook/1.0`, with other names for the same things (developer.atlassian.com, "Webhooks"). Neither is in an
 * OpenAPI description, so the ids are ours.
 */
import { z } from 'zod';
import { Count, defineOperation, Flag, type Operation, type Surroundings } from './operation.ts';
import { Refusal } from './refusal.ts';
import type { ListedWebhook } from './webhooks.ts';
import type { Site } from './wire.ts';

export function webhookOperations(around: Surroundings): Operation[] {
  const { site, webhooks } = around;

  function listed(isHere: boolean, show: (webhook: ListedWebhook, id: number) => object) {
    if (!isHere) throw new Refusal(404, ['null for uri']);
    if (!around.holds('ADMINISTER')) {
      throw new Refusal(403, ['You do not have permission to administer webhooks.']);
    }
    return { status: 200, body: webhooks().map((webhook, place) => show(webhook, place + 1)) };
  }

  return [
    defineOperation({
      id: 'listWebhooks',
      method: 'GET',
      path: '/webhooks/1.0/webhook',
      query: z.strictObject({}),
      run: () => listed(!isSince10(site()), (webhook, id) => toListed(webhook, id, site())),
    }),
    defineOperation({
      id: 'listServerWebhooks',
      method: 'GET',
      path: '/jira-webhook/1.0/webhooks',
      query: z.strictObject({
        event: z.string().optional(),
        statistics: Flag.optional(),
        start: Count.optional(),
        limit: Count.optional(),
      }),
      run: () => listed(isSince10(site()), toServerListed),
    }),
  ];
}

function isSince10({ flavour, version }: Site): boolean {
  return flavour === 'data-center' && Number(version.split('.')[0]) >= 10;
}

function toListed({ jql, ...webhook }: ListedWebhook, id: number, { url }: Site): object {
  return {
    ...webhook,
    filters: jql === '' ? {} : { 'issue-related-events-section': jql },
    self: `${url}/rest/webhooks/1.0/webhook/${id}`,
  };
}

function toServerListed({ name, url, events, jql, excludeBody, enabled }: ListedWebhook, id: number): object {
  return {
    id,
    name,
    url,
    events,
    active: enabled,
    scopeType: 'global',
    configuration: {
      EXCLUDE_BODY: String(excludeBody),
      ...(jql === '' ? {} : { FILTERS: JSON.stringify({ 'issue-related-events-section': jql }) }),
    },
  };
}
