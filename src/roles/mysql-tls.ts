// The key and certificate of the MySQL port: from the files that fe.conf names, or self-made ones that are
// kept in the data directory. Reads and writes files at the start only.
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Config } from '../config/load.ts';
import { selfSigned } from '../mysql/self-signed.ts';

export interface MysqlTlsOptions {
  readonly config: Config;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Folder in the data directory that the self-made key and certificate are in. */
const FOLDER = 'tls';
/** A self-made certificate is made anew when it would not last so long. */
const RENEW_MS = 30 * 24 * 3600 * 1000;

/** What the MySQL port needs for TLS, null for none. Throws CONFIG_INVALID for files that cannot be used. */
export function openMysqlTls(options: MysqlTlsOptions): SecureContextOptions | null {
  const { config } = options;
  const configured = fromConfig(config);
  if (configured !== null) return configured;
  if (config.bool('ssl_self_signed_certificate')) return selfMade(options);
  if (config.bool('ssl_force_secure_transport')) {
    throw invalid('ssl_force_secure_transport', 'there is no certificate');
  }
  return null;
}

function fromConfig(config: Config): SecureContextOptions | null {
  const store = config.text('ssl_keystore_location');
  const cert = config.text('ssl_certificate_file');
  const key = config.text('ssl_key_file');
  if (store !== '' && cert + key !== '') {
    throw invalid('ssl_keystore_location', 'a key store and a certificate file are given');
  }
  if (store !== '') {
    const passphrase = config.text('ssl_keystore_password');
    const pfx = readConfigured('ssl_keystore_location', store);
    return checked('ssl_keystore_location', store, { pfx, passphrase });
  }
  if (cert === '' && key === '') return null;
  if (cert === '' || key === '') {
    throw invalid('ssl_certificate_file', 'ssl_certificate_file and ssl_key_file belong together');
  }
  const passphrase = config.text('ssl_key_password');
  return checked('ssl_certificate_file', cert, {
    cert: readConfigured('ssl_certificate_file', cert),
    key: readConfigured('ssl_key_file', key),
    ...(passphrase === '' ? {} : { passphrase }),
  });
}

function readConfigured(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw invalid(key, `'${path}' cannot be read`, error);
  }
}

/** Key and certificate that do not fit, a wrong password or a wrong format must end the start, not each login. */
function checked(key: string, path: string, context: SecureContextOptions): SecureContextOptions {
  try {
    createSecureContext(context);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw invalid(key, `'${path}' cannot be used: ${detail}`, error);
  }
  return context;
}

function invalid(key: string, detail: string, cause?: unknown): Error {
  const hint =
    'ssl_keystore_location takes a PKCS#12 file with its ssl_keystore_password, ssl_certificate_file and ssl_key_file take PEM files';
  return fail('CONFIG_INVALID', { where: `fe.conf: ${key}`, detail, hint }, cause);
}

function selfMade({ dataDir, clock, random, log }: MysqlTlsOptions): SecureContextOptions {
  const folder = join(dataDir, FOLDER);
  const keyPath = join(folder, 'server-key.pem');
  const certPath = join(folder, 'server-cert.pem');
  if (!isUsable(keyPath, certPath, clock.nowMs())) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const hosts = [...new Set(['localhost', hostname(), '127.0.0.1'])];
    const { key, cert } = selfSigned({ hosts, nowMs: clock.nowMs(), random });
    // Removed first: an existing file would keep its mode.
    rmSync(keyPath, { force: true });
    writeFileSync(keyPath, key, { mode: 0o600, flag: 'wx' });
    writeFileSync(certPath, cert, { mode: 0o644 });
    log.info('self-signed certificate made for the MySQL port', { path: certPath });
  }
  return { key: readFileSync(keyPath), cert: readFileSync(certPath) };
}

/** False also after a start that was killed between the two files: then they do not belong together. */
function isUsable(keyPath: string, certPath: string, nowMs: number): boolean {
  if (!existsSync(keyPath) || !existsSync(certPath)) return false;
  try {
    const cert = readFileSync(certPath);
    createSecureContext({ key: readFileSync(keyPath), cert });
    return new X509Certificate(cert).validToDate.getTime() > nowMs + RENEW_MS;
  } catch {
    return false;
  }
}
