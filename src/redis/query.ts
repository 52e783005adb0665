/**
 * Questions to the store that may be asked together: one write, one answer. What a question asks for and how its answer
 * is read belongs to whoever knows the key; who asks it with which others, to whoever needs the answers.
 */
import type { RedisClient } from './client.ts';

export interface Query<Answer> {
  readonly command: readonly [name: string, ...args: (string | number)[]];
  /** @throws when what is stored cannot be read */
  readonly read: (reply: unknown) => Answer;
}

export async function ask<Answer>(redis: RedisClient, { command, read }: Query<Answer>): Promise<Answer> {
  const [name, ...args] = command;
  return read(await redis.call(name, ...args));
}

/**
 * All of them in one partition, so that one server answers them.
 *
 * @throws what is wrong with the first that failed
 */
export async function askTogether<Answers extends readonly unknown[]>(
  redis: RedisClient,
  queries: { readonly [N in keyof Answers]: Query<Answers[N]> },
): Promise<Answers>;
export async function askTogether(
  redis: RedisClient,
  queries: readonly Query<unknown>[],
): Promise<readonly unknown[]> {
  const replies = (await redis.pipeline(queries.map(({ command }) => [...command])).exec()) ?? [];
  return queries.map(({ read }, n) => {
    const [error, reply] = replies[n] ?? [new Error('the connection ended before there was an answer')];
    if (error) throw error;
    return read(reply);
  });
}
