/** Why a server could not be reached, in words an operator can use. Pure. */
import { z } from 'zod';

export interface NetworkTrouble {
  /** The code of Node, of OpenSSL or of undici, such as `ECONNREFUSED`. */
  readonly code: string;
  readonly detail: string;
  readonly remedy: string;
}

/** What a network call can fail with on the way to a server. */
const Failure = z.object({
  code: z.string(),
  hostname: z.string().optional(),
  address: z.string().optional(),
  port: z.number().optional(),
});
type Failure = z.infer<typeof Failure>;

/** Causes within causes that are looked into: fetch wraps what the socket says once, and it may be one of several. */
const MAX_DEPTH = 5;

/** Undefined when it is no trouble of the network, or not a known one. Holds no path and no query of the request. */
export function networkTrouble(error: unknown): NetworkTrouble | undefined {
  for (const each of causesOf(error)) {
    const failure = Failure.safeParse(each).data;
    const known = failure && wordsFor(failure);
    if (failure && known) return { code: failure.code, ...known };
  }
  return isTimeout(error) ? { code: 'TIMEOUT', ...NO_ANSWER } : undefined;
}

const NO_ANSWER = {
  detail: 'no answer came in time',
  remedy: 'Check that a firewall lets this machine out to it, or set the proxy it has to go through.',
} as const;

function wordsFor(failure: Failure): { detail: string; remedy: string } | undefined {
  const { code, hostname = 'the host' } = failure;
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return {
        detail: `the name of ${hostname} leads nowhere (${code})`,
        remedy: 'Check the address for a slip of the pen, and that this machine can ask a name server (DNS).',
      };
    case 'ECONNREFUSED':
      return {
        detail: `nothing takes connections at ${placeOf(failure)} (${code})`,
        remedy: 'Check the address and the port, and that the server, or the proxy before it, is running.',
      };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return {
        detail: `no way leads to ${placeOf(failure)} (${code})`,
        remedy: 'Check the network of this machine: its route, its VPN, IPv6 where it has none.',
      };
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return {
        detail: `the connection was cut (${code})`,
        remedy: 'Try again; if it goes on, a firewall or a proxy on the way cuts it.',
      };
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return { ...NO_ANSWER, detail: `${NO_ANSWER.detail} (${code})` };
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return {
        detail: `what answers does not speak TLS (${code})`,
        remedy: 'Check the port, and whether the address has to begin with http: instead of https:.',
      };
    default:
      return CERTIFICATE_PROBLEMS.has(code)
        ? {
            detail: `its certificate is not trusted here (${code})`,
            remedy:
              'If a proxy or a company’s own authority signed it, name that certificate in NODE_EXTRA_CA_CERTS; otherwise check the address and the clock of this machine.',
          }
        : undefined;
  }
}

/** OpenSSL's verification errors as Node names them (nodejs.org, TLS, X509 certificate error codes). */
const CERTIFICATE_PROBLEMS: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_REJECTED',
  'CERT_UNTRUSTED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

function placeOf({ address, port, hostname }: Failure): string {
  const host = address ?? hostname;
  if (host === undefined) return 'its address';
  return port === undefined ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The error, its cause, that one's cause, and so on; of several addresses that were tried, what the first came to. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let each = error; each instanceof Error && causes.length < MAX_DEPTH; ) {
    causes.push(each);
    each = each instanceof AggregateError && each.errors.length > 0 ? each.errors[0] : each.cause;
  }
  return causes;
}

function isTimeout(error: unknown): boolean {
  return causesOf(error).some(
    (each) => each instanceof Error && (each.name === 'AbortError' || each.name === 'TimeoutError'),
  );
}
