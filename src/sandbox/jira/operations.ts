/**
 * What the app may ask of the emulated Jira: each operation of the published REST API v2 that is there, with the
 * query and body it takes. Strict: whatever the reference does not name is refused and noted as a violation.
 *
 * Names of operations are the `operationId`s of Atlassian's OpenAPI description of REST API v2 (Cloud).
 */
import { commentOperations } from './comment-operations.ts';
import { fileOperations } from './file-operations.ts';
import { issueOperations } from './issue-operations.ts';
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
    commentOperations,
    linkOperations,
    peopleOperations,
    projectOperations,
    fileOperations,
    webhookOperations,
  ].flatMap((operationsOf) => operationsOf(around));
}
