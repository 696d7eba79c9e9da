// IDENTIFIED ... -> the digests that are stored. A password itself goes no farther than here.
import { fail } from '../../base/errors.ts';
import type { AuthPluginName, PasswordDigests } from '../../catalog/account-records.ts';
import { nativeHashCredential, passwordDigests } from '../../mysql/auth/digests.ts';
import type { Credential } from '../../mysql/handler.ts';
import type { AuthOption, Secret } from '../../sql/ast/account.ts';

const PLUGINS: readonly AuthPluginName[] = ['mysql_native_password', 'caching_sha2_password'];

/** Digits of a native hash with its `*`. */
const NATIVE_HASH_DIGITS = 41;
const SHA2_HASH = /^[0-9A-Fa-f]{64}$/;

/** No IDENTIFIED, or a plugin alone: no password. Throws NOT_SUPPORTED for other plugins, BAD_PASSWORD_HASH. */
export function digestsOf(auth: AuthOption | null): PasswordDigests {
  const plugin = pluginOf(auth?.plugin ?? null);
  const secret = auth?.secret ?? null;
  return secret === null
    ? { sha1Digest: '', sha256Digest: '', plugin }
    : secretDigests(secret, plugin);
}

/** Throws BAD_PASSWORD_HASH. */
export function secretDigests(secret: Secret, plugin: AuthPluginName): PasswordDigests {
  if (secret.kind === 'password' || secret.text === '') {
    return { ...hex(passwordDigests(secret.text)), plugin };
  }
  if (plugin === 'caching_sha2_password') {
    if (!SHA2_HASH.test(secret.text)) throw fail('BAD_PASSWORD_HASH', { digits: 64 });
    return { sha1Digest: '', sha256Digest: secret.text.toLowerCase(), plugin };
  }
  const credential = nativeHashCredential(secret.text);
  if (credential === null) throw fail('BAD_PASSWORD_HASH', { digits: NATIVE_HASH_DIGITS });
  return { ...hex(credential), plugin };
}

function pluginOf(name: string | null): AuthPluginName {
  if (name === null) return 'mysql_native_password';
  const found = PLUGINS.find((plugin) => plugin === name.toLowerCase());
  if (found !== undefined) return found;
  throw fail('NOT_SUPPORTED', {
    what: `the authentication plugin '${name.slice(0, 80)}'`,
    hint: `use ${PLUGINS.join(' or ')}`,
  });
}

function hex(credential: Credential): Pick<PasswordDigests, 'sha1Digest' | 'sha256Digest'> {
  if (credential.kind === 'empty-password') return { sha1Digest: '', sha256Digest: '' };
  return {
    sha1Digest: credential.sha1sha1?.toString('hex') ?? '',
    sha256Digest: credential.sha256sha256?.toString('hex') ?? '',
  };
}

/** What the login checks against. */
export function credentialOf(user: PasswordDigests): Credential {
  if (user.sha1Digest === '' && user.sha256Digest === '') return { kind: 'empty-password' };
  const bytes = (text: string): Buffer | null => (text === '' ? null : Buffer.from(text, 'hex'));
  return {
    kind: 'digests',
    sha1sha1: bytes(user.sha1Digest),
    sha256sha256: bytes(user.sha256Digest),
  };
}
