// Where the MySQL port's certificate comes from: self-made and kept, or files of the configuration.
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '../../../src/base/log.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { selfSigned } from '../../../src/mysql/self-signed.ts';
import { openMysqlTls } from '../../../src/roles/mysql-tls.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function open(
  folder: string,
  conf: readonly string[] = [],
  nowMs = 1_700_000_000_000,
): ReturnType<typeof openMysqlTls> {
  const path = join(folder, 'fe.conf');
  writeFileSync(path, conf.join('\n'));
  return openMysqlTls({
    config: loadConfig([path]),
    dataDir: folder,
    clock: new ManualClock(nowMs),
    random: systemRandom,
    log: silentLog,
  });
}

test('a certificate is made once, kept, and made anew before it ends; the key is for the owner only', () => {
  inFolder((folder) => {
    const first = open(folder);
    const key = join(folder, 'tls', 'server-key.pem');
    assert.equal(statSync(key).mode & 0o777, 0o600);
    assert.deepEqual(open(folder), first);
    const eleven = 11 * 365 * 24 * 3600 * 1000;
    const later = open(folder, [], 1_700_000_000_000 + eleven);
    assert.notDeepEqual(later, first);
    assert.equal(statSync(key).mode & 0o777, 0o600);
    // As after a kill between the two files.
    const other = selfSigned({ hosts: ['other'], nowMs: 1_700_000_000_000, random: systemRandom });
    writeFileSync(key, other.key);
    const mended = open(folder);
    assert.notDeepEqual(mended?.key, Buffer.from(other.key));
  });
});

test('the certificate is for its hosts, and signed by its own key', () => {
  const hosts = ['localhost', 'db.example.com', '127.0.0.1'];
  for (const nowMs of [1_700_000_000_000, Date.UTC(2045, 1, 1)]) {
    const made = selfSigned({ hosts, nowMs, random: systemRandom });
    const certificate = new X509Certificate(made.cert);
    assert.equal(
      certificate.subjectAltName,
      'DNS:localhost, DNS:db.example.com, IP Address:127.0.0.1',
    );
    assert.ok(certificate.verify(certificate.publicKey));
    assert.ok(certificate.checkPrivateKey(createPrivateKey(made.key)));
    const days = (certificate.validToDate.getTime() - nowMs) / (24 * 3600 * 1000);
    assert.ok(days > 3651 && days < 3653, `${days} days`);
  }
});

test('PEM files of the configuration; what cannot be used ends the start', () => {
  inFolder((folder) => {
    const made = selfSigned({ hosts: ['h'], nowMs: 1_700_000_000_000, random: systemRandom });
    const other = selfSigned({ hosts: ['h'], nowMs: 1_700_000_000_000, random: systemRandom });
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('cert.pem'), made.cert);
    writeFileSync(at('key.pem'), made.key);
    writeFileSync(at('other.pem'), other.key);
    const cert = `ssl_certificate_file = ${at('cert.pem')}`;
    const right = open(folder, [cert, `ssl_key_file = ${at('key.pem')}`]);
    assert.deepEqual(right?.cert, readFileSync(at('cert.pem')));
    const wrong: readonly (readonly string[])[] = [
      [cert],
      [cert, `ssl_key_file = ${at('missing.pem')}`],
      [cert, `ssl_key_file = ${at('other.pem')}`],
      [`ssl_keystore_location = ${at('key.pem')}`],
      [`ssl_keystore_location = ${at('key.pem')}`, cert],
      ['ssl_self_signed_certificate = false', 'ssl_force_secure_transport = true'],
    ];
    for (const conf of wrong) {
      assert.throws(() => open(folder, conf), { code: 'CONFIG_INVALID' }, conf.join('; '));
    }
    assert.equal(open(folder, ['ssl_self_signed_certificate = false']), null);
  });
});
