/**
 * How an approval is stored: `<revision> <format><document>`.
 *
 * The revision stands in front, in the clear, for the script that compares it. Behind it the document is deflated
 * against a dictionary of what every approval contains, which makes a waiting one a third of its JSON: a store may
 * hold a million of them, each for days.
 *
 * Invariants
 *   1. The dictionary of a format never changes: what was stored with it could not be read any more. A better one
 *      is a new format, beside the old.
 *   2. The digest is not stored but computed from what is, so a record whose arguments were changed in the store
 *      no longer fits the decision that was made about it.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { digestOf } from '../domain/approval/digest.ts';
import { Approval } from '../domain/approval/record.ts';
import { AppError } from '../domain/errors.ts';

const FORMAT_A = 'a';

/** Of format `a`: what documents have in common, the most common last, where matches are cheapest. */
const DICTIONARY_A = Buffer.from(
  [
    '"copies":[{"id":"conversation","to":{"platform":"email","route":{"to":"","person":"","outcomeOnly":true,"ref":"","shown":',
    '"decision":{"choice":"approve","source":"human","digest":"","by":{"person":"","name":"","account":"slack:T0/U0"},"via":"email","text":"","key":"","atMs":17',
    '"validUntilMs":17,"execution":{"epoch":1,"owner":"","leaseUntilMs":17,"attempt":1},"result":{"status":"ok","text":"","atMs":17},"remark":"","nagged":',
    '{"id":"apr_p1_","rev":1,"gen":1,"face":1,"state":"OPEN","conversationId":"slack:T0:C0:17","origin":{"platform":"slack","route":{"team":"T0","channel":"C0","thread":"17"}},',
    '"request":{"tool":"refund","version":1,"args":{"order":1,"amount":1,"currency":"EUR","reason":""},"summary":"","risk":"high","effect":"once","reversible":false,',
    '"requester":"","requesterName":"","callId":"toolu_","correlation":"slack:T0"},"policy":{"name":"default","rule":"","approvers":{"role":"manager"},',
    '"choices":["approve","deny","answer"],"remindAfterMs":[21600000,64800000],"validForMs":900000,"leaseMs":60000},"openedMs":17,"deadlineMs":17,"reminded":0,"copies":[]}',
  ].join(''),
);

/** Small documents need no large window; these make the smallest and cheapest output for about a kilobyte. */
const DEFLATE = { dictionary: DICTIONARY_A, level: 6, windowBits: 12, memLevel: 5 } as const;

export function toDocument(approval: Approval): Buffer {
  const { digest: _computed, ...stored } = approval;
  const head = Buffer.from(`${approval.rev} ${FORMAT_A}`);
  return Buffer.concat([head, deflateRawSync(JSON.stringify(stored), DEFLATE)]);
}

/** Written by another version, or damaged. */
export class UnreadableApprovalError extends AppError {
  override readonly code = 'UNREADABLE_RECORD';

  constructor(cause: unknown) {
    super(`an approval cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** @throws {UnreadableApprovalError} when the bytes are of an unknown format, or not an approval */
export function fromDocument(document: Buffer): Approval {
  try {
    return read(document);
  } catch (error) {
    throw new UnreadableApprovalError(error);
  }
}

function read(document: Buffer): Approval {
  const format = document.indexOf(' ') + 1;
  if (format === 0 || document.toString('latin1', format, format + 1) !== FORMAT_A) {
    throw new Error('an approval is stored in a format this version does not know');
  }
  const stored: unknown = JSON.parse(inflateRawSync(document.subarray(format + 1), DEFLATE).toString('utf8'));
  const approval = StoredApproval.parse(stored);
  return { ...approval, digest: digestOf(approval.request) };
}

const StoredApproval = Approval.omit({ digest: true });
