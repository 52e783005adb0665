/**
 * Interaction tokens, sealed. Who holds one can write in our name for 15 minutes, and an address is kept with
 * approvals, in the audit and in dead letters; so the address holds the token in a form that only those who have the
 * bot's own token can open. That of another bot, or from before it was reset, opens as nothing.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export class TokenSeal {
  readonly #key: Buffer;

  constructor(botToken: string) {
    this.#key = Buffer.from(hkdfSync('sha256', botToken, '', 'signalbox interaction token', 32));
  }

  /** The same for the same interaction, so that its address is the same however often it is delivered. */
  seal({ id, token }: { readonly id: string; readonly token: string }): string {
    // Made from what is sealed: no nonce stands for two texts.
    const nonce = createHmac('sha256', this.#key).update(`${id}:${token}`).digest().subarray(0, NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(id));
    const sealed = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** Undefined when it was not sealed with this bot's token, or for another interaction. */
  open({ id, sealed }: { readonly id: string; readonly sealed: string }): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(ALGORITHM, this.#key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(id));
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    try {
      const token = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES));
      return Buffer.concat([token, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }
}
