/** What people type, as their client sends it: `@signalbox`, first names and role names become mentions. Pure. */
import { BOT, GUILD_ROLES, PEOPLE } from '../people.ts';

export function toDiscordText(text: string): string {
  return text.replace(/(?<![\w@])@(\w+)/g, (typed, name: string) => mentionOf(name) ?? typed);
}

function mentionOf(name: string): string | undefined {
  const wanted = name.toLowerCase();
  if (wanted === BOT.name) return `<@${BOT.discordUser}>`;
  const person = PEOPLE.find(({ firstName }) => firstName.toLowerCase() === wanted);
  if (person !== undefined) return `<@${person.discordUser}>`;
  const role = GUILD_ROLES.find((known) => known.name.toLowerCase() === wanted);
  return role && `<@&${role.id}>`;
}
