/**
 * The DKIM keys of the sandbox's mail domains: made when a domain first signs, published in the sandbox's DNS,
 * and kept in the journal, so that a mail signed before a restart still verifies after it.
 */
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import { z } from 'zod';
import type { DnsServer } from '../dns/dns-server.ts';
import type { Journal } from '../journal.ts';

const JOURNAL_KIND = 'mail-keys';
const SELECTOR = 'sandbox';

const DomainKey = z.object({ domain: z.string(), privateKey: z.string(), publicKey: z.string() });
type DomainKey = z.infer<typeof DomainKey>;

export class DomainKeys {
  readonly #keys = new Map<string, Promise<DomainKey>>();

  constructor(
    private readonly journal: Journal,
    private readonly dns: DnsServer,
    private readonly keyBits: number,
  ) {}

  start(): void {
    for (const record of this.journal.replay(JOURNAL_KIND)) {
      const key = DomainKey.parse(record);
      this.#keys.set(key.domain, Promise.resolve(key));
      this.#publish(key);
    }
  }

  /**
   * Returns the mail with a DKIM signature of `domain` in front. `bodyLimit` signs only that many bytes of the
   * body (the `l=` tag), so that whatever is appended later does not break the signature.
   */
  async sign(raw: Buffer, domain: string, bodyLimit?: number): Promise<Buffer> {
    const { privateKey } = await this.#of(domain);
    const { signatures, errors } = await dkimSign(raw, {
      signingDomain: domain,
      selector: SELECTOR,
      privateKey,
      // The body as it is: the limit counts canonical bytes, which then are the bytes of the mail.
      canonicalization: 'relaxed/simple',
      // Left out, it is taken twice: for what is signed, and for the header. Between the two a second may end.
      signTime: new Date(),
      signatureData: [
        {
          signingDomain: domain,
          selector: SELECTOR,
          privateKey,
          ...(bodyLimit === undefined ? {} : { maxBodyLength: bodyLimit }),
        },
      ],
    });
    if (errors[0]) throw new Error(`no DKIM signature of ${domain}`, { cause: errors[0] });
    return Buffer.concat([Buffer.from(signatures), raw]);
  }

  #of(domain: string): Promise<DomainKey> {
    const known = this.#keys.get(domain);
    if (known) return known;
    const made = this.#make(domain);
    this.#keys.set(domain, made);
    return made;
  }

  async #make(domain: string): Promise<DomainKey> {
    const pair = await promisify(generateKeyPair)('rsa', {
      modulusLength: this.keyBits,
      publicKeyEncoding: { type: 'spki', format: 'der' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const key = { domain, privateKey: pair.privateKey, publicKey: pair.publicKey.toString('base64') };
    this.journal.append(JOURNAL_KIND, key);
    this.#publish(key);
    return key;
  }

  #publish(key: DomainKey): void {
    const text = `v=DKIM1; k=rsa; p=${key.publicKey}`;
    this.dns.publish(`${SELECTOR}._domainkey.${key.domain}`, { type: 'TXT', text });
  }
}
