/**
 * Who really sent a mail: a DKIM signature of the From domain over the whole body, and a DMARC policy that says
 * the domain means it.
 *
 * Owns      the evidence (mailauth, with a resolver of our own) and the judgement over it.
 * Not here  what an authenticated sender may do.
 *
 * Invariants
 *   1. Only what we verified counts. Authentication-Results and Received headers are the sender's own words.
 *   2. Exactly one From header with exactly one address, read alike by two parsers, and signed.
 *      So are its Date and its Message-ID: by them the core knows a mail it has had before, however it is sent again.
 *   3. A signature that leaves a part of the body uncovered is no signature.
 *   4. SPF is not asked: a mail read from a mailbox has no client address that could be trusted.
 *   5. Without an answer from the name service nobody is authenticated, and nobody is refused for it: it is asked
 *      again later (`intake.ts`).
 *   6. A mail costs a bounded number of look-ups and hashes, whatever its headers say.
 */
import { Resolver } from 'node:dns/promises';
import { PassThrough, Transform } from 'node:stream';
import { domainToASCII } from 'node:url';
import { type DNSResolver, dkimVerify, dmarc } from 'mailauth';
import { getDomain } from 'tldts';
import type { Clock } from '../../src/domain/clock.ts';
import { domainOf, readOneMailbox } from './addresses.ts';
import type { HeaderField } from './mail-reader.ts';
import { PolicyReport, type SignatureReport, SignatureReports } from './schema.ts';

export type Authentication =
  | { readonly kind: 'authenticated' }
  | { readonly kind: 'unauthenticated'; readonly reason: UnauthenticatedReason };

export type UnauthenticatedReason =
  | 'no-single-from'
  | 'repeated-header'
  | 'unsigned'
  | 'signature-invalid'
  | 'body-not-covered'
  | 'header-not-signed'
  | 'not-aligned'
  | 'no-policy'
  | 'lookup-failed';

/** Most signatures looked at; a mail with more is treated as unsigned. Forwarders leave three or four. */
const MAX_SIGNATURES = 10;

/** Look-ups for one mail: a key per signature, and the policy at two names. */
const MAX_LOOKUPS = MAX_SIGNATURES + 4;

/**
 * What makes verifying slow, and no mail program writes: lines far beyond the 998 characters of RFC 5322, blank
 * lines without end, and line ends without a carriage return. Some thousand of each are still a fraction of a second.
 */
const MAX_LINE_BYTES = 64 * 1024;
const MAX_BLANK_LINES = 50_000;
const MAX_BARE_LINE_ENDS = 20_000;

/** Headers that are held back until their end is seen. `mail-reader.ts` refuses larger ones. */
const MAX_HEADER_BYTES = 512 * 1024;

/** Of the first try; the second waits twice as long. */
const LOOKUP_TIMEOUT_MS = 2_000;
const LOOKUP_TRIES = 2;

/** After this long no further look-up begins, so that a silent name server cannot hold up other mails. */
const LOOKUP_BUDGET_MS = 8_000;

/** RFC 5322, 3.6: these occur at most once. A second one is shown by some programs and signed for others. */
const SINGULAR_HEADERS: readonly string[] = [
  'date',
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'subject',
  'message-id',
  'in-reply-to',
  'references',
  'content-type',
  'content-transfer-encoding',
  'mime-version',
];

/** What a signature must cover, beside the body. Every common signer does; RFC 6376, 5.4.1 asks for it. */
const SIGNED_HEADERS: readonly string[] = ['from', 'date', 'message-id'];

/** RFC 8301: neither signed with nor accepted any more. */
const BROKEN_ALGORITHM = /sha1$/i;

/** Checks the mails of one gateway. */
export class Authenticator {
  constructor(
    private readonly dnsServer: string | undefined,
    private readonly clock: Clock,
  ) {}

  /** Listens to one mail. Pipe the raw bytes through `tap`, then ask `judge`. */
  begin(): MailAuthentication {
    return new MailAuthentication(createLookup(this.dnsServer, this.clock), new Date(this.clock.now()));
  }
}

/** The authentication of one mail, while it is read. */
export class MailAuthentication {
  readonly tap: Transform;
  readonly #lookup: DNSResolver;
  readonly #signatures: SignatureListener;

  constructor(lookup: DNSResolver, now: Date) {
    this.#lookup = lookup;
    this.#signatures = new SignatureListener(lookup, now);
    this.tap = this.#signatures;
  }

