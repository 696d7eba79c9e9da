// The two password digests that an account stores. Both let the server check a login without the
// password; neither is enough to log in. Never stores or logs a password.
import { createHash } from 'node:crypto';
import type { Credential } from '../handler.ts';

export function sha1(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha1');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** What to store for a password, '' included. SOURCE: MySQL source docs, "Authentication Methods". */
export function passwordDigests(password: string): Credential {
  if (password === '') return { kind: 'empty-password' };
  const bytes = Buffer.from(password, 'utf8');
  return {
    kind: 'digests',
    sha1sha1: sha1(sha1(bytes)),
    sha256sha256: sha256(sha256(bytes)),
  };
}

/** The credential behind `IDENTIFIED WITH mysql_native_password AS '*<40 hex digits>'`, or null when malformed. */
export function nativeHashCredential(hash: string): Credential | null {
  if (!/^\*[0-9A-Fa-f]{40}$/.test(hash)) return null;
  return { kind: 'digests', sha1sha1: Buffer.from(hash.slice(1), 'hex'), sha256sha256: null };
}
