/**
 * Whether a person is alone with the agent: they alone read what is said there, and nobody else has said anything.
 *
 * Who has spoken says nothing of who reads: a channel is full of people who are silent. And where one person alone reads
 * today, others may have taken part: a mail that was passed on.
 */
import type { ToolContext } from '../domain/tool.ts';
import { hasOthers } from '../domain/transcript.ts';
import type { TranscriptStore } from './transcript-store.ts';

export type IsAlone = (
  context: Pick<ToolContext, 'conversationId' | 'requester' | 'isPrivate'>,
) => Promise<boolean>;

export function aloneBy(transcripts: Pick<TranscriptStore, 'read'>): IsAlone {
  return async ({ conversationId, requester, isPrivate }) => {
    if (!isPrivate) return false;
    const stored = await transcripts.read(conversationId);
    return !hasOthers(
      stored.flatMap(({ entry }) => entry ?? []),
      requester,
    );
  };
}