  /** Call once the whole mail has passed. Never throws: what cannot be verified is not authenticated. */
  async judge(headers: readonly HeaderField[]): Promise<Authentication> {
    const refusal = refusalOfHeaders(headers);
    if (refusal) return unauthenticated(refusal);

    const from = fromAddress(headers);
    const reports = await this.#signatures.reports();
    if (!from || !reports) return unauthenticated('unsigned');
    // Both parsers must have read the same author, or one of them was deceived.
    if (reports.headerFrom.length !== 1 || readOneMailbox(reports.headerFrom[0] ?? '')?.address !== from) {
      return unauthenticated('no-single-from');
    }
    const usable = usableSignatures(reports.results);
    if (usable.kind === 'none') return unauthenticated(usable.reason);

    const policy = await this.#policyOf(from, usable.domains);
    return judgeAlignment(domainOf(from), usable.domains, policy);
  }

  async #policyOf(from: string, domains: readonly string[]): Promise<PolicyReport> {
    try {
      const report: unknown = await dmarc({
        headerFrom: [from],
        spfDomains: [],
        dkimDomains: domains.map((domain) => ({ domain })),
        resolver: this.#lookup,
      });
      return PolicyReport.parse(report);
    } catch {
      return { status: { result: 'temperror' } };
    }
  }
}

/** The address of the one From header; undefined when there is not exactly one. */
export function fromAddress(headers: readonly HeaderField[]): string | undefined {
  const fields = headers.filter(({ name }) => name === 'from');
  return fields.length === 1 ? readOneMailbox(fields[0]?.value ?? '')?.address : undefined;
}

function refusalOfHeaders(headers: readonly HeaderField[]): UnauthenticatedReason | undefined {
  if (!fromAddress(headers)) return 'no-single-from';
  const names = headers.map(({ name }) => name);
  // A signature may cover the absence of a header, which is no mark to know a mail by.
  if (SIGNED_HEADERS.some((name) => !names.includes(name))) return 'header-not-signed';
  const repeated = SINGULAR_HEADERS.some((name) => names.indexOf(name) !== names.lastIndexOf(name));
  return repeated ? 'repeated-header' : undefined;
}

type Usable =
  | { readonly kind: 'some'; readonly domains: readonly string[] }
  | { readonly kind: 'none'; readonly reason: UnauthenticatedReason };

/** Which domains stand for every byte of the body and for the From header. */
function usableSignatures(reports: readonly SignatureReport[]): Usable {
  const judged = reports.map((report) => ({ domain: report.signingDomain, flaw: flawOf(report) }));
  const domains = judged.filter(({ flaw }) => flaw === undefined).map(({ domain }) => domain);
  if (domains.length > 0) return { kind: 'some', domains };
  const flaws = judged.flatMap(({ flaw }) => flaw ?? []);
  // A signature that nobody could look at may be a good one.
  const reason = flaws.includes('lookup-failed') ? 'lookup-failed' : (flaws.at(-1) ?? 'unsigned');
  return { kind: 'none', reason };
}

function flawOf(report: SignatureReport): UnauthenticatedReason | undefined {
  if (report.status.result === 'none') return 'unsigned';
  if (report.status.result === 'temperror') return 'lookup-failed';
  if (report.status.result !== 'pass' || BROKEN_ALGORITHM.test(report.algo)) return 'signature-invalid';
  if (report.canonBodyLength < report.canonBodyLengthTotal) return 'body-not-covered';
  const signed = report.signingHeaders.keys
    .toLowerCase()
    .split(':')
    .map((name) => name.trim());
  return SIGNED_HEADERS.every((name) => signed.includes(name)) ? undefined : 'header-not-signed';
}

/** Pure. Alignment is worked out here: mailauth takes strict alignment for relaxed. RFC 7489, 3.1.1. */
export function judgeAlignment(
  fromDomain: string,
  signers: readonly string[],
  policy: PolicyReport,
): Authentication {
  if (policy === false || policy.status.result === 'none') return unauthenticated('no-policy');
  if (!policy.alignment) return unauthenticated('lookup-failed');

  const { strict } = policy.alignment.dkim;
  const author = comparableDomain(fromDomain);
  const aligned = signers
    .map(comparableDomain)
    .some((signer) => signer === author || (!strict && organisationOf(signer) === organisationOf(author)));
  return aligned ? { kind: 'authenticated' } : unauthenticated('not-aligned');
}

function comparableDomain(domain: string): string {
  return domainToASCII(domain.trim().replace(/\.$/, '')).toLowerCase();
}

function organisationOf(domain: string): string {
  return getDomain(domain, { allowPrivateDomains: true }) ?? domain;
}

function unauthenticated(reason: UnauthenticatedReason): Authentication {
  return { kind: 'unauthenticated', reason };
}

