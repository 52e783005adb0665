/**
 * Every address of the API: its method, what it takes, what it answers, and the scope a key needs.
 *
 * The server routes by this table, and the OpenAPI document is made of it.
 */
import type { z } from 'zod';
import type { ApiScope } from '../config/api.ts';
import type { ProblemCode } from './problem.ts';
import {
  Act,
  AnswerRequest,
  ApprovalParams,
  ApprovalView,
  CancelRequest,
  Claimed,
  ClaimRequest,
  CompleteRequest,
  CreateRequest,
  ListQuery,
  Page,
  RenewRequest,
  ReplyRequest,
  Waited,
  WaitQuery,
} from './schema.ts';

export const API_PATH = '/api/v1';

export interface Operation {
  readonly method: 'GET' | 'POST';
  /** Below `API_PATH`; `:id` stands for an approval. */
  readonly path: string;
  readonly summary: string;
  /** Absent: open to everybody. */
  readonly scope?: ApiScope;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** Whether acts are told apart by the header Idempotency-Key. */
  readonly idempotency?: 'required' | 'optional';
  /** Also answers with server-sent events, where the Accept header asks for them. */
  readonly events?: true;
  readonly answers: Readonly<Record<number, { readonly description: string; readonly schema?: z.ZodType }>>;
  readonly problems: readonly ProblemCode[];
}

export const OPERATIONS = {
  createApproval: {
    method: 'POST',
    path: '/approvals',
    summary: 'Ask people',
    scope: 'approvals:create',
    body: CreateRequest,
    idempotency: 'required',
    answers: {
      201: { description: 'CREATED: they are being asked.', schema: Act },
      200: { description: 'DUPLICATE: it was asked before, and this is how it stands.', schema: Act },
    },
    problems: [
      'MALFORMED',
      'NO_IDEMPOTENCY_KEY',
      'NOT_ALLOWED',
      'OTHER_REQUEST',
      'UNKNOWN_RULE',
      'UNKNOWN_POLICY',
      'UNKNOWN_PERSON',
      'UNSATISFIABLE',
    ],
  },
  listApprovals: {
    method: 'GET',
    path: '/approvals',
    summary: 'List what was asked, newest first',
    scope: 'approvals:read',
    query: ListQuery,
    answers: { 200: { description: 'A page.', schema: Page } },
    problems: ['MALFORMED', 'NOT_ALLOWED'],
  },
  getApproval: {
    method: 'GET',
    path: '/approvals/:id',
    summary: 'See how one stands',
    scope: 'approvals:read',
    params: ApprovalParams,
    answers: { 200: { description: 'As it is now.', schema: ApprovalView } },
    problems: ['MALFORMED', 'NOT_FOUND'],
  },
  waitForApproval: {
    method: 'GET',
    path: '/approvals/:id/wait',
    summary: 'Wait until people have answered',
    scope: 'approvals:read',
    params: ApprovalParams,
    query: WaitQuery,
    events: true,
    answers: { 200: { description: 'SETTLED, CHANGED, or WAITING when time was up.', schema: Waited } },
    problems: ['MALFORMED', 'NOT_FOUND', 'TOO_MANY_WAITING'],
  },
  answerApproval: {
    method: 'POST',
    path: '/approvals/:id/answers',
    summary: 'Record what a person said',
    scope: 'approvals:answer',
    params: ApprovalParams,
    body: AnswerRequest,
    idempotency: 'optional',
    answers: {
      200: { description: 'DECIDED; RECORDED, and others are still needed; or REPLAY.', schema: Act },
    },
    problems: [
      'MALFORMED',
      'NOT_FOUND',
      'NOT_ALLOWED',
      'UNKNOWN_PERSON',
      'OTHER_REQUEST',
      'ALREADY',
      'LATE',
      'STALE_CARD',
      'CONTENT_CHANGED',
      'NOT_ELIGIBLE',
      'NOT_OFFERED',
      'STEP_UP',
      'INVALID',
    ],
  },
  replyToQuestion: {
    method: 'POST',
    path: '/approvals/:id/replies',
    summary: 'Reply to what was asked back',
    scope: 'approvals:create',
    params: ApprovalParams,
    body: ReplyRequest,
    idempotency: 'optional',
    answers: { 200: { description: 'RECORDED, or REPLAY.', schema: Act } },
    problems: ['MALFORMED', 'NOT_FOUND', 'NOT_ALLOWED', 'OTHER_REQUEST', 'NOT_ASKED'],
  },
  cancelApproval: {
    method: 'POST',
    path: '/approvals/:id/cancel',
    summary: 'Take back what was asked, or a yes nobody has acted on',
    scope: 'approvals:cancel',
    params: ApprovalParams,
    body: CancelRequest,
    answers: { 200: { description: 'DONE: it is cancelled, or revoked.', schema: Act } },
    problems: ['MALFORMED', 'NOT_FOUND', 'NOT_ALLOWED', 'ALREADY', 'TOO_LATE'],
  },
  claimApproval: {
    method: 'POST',
    path: '/approvals/:id/claim',
    summary: 'Get the permit to act on a yes, once',
    scope: 'approvals:execute',
    params: ApprovalParams,
    body: ClaimRequest,
    answers: { 200: { description: 'GRANTED.', schema: Claimed } },
    problems: ['MALFORMED', 'NOT_FOUND', 'NOT_ALLOWED', 'NO_PERMIT', 'REFUSED', 'MISMATCH', 'HELD'],
  },
  renewPermit: {
    method: 'POST',
    path: '/approvals/:id/renew',
    summary: 'Keep the permit while you are at it',
    scope: 'approvals:execute',
    params: ApprovalParams,
    body: RenewRequest,
    answers: { 200: { description: 'RENEWED.', schema: Act } },
    problems: ['MALFORMED', 'NOT_FOUND', 'NOT_ALLOWED', 'NO_PERMIT', 'FENCED'],
  },
  completeApproval: {
    method: 'POST',
    path: '/approvals/:id/complete',
    summary: 'Report what came of it',
    scope: 'approvals:execute',
    params: ApprovalParams,
    body: CompleteRequest,
    answers: { 200: { description: 'RECORDED; REPLAY; or LATE, and kept as evidence.', schema: Act } },
    problems: ['MALFORMED', 'NOT_FOUND', 'NOT_ALLOWED', 'NO_PERMIT', 'FENCED'],
  },
  getOpenApi: {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This document',
    answers: { 200: { description: 'OpenAPI 3.1.' } },
    problems: [],
  },
} as const satisfies Record<string, Operation>;

export type OperationId = keyof typeof OPERATIONS;

export function operations(): readonly (readonly [OperationId, Operation])[] {
  // Object.entries forgets which names there are.
  return Object.entries(OPERATIONS) as [OperationId, Operation][];
}
