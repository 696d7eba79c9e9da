// Reads the certificate and key files that the properties name and makes TLS options of them. A value
// `FILE:name` is a file of CREATE FILE, whose bytes came with the connection; anything else is a path.
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { fail } from '../../base/errors.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import { FILE_PREFIX, type KafkaPropertyName, type KafkaSettings } from './properties.ts';

export interface TlsSettings extends SecureContextOptions {
  /** False = any certificate is taken. */
  readonly verify: boolean;
  /** False = the certificate need not carry the broker's name. */
  readonly checkHostName: boolean;
}

type Files = KafkaConnectionSpec['files'];

/**
 * TLS settings, null when the protocol has none. Rejects with KAFKA_PROPERTY_INVALID for a file that is not
 * there, or that OpenSSL cannot use.
 */
export async function loadTlsSettings(
  settings: KafkaSettings,
  files: Files,
): Promise<TlsSettings | null> {
  if (!settings['security.protocol'].endsWith('SSL')) return null;
  const file = (name: FileName): Promise<Buffer | null> => readNamed(settings, name, files);
  const [ca, cert, key, pfx, crl] = await Promise.all([
    settings['ssl.ca.pem'] ?? file('ssl.ca.location'),
    settings['ssl.certificate.pem'] ?? file('ssl.certificate.location'),
    settings['ssl.key.pem'] ?? file('ssl.key.location'),
    file('ssl.keystore.location'),
    file('ssl.crl.location'),
  ]);
  const passphrase = settings[pfx === null ? 'ssl.key.password' : 'ssl.keystore.password'];
  const given: SecureContextOptions = {
    ...optional('ca', ca),
    ...optional('cert', cert),
    ...optional('key', key),
    ...optional('pfx', pfx),
    ...optional('crl', crl),
    ...optional('passphrase', passphrase),
    ...optional('ciphers', settings['ssl.cipher.suites']),
    ...optional('ecdhCurve', settings['ssl.curves.list']),
    ...optional('sigalgs', settings['ssl.sigalgs.list']),
  };
  await checkEach(settings, given);
  return {
    ...given,
    verify: settings['enable.ssl.certificate.verification'],
    checkHostName: settings['ssl.endpoint.identification.algorithm'] === 'https',
  };
}

/** CA certificates for the token endpoint; null = the usual ones. Rejects with KAFKA_PROPERTY_INVALID. */
export async function readHttpsAuthorities(
  settings: KafkaSettings,
  files: Files,
): Promise<string | Buffer | null> {
  const ca = settings['https.ca.pem'] ?? (await readNamed(settings, 'https.ca.location', files));
  if (ca === null) return null;
  try {
    checkCertificates(String(ca));
  } catch (thrown) {
    const name = settings['https.ca.pem'] === null ? 'https.ca.location' : 'https.ca.pem';
    throw invalid(settings, name, `certificates (PEM): ${reasonOf(thrown)}`, thrown);
  }
  return ca;
}

function optional<K extends string, V>(key: K, value: V | null): { readonly [N in K]?: V } {
  return value === null ? {} : ({ [key]: value } as { readonly [N in K]?: V });
}

/** Tries each part alone, so that the error names the property. */
async function checkEach(settings: KafkaSettings, given: SecureContextOptions): Promise<void> {
  const { passphrase } = given;
  const withPhrase = passphrase === undefined ? {} : { passphrase };
  const nameOf = (part: 'ca' | 'certificate' | 'key'): KafkaPropertyName =>
    settings[`ssl.${part}.pem`] === null ? `ssl.${part}.location` : `ssl.${part}.pem`;
  const tries: readonly (readonly [KafkaPropertyName, SecureContextOptions, string])[] = [
    [nameOf('ca'), { ...optional('ca', given.ca ?? null) }, 'certificates (PEM)'],
    [
      nameOf('certificate'),
      { ...optional('cert', given.cert ?? null) },
      'a certificate chain (PEM)',
    ],
    [
      nameOf('key'),
      given.key === undefined ? {} : { key: given.key, ...withPhrase },
      'a private key (PEM), with ssl.key.password where it is encrypted',
    ],
    [
      'ssl.keystore.location',
      given.pfx === undefined ? {} : { pfx: given.pfx, ...withPhrase },
      'a PKCS#12 file, with its ssl.keystore.password',
    ],
    ['ssl.crl.location', { ...optional('crl', given.crl ?? null) }, 'a revocation list (PEM)'],
    [
      'ssl.cipher.suites',
      { ...optional('ciphers', given.ciphers ?? null) },
      'an OpenSSL cipher list',
    ],
    ['ssl.curves.list', { ...optional('ecdhCurve', given.ecdhCurve ?? null) }, 'known curves'],
    ['ssl.sigalgs.list', { ...optional('sigalgs', given.sigalgs ?? null) }, 'known algorithms'],
  ];
  for (const [name, part, expected] of tries) {
    if (Object.keys(part).length === 0) continue;
    try {
      if (part.ca !== undefined) checkCertificates(String(part.ca));
      createSecureContext(part);
    } catch (thrown) {
      throw invalid(settings, name, `${expected}: ${reasonOf(thrown)}`, thrown);
    }
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** OpenSSL passes over what it cannot read among the CA certificates: then no broker would be trusted, without a word. */
function checkCertificates(pem: string): void {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new Error('no certificate in it');
  for (const block of blocks) new X509Certificate(block);
}

type FileName =
  | 'ssl.ca.location'
  | 'ssl.certificate.location'
  | 'ssl.key.location'
  | 'ssl.keystore.location'
  | 'ssl.crl.location'
  | 'https.ca.location';

async function readNamed(
  settings: KafkaSettings,
  name: FileName,
  files: Files,
): Promise<Buffer | null> {
  const value = settings[name];
  if (value === null || (name.endsWith('.ca.location') && value === 'probe')) return null;
  if (value.startsWith(FILE_PREFIX)) {
    const bytes = files?.[value.slice(FILE_PREFIX.length)];
    if (bytes === undefined) throw invalid(settings, name, 'a file made by CREATE FILE', null);
    return Buffer.from(bytes);
  }
  try {
    return await readFile(value);
  } catch (thrown) {
    throw invalid(settings, name, `a readable file: ${reasonOf(thrown)}`, thrown);
  }
}

function invalid(
  settings: KafkaSettings,
  name: KafkaPropertyName,
  expected: string,
  cause: unknown,
): Error {
  // Of a text that is the secret itself nothing is shown.
  const value = name.endsWith('.pem') ? '******' : String(settings[name]);
  return fail('KAFKA_PROPERTY_INVALID', { name, value, expected }, cause);
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error && 'reason' in thrown && typeof thrown.reason === 'string')
    return thrown.reason;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
