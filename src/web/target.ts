/**
 * Which addresses the agent may read, as it wrote them. Pure.
 *
 * Invariants
 *   1. What `deny` names is refused, whatever else names it.
 *   2. Without being named in `internal`, a host is read over https alone, and at public addresses alone.
 *   3. A host is judged as the URL parser reads it, in every form an address can be written in.
 */
import { isIP } from 'node:net';
import { ANY_HOST, type WebSettings } from '../config/web.ts';
import { readUrl } from '../domain/url.ts';

/** More could be there only to carry something away. */
export const MAX_URL_CHARS = 2_000;

const USUAL_PORTS: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80' };

export type HostRules = Pick<WebSettings, 'allow' | 'deny' | 'internal'>;

export type Target =
  | {
      readonly kind: 'target';
      readonly url: URL;
      /** As names are looked up: without brackets. */
      readonly host: string;
      /** Whether it is an address itself, so that there is no name to look up. */
      readonly isAddress: boolean;
      /** Of one's own network: may have a private address. */
      readonly isInternal: boolean;
    }
  /** The end of a sentence: `it has a user name in it`. */
  | { readonly kind: 'refused'; readonly why: string };

/** @param base what it is relative to, if it may be */
export function toTarget(text: string, rules: HostRules, base?: URL): Target {
  if (text.length > MAX_URL_CHARS) return refused(`it is longer than ${MAX_URL_CHARS} characters`);
  const url = readUrl(text, base);
  if (!url) return refused('it is no address; write it as in https://example.com/page');
  url.hash = '';
  const usualPort = USUAL_PORTS[url.protocol];
  if (usualPort === undefined) return refused(`it begins with ${url.protocol}, not with https:`);
  if (url.username !== '' || url.password !== '') return refused('there is a user name or a password in it');

  // `example.com..` is no name, and is none of those the rules name: who looks it up may find `example.com`.
  if (/^\.|\.\./.test(url.hostname)) return refused('a part of its host is empty');
  const host = url.hostname.replace(/\.$/, '');
  const place = { host, port: url.port || usualPort, isUsual: url.port === '' };
  if (rules.deny.some((pattern) => denies(pattern, host, place.port))) {
    return refused(`web.deny of settings.yaml names ${host}`);
  }
  const isInternal = rules.internal.some((pattern) => allows(pattern, place));
  if (!isInternal && url.protocol !== 'https:') return refused('it is not encrypted; https alone is read');
  if (!isInternal && !rules.allow.some((pattern) => allows(pattern, place))) {
    return refused(`web.allow of settings.yaml does not name ${place.isUsual ? host : url.host}`);
  }
  const bare = host.replace(/^\[|\]$/g, '');
  return { kind: 'target', url, host: bare, isAddress: isIP(bare) !== 0, isInternal };
}

interface Place {
  readonly host: string;
  readonly port: string;
  /** No port was written, so it is that of the scheme. */
  readonly isUsual: boolean;
}

function allows(pattern: string, { host, port, isUsual }: Place): boolean {
  const rule = toRule(pattern);
  return (rule.port === undefined ? isUsual : rule.port === port) && names(rule.host, host);
}

/** A host is denied on every port, unless the rule names one. */
function denies(pattern: string, host: string, port: string): boolean {
  const rule = toRule(pattern);
  return (rule.port === undefined || rule.port === port) && names(rule.host, host);
}

function names(pattern: string, host: string): boolean {
  if (pattern === ANY_HOST) return true;
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
}

function toRule(pattern: string): { readonly host: string; readonly port: string | undefined } {
  const [, host = pattern, port] = /^(.*?)(?::(\d+))?$/.exec(pattern) ?? [];
  // The colons of an IPv6 address stand in brackets.
  return pattern.endsWith(']') ? { host: pattern, port: undefined } : { host, port };
}

function refused(why: string): Target {
  return { kind: 'refused', why };
}
