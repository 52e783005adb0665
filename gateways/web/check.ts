/** What `signalbox check` says about the web gateway: who can connect, and where. */
import type { CheckFinding } from '../../src/domain/gateway.ts';
import type { WebSettings } from './config.ts';

const REMEDY =
  'Make up a token (`openssl rand -hex 32`) and set WEB_TOKEN to it; give the same to the program that is to connect, and name its client as an account in contacts.yaml.';

export function missingFinding(setting: string): CheckFinding {
  return { subject: 'Web clients', status: 'missing', detail: `${setting} is not set`, remedy: REMEDY };
}

/** @param url where the listener is, or will be. Pure. */
export function checkWeb(
  { clients, path, allowed_origins: origins }: WebSettings,
  url: string,
): CheckFinding[] {
  const able = Object.keys(clients).filter((name) => clients[name]?.token !== undefined);
  if (able.length === 0) return [missingFinding('clients.<name>.token')];
  const others = Object.keys(clients).filter((name) => !able.includes(name));
  // Nothing is amiss: the clients of the sandbox's people have one only under the sandbox.
  const shutOut = others.length === 0 ? '' : `; without a token, and so shut out: ${others.join(', ')}`;
  const pages = origins.length === 0 ? 'no web page may call' : `pages of ${origins.join(', ')} may call`;
  return [
    {
      subject: 'Web clients',
      status: 'works',
      detail: `${able.join(', ')} can connect at ${url}${path}; ${pages}${shutOut}`,
    },
  ];
}