/** Lets a mail pass through and has mailauth verify its signatures meanwhile. */
class SignatureListener extends Transform {
  readonly #held: Buffer[] = [];
  #heldBytes = 0;
  /** Last bytes of what is held, where the end of the headers may begin. */
  #tail: Buffer = Buffer.alloc(0);
  readonly #lines = new LineBudget();
  #mode: 'headers' | 'verifying' | 'idle' = 'headers';
  readonly #toVerifier = new PassThrough();
  #verification: Promise<SignatureReports | undefined> = Promise.resolve(undefined);

  constructor(
    private readonly lookup: DNSResolver,
    private readonly now: Date,
  ) {
    super();
  }

  /** Undefined when there was nothing to verify. */
  reports(): Promise<SignatureReports | undefined> {
    return this.#verification;
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null, data?: Buffer) => void,
  ): void {
    if (this.#mode !== 'idle' && !this.#lines.allows(chunk)) this.#giveUp();
    if (this.#mode === 'headers') this.#hold(chunk);
    else if (this.#mode === 'verifying' && !this.#toVerifier.write(chunk)) {
      // As fast as the slower of the two: the reader behind us, or the verifier.
      this.#afterDrain(() => done(null, chunk));
      return;
    }
    done(null, chunk);
  }

  override _flush(done: (error?: Error | null) => void): void {
    if (this.#mode === 'headers') this.#decide();
    this.#toVerifier.end();
    this.#verification.then(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#toVerifier.end();
    done(error);
  }

  #hold(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    const seen = Buffer.concat([this.#tail, chunk]);
    this.#tail = seen.subarray(-2);
    const complete = seen.includes('\n\r\n') || seen.includes('\n\n');
    if (complete || this.#heldBytes > MAX_HEADER_BYTES) this.#decide();
  }

  /** The mail flows on; it only has no verified signature. */
  #giveUp(): void {
    this.#mode = 'idle';
    this.#held.length = 0;
    this.#verification = Promise.resolve(undefined);
    this.#toVerifier.destroy();
  }

  /** Only now is it known how many signatures there are to verify. */
  #decide(): void {
    const head = Buffer.concat(this.#held).toString('latin1');
    const signatures = head.split(/\n\r?\n/, 1)[0]?.match(/^dkim-signature[ \t]*:/gim)?.length ?? 0;
    this.#mode = signatures > 0 && signatures <= MAX_SIGNATURES ? 'verifying' : 'idle';
    if (this.#mode === 'verifying') {
      this.#verification = this.#verify();
      for (const chunk of this.#held) this.#toVerifier.write(chunk);
    }
    this.#held.length = 0;
  }

  async #verify(): Promise<SignatureReports | undefined> {
    try {
      const reports: unknown = await dkimVerify(this.#toVerifier, {
        resolver: this.lookup,
        curTime: this.now,
      });
      return SignatureReports.parse(reports);
    } catch {
      return undefined;
    } finally {
      this.#mode = 'idle';
      this.#toVerifier.destroy();
    }
  }

  #afterDrain(go: () => void): void {
    const once = () => {
      this.#toVerifier.off('drain', once);
      this.#toVerifier.off('close', once);
      go();
    };
    this.#toVerifier.once('drain', once);
    this.#toVerifier.once('close', once);
  }
}

/** Counts what would make verifying slow. */
class LineBudget {
  #lineBytes = 0;
  #blank = true;
  #blankLines = 0;
  #bareLineEnds = 0;
  #last = 0;

  /** False once there was too much of it. */
  allows(chunk: Buffer): boolean {
    for (const byte of chunk) {
      if (byte === LF) this.#endLine();
      else if (byte !== CR && byte !== SPACE && byte !== TAB) this.#blank = false;
      this.#lineBytes += 1;
      this.#last = byte;
      if (this.#lineBytes > MAX_LINE_BYTES) return false;
    }
    return this.#blankLines <= MAX_BLANK_LINES && this.#bareLineEnds <= MAX_BARE_LINE_ENDS;
  }

  #endLine(): void {
    if (this.#last !== CR) this.#bareLineEnds += 1;
    if (this.#blank) this.#blankLines += 1;
    this.#blank = true;
    this.#lineBytes = 0;
  }
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

/** A resolver that stops answering when one mail has asked too much. */
function createLookup(dnsServer: string | undefined, clock: Clock): DNSResolver {
  const resolver = new Resolver({ timeout: LOOKUP_TIMEOUT_MS, tries: LOOKUP_TRIES });
  if (dnsServer !== undefined) resolver.setServers([dnsServer]);
  const lastStart = clock.now() + LOOKUP_BUDGET_MS;
  let lookups = 0;
  return async (name, type) => {
    lookups += 1;
    if (lookups > MAX_LOOKUPS || clock.now() > lastStart || type !== 'TXT')
      throw Object.assign(new Error('not looked up'), { code: 'EREFUSED' });
    return resolver.resolveTxt(name);
  };
}
