/**
 * What the app may ask of the emulated Jira: each operation that is there, with the query and body it takes. Strict:
 * whatever the reference does not name is refused and noted as a violation.
 *
 * Measured by
 *   Cloud        Atlassian's OpenAPI description of REST API v2 ("The Jira Cloud platform REST API", 1001.0.0), as
 *                generated clients carry it: the `operationId`s, the parameters of each query, and the properties of
 *                each body that can be written.
 *   Data Center  The same for its REST API v2 (11.x): paths, and parameters where they differ. What is not on one of
 *                the two is answered there as unknown (`on`, `serverQuery`).
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
