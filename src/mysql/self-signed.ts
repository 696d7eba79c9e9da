// A self-signed certificate made with Node alone: for a server whose owner gave it none. Holds just enough
// of DER (X.690) and of certificates (RFC 5280) for that; the key and the signature are node:crypto's.
import { generateKeyPairSync, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import type { Random } from '../base/random.ts';

const DAY_MS = 24 * 3600 * 1000;
/** From a day before it was made, for clocks that are behind, to ten years after. */
const VALID_DAYS = 3652;

export interface SelfSignedOptions {
  /** Host names and IPv4 addresses that the certificate is for; the first is its common name. */
  readonly hosts: readonly string[];
  readonly nowMs: number;
  readonly random: Random;
}

/** PEM texts of a P-256 key and its certificate. */
export function selfSigned({ hosts, nowMs, random }: SelfSignedOptions): {
  key: string;
  cert: string;
} {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const commonName = Buffer.from(hosts[0] ?? 'localhost', 'utf8');
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(UTF8_STRING, commonName))));
  const algorithm = sequence(ECDSA_WITH_SHA256);
  const body = sequence(
    der(0xa0, der(INTEGER, Buffer.of(2))),
    // Positive and not zero, whatever the random bytes are.
    der(INTEGER, Buffer.concat([Buffer.of(1), random.bytes(15)])),
    algorithm,
    name,
    sequence(time(nowMs - DAY_MS), time(nowMs + VALID_DAYS * DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(alternativeNames(hosts))),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = sequence(body, algorithm, der(0x03, Buffer.of(0), signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}

const INTEGER = 0x02;
const UTF8_STRING = 0x0c;
const ECDSA_WITH_SHA256 = Buffer.from('06082a8648ce3d040302', 'hex');
const COMMON_NAME = Buffer.from('0603550403', 'hex');
const SUBJECT_ALTERNATIVE_NAME = Buffer.from('0603551d11', 'hex');

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length =
    body.length < 128
      ? Buffer.of(body.length)
      : body.length < 256
        ? Buffer.of(0x81, body.length)
        : Buffer.of(0x82, body.length >> 8, body.length & 0xff);
  return Buffer.concat([Buffer.of(tag), length, body]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

/** UTCTime up to 2049, GeneralizedTime from 2050 on, as RFC 5280 wants it. */
function time(ms: number): Buffer {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/\D/g, '');
  return digits < '2050'
    ? der(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : der(0x18, Buffer.from(`${digits}Z`));
}

function alternativeNames(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) =>
    isIPv4(host)
      ? der(0x87, Buffer.from(host.split('.').map(Number)))
      : der(0x82, Buffer.from(host, 'latin1')),
  );
  return sequence(SUBJECT_ALTERNATIVE_NAME, der(0x04, sequence(...names)));
}
