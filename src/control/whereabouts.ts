/** Where a conversation is, as people call it, and how they get there. Pure. */
import { viaText, visible } from '../approvals/sentences.ts';
import type { Gateway } from '../domain/gateway.ts';
import { isTerminal } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';

export interface Whereabouts {
  /** `on Slack, in “general”`, `in Jira, in OPS-12`, `by e-mail`. Plain text. */
  readonly text: string;
  /** Made of the ids of the platform, by its gateway; absent where it has none, or only one person can follow it. */
  readonly link?: string;
  /** Read by one person and nobody else: whoever is called there cannot see it, nor write in it. */
  readonly isPrivate: boolean;
}

export type WhereOf = (place: Address) => Whereabouts;

/** @param channels `slack:C0GENERAL` of each channel that has a name of ours, by that name */
export function createWhereOf(
  channels: () => Readonly<Record<string, string>>,
  gateways: ReadonlyMap<string, Pick<Gateway, 'linkTo' | 'isPrivate'>>,
): WhereOf {
  return (place) => {
    const gateway = gateways.get(place.platform);
    // Another process has the terminal.
    const isPrivate = gateway ? gateway.isPrivate?.(place) === true : isTerminal(place.platform);
    const link = isPrivate ? undefined : gateway?.linkTo?.(place);
    const name = nameOf(place, channels());
    const within = name === undefined ? '' : `, in ${name}`;
    return {
      text: `${viaText(place.platform)}${within}`,
      ...(link === undefined ? {} : { link }),
      isPrivate,
    };
  };
}

/** What people call the channel, as far as that is known; an issue is known by its key. */
function nameOf(
  { platform, route }: Address,
  channels: Readonly<Record<string, string>>,
): string | undefined {
  if (route.issue !== undefined) return visible(route.issue);
  const ids = [route.channel, route.parent].flatMap((id) => (id === undefined ? [] : [`${platform}:${id}`]));
  const [named] = Object.entries(channels).find(([, place]) => ids.includes(place)) ?? [];
  return named === undefined ? undefined : `“${visible(named)}”`;
}
