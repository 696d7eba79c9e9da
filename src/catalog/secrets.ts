// Encryption of secrets at rest: AES-256-GCM under a key file beside the metadata. Nothing in here logs.
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { fail } from '../base/errors.ts';
import type { Random } from '../base/random.ts';

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1:';
const TOKEN_BYTES = 16;

/** What a sealed text is for; bound into it, so that it cannot be moved to another place. */
export type SealPurpose = 'volume-params' | 'load-job' | 'small-file' | 'key-check';

export class Sealer {
  readonly #key: Buffer;
  readonly #path: string;
  readonly #random: Random;

  constructor(key: Buffer, path: string, random: Random) {
    this.#key = key;
    this.#path = path;
    this.#random = random;
  }

  seal(purpose: SealPurpose, text: string): string {
    const iv = this.#random.bytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv);
    cipher.setAAD(Buffer.from(purpose));
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return VERSION + Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** 32 hex digits that only this metadata can make for the text: who has them was given them. */
  token(text: string): string {
    const hmac = createHmac('sha256', this.#key).update(`token\0${text}`);
    return hmac.digest('hex').slice(0, 2 * TOKEN_BYTES);
  }

  /** Throws METADATA_KEY_WRONG when the key does not fit or the text was changed. */
  unseal(purpose: SealPurpose, sealedText: string): string {
    const bytes = Buffer.from(sealedText.slice(VERSION.length), 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, IV_BYTES));
      decipher.setAAD(Buffer.from(purpose));
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const text = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch (error) {
      throw fail('METADATA_KEY_WRONG', { path: this.#path }, error);
    }
  }
}

/**
 * Reads the key file, or makes it (mode 0600) when `mayMake`, that is when the metadata is new.
 * Throws METADATA_KEY_MISSING, METADATA_KEY_WRONG.
 */
export function openKeyFile(path: string, mayMake: boolean, random: Random): Sealer {
  if (!existsSync(path)) {
    if (!mayMake) throw fail('METADATA_KEY_MISSING', { path });
    const file = openSync(path, 'wx', 0o600);
    try {
      writeSync(file, `${random.bytes(KEY_BYTES).toString('hex')}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
  const text = readFileSync(path, 'utf8').trim();
  if (!/^[0-9a-f]{64}$/.test(text)) throw fail('METADATA_KEY_WRONG', { path });
  return new Sealer(Buffer.from(text, 'hex'), path, random);
}
