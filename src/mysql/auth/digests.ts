// The two password digests that an account stores. Both let the server check a login without the
// password; neither is enough to log in. Never stores or logs a password.
import { createHash, timingSafeEqual } from 'node:crypto';
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

/** Digests that no password has: a check against them takes as long as against real ones. */
export const NO_ONES_PASSWORD: Credential = {
  kind: 'digests',
  sha1sha1: Buffer.alloc(20),
  sha256sha256: Buffer.alloc(32),
};

/** Is it the password in clear text? */
export function checkPassword(stored: Credential, password: string): boolean {
  const bytes = Buffer.from(password, 'utf8');
  const given = { sha1sha1: sha1(sha1(bytes)), sha256sha256: sha256(sha256(bytes)) };
  if (stored.kind === 'empty-password') return password === '';
  if (password === '') return false;
  return stored.sha256sha256 !== null
    ? timingSafeEqual(given.sha256sha256, stored.sha256sha256)
    : stored.sha1sha1 !== null && timingSafeEqual(given.sha1sha1, stored.sha1sha1);
}

/** The credential behind `IDENTIFIED WITH mysql_native_password AS '*<40 hex digits>'`, or null when malformed. */
export function nativeHashCredential(hash: string): Credential | null {
  if (!/^\*[0-9A-Fa-f]{40}$/.test(hash)) return null;
  return { kind: 'digests', sha1sha1: Buffer.from(hash.slice(1), 'hex'), sha256sha256: null };
}
