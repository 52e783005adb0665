/**
 * discord.js, loaded when it is first needed: it is large, and who has no Discord does not pay for it.
 *
 * It is a CommonJS module. Loaders that do not look into it, such as a bundle's, give its names on `default` alone;
 * all of them give that.
 */
type Library = typeof import('discord.js');

export async function loadDiscord(): Promise<Library> {
  const loaded: Library & { default?: Library } = await import('discord.js');
  return loaded.default ?? loaded;
}
