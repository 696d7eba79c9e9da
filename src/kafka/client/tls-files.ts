// Reads the certificate and key files that the properties name and makes TLS options of them.
import { readFile } from 'node:fs/promises';
import type { SecureContextOptions } from 'node:tls';
import { fail } from '../../base/errors.ts';
import type { KafkaPropertyName, KafkaSettings } from './properties.ts';

export interface TlsSettings extends SecureContextOptions {
  /** False = any certificate is taken. */
  readonly verify: boolean;
  /** False = the certificate need not carry the broker's name. */
  readonly checkHostName: boolean;
}

/** TLS settings, null when the protocol has none. Rejects with KAFKA_PROPERTY_INVALID for an unreadable file. */
export async function loadTlsSettings(settings: KafkaSettings): Promise<TlsSettings | null> {
  if (!settings['security.protocol'].endsWith('SSL')) return null;
  const [ca, cert, key] = await Promise.all([
    pem(settings, 'ssl.ca.pem', 'ssl.ca.location'),
    pem(settings, 'ssl.certificate.pem', 'ssl.certificate.location'),
    pem(settings, 'ssl.key.pem', 'ssl.key.location'),
  ]);
  const passphrase = settings['ssl.key.password'];
  return {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    ...(passphrase === null ? {} : { passphrase }),
    verify: settings['enable.ssl.certificate.verification'],
    checkHostName: settings['ssl.endpoint.identification.algorithm'] === 'https',
  };
}

type TextName = {
  [Name in KafkaPropertyName]: KafkaSettings[Name] extends string | null ? Name : never;
}[KafkaPropertyName];

async function pem(
  settings: KafkaSettings,
  inlineName: TextName,
  fileName: TextName,
): Promise<string | null> {
  const inline = settings[inlineName];
  const path = settings[fileName];
  if (inline !== null || path === null) return inline;
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw fail(
      'KAFKA_PROPERTY_INVALID',
      { name: fileName, value: path, expected: `a readable file: ${reason}` },
      thrown,
    );
  }
}
