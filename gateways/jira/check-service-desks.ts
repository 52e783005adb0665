/** What `signalbox check` says about service desks: whether the account is an agent there, and what it means. Pure. */
import type { CheckFinding } from '../../src/domain/gateway.ts';

/** Held by agents alone; known only where there is a service desk (REST API reference, "Get my permissions"). */
export const AGENT_PERMISSION = 'SERVICEDESK_AGENT';

export interface ServiceDesk {
  readonly project: string;
  readonly isAgent: boolean;
  /** The settings name it; the others are merely in sight. */
  readonly isConfigured: boolean;
}

export function judgeServiceDesk(
  { project, isAgent, isConfigured }: ServiceDesk,
  answersInternal: boolean,
): CheckFinding {
  const subject = `Jira service desk ${project}`;
  const readers = answersInternal
    ? 'answers are for agents only (answers_internal)'
    : 'customers read the answers, too (answers_internal: false)';
  if (isAgent) return { subject, status: 'works', detail: `the account is an agent there; ${readers}` };
  const detail = `the account is no agent there: as a customer it sees only requests it takes part in and cannot write for agents only, as a mere user of Jira it cannot write to customers; ${readers}`;
  // Where nobody said that it is to work, nothing is wrong.
  if (!isConfigured) return { subject, status: 'works', detail };
  return {
    subject,
    status: 'missing',
    detail,
    remedy: `As an administrator of ${project} open "Project settings", "People" ("Access") and add the account with the role "Service Desk Team" (in a team-managed project "Agent"); it needs a licence of Jira Service Management.`,
  };
}
