/** What people type, as their client sends it: `@signalbox`, first names and role names become mentions. Pure. */
import { BOT, GUILD_ROLES, PEOPLE } from '../people.ts';
import { MAX_CONTENT_CHARS, MAX_NITRO_CHARS } from './limits.ts';

/** @throws {Error} when it is longer than a person may write */
export function toDiscordText(text: string, nitro = false): string {
  const content = text.replace(/(?<![\w@])@(\w+)/g, (typed, name: string) => mentionOf(name) ?? typed);
  const most = nitro ? MAX_NITRO_CHARS : MAX_CONTENT_CHARS;
  if (content.length <= most) return content;
  throw new Error(
    `a message has ${most} characters at most (${MAX_CONTENT_CHARS}, ${MAX_NITRO_CHARS} with Nitro); this one has ${content.length}`,
  );
}

function mentionOf(name: string): string | undefined {
  const wanted = name.toLowerCase();
  if (wanted === BOT.name) return `<@${BOT.discordUser}>`;
  const person = PEOPLE.find(({ firstName }) => firstName.toLowerCase() === wanted);
  if (person !== undefined) return `<@${person.discordUser}>`;
  const role = GUILD_ROLES.find((known) => known.name.toLowerCase() === wanted);
  return role && `<@&${role.id}>`;
}
