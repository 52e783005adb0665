/**
 * What the app may ask of the emulated Jira: each operation that is there, with the query and body it takes. Strict:
 * whatever the reference does not name is refused and noted as a violation.
 *
 * Measured by
 *   Cloud        Atlassian's own OpenAPI description, every request again when it arrives; see `published-api.ts`,
 *                which also says what is newer than the description. That was compared, by hand, with the parameters of
 *                the clients `jira.js` 5.4 and 6.2, which are generated from a newer one.
 *   Data Center  The parameters of clients that are generated from the description of its REST API v2 (11.x), by
 *                hand: paths, and parameters where they differ from Cloud. What is not on one of the two is answered
 *                there as unknown (`on`, `serverQuery`).
 *   Webhooks     The list for administrators is in neither; see `webhook-operations.ts`.
 * Narrower than the descriptions: fields of issues are those on the sandbox's screens, and properties of a comment or
 * of a user that Jira ignores when they are sent (`author`, `created`, `displayName`, ...) are refused.
 */
import { commentOperations } from './comment-operations.ts';
import { fileOperations } from './file-operations.ts';
import { issueOperations } from './issue-operations.ts';
import { issuePropertyOperations } from './issue-property-operations.ts';
import { linkOperations } from './link-operations.ts';
import type { Operation, Surroundings } from './operation.ts';
import { peopleOperations } from './people-operations.ts';
import { projectOperations } from './project-operations.ts';
import { searchOperations } from './search-operations.ts';
import { siteOperations } from './site-operations.ts';
import { webhookOperations } from './webhook-operations.ts';

/** Everything there is. `world` and the rest are looked at when an operation runs. */
export function createOperations(around: Surroundings): Operation[] {
  return [
    siteOperations,
    searchOperations,
    issueOperations,
    issuePropertyOperations,
    commentOperations,
    linkOperations,
    peopleOperations,
    projectOperations,
    fileOperations,
    webhookOperations,
  ].flatMap((operationsOf) => operationsOf(around));
}
