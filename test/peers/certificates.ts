// A certificate authority for one test: server and client certificates for 127.0.0.1 as PEM files, made by
// openssl. Never used outside a temporary directory.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debianProgram, runOk } from './processes.ts';

export interface CertificateFiles {
  /** The authority's certificate: what a client trusts. */
  readonly authority: string;
  /** Key and certificate chain of the server in one file (Kafka's PEM key store). */
  readonly serverKeyStore: string;
  /** The same of a server with another name. */
  readonly misnamedKeyStore: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
  /** The client's key with the pass phrase `KEY_PHRASE`, and both as PKCS#12 with it. */
  readonly encryptedClientKey: string;
  readonly clientKeyStore: string;
  /** Certificate of an authority that signed nothing. */
  readonly strangerAuthority: string;
}

export const KEY_PHRASE = 'phrase-of-the-key';

/** Makes the files in `folder`, valid for a day. */
export async function makeCertificates(folder: string): Promise<CertificateFiles> {
  await mkdir(folder, { recursive: true });
  const at = (name: string): string => join(folder, name);
  const openssl = await debianProgram('openssl', 'openssl');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  for (const name of ['authority', 'stranger'])
    await runOk(openssl, [
      ...['req', '-x509', ...key, '-subj', `/CN=millrace test ${name}`],
      ...['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)],
    ]);
  const names = {
    server: 'IP:127.0.0.1,DNS:localhost',
    client: 'IP:127.0.0.1,DNS:localhost',
    misnamed: 'DNS:kafka.example.com',
  };
  for (const [name, alternatives] of Object.entries(names))
    await runOk(openssl, [
      ...['req', '-x509', ...key, '-subj', `/CN=millrace test ${name}`],
      ...['-addext', `subjectAltName=${alternatives}`],
      ...['-addext', 'basicConstraints=critical,CA:FALSE'],
      ...['-CA', at('authority.pem'), '-CAkey', at('authority.key')],
      ...['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)],
    ]);
  for (const name of ['server', 'misnamed']) {
    const parts = [await readFile(at(`${name}.key`)), await readFile(at(`${name}.pem`))];
    await writeFile(at(`${name}-store.pem`), Buffer.concat(parts));
  }
  const phrase = ['-passout', `pass:${KEY_PHRASE}`];
  const pair = ['-inkey', at('client.key'), '-in', at('client.pem')];
  await runOk(openssl, ['pkcs12', '-export', ...pair, ...phrase, '-out', at('client.p12')]);
  const encrypted = ['-aes-256-cbc', ...phrase, '-out', at('client-encrypted.key')];
  await runOk(openssl, ['pkey', '-in', at('client.key'), ...encrypted]);
  return {
    authority: at('authority.pem'),
    serverKeyStore: at('server-store.pem'),
    misnamedKeyStore: at('misnamed-store.pem'),
    clientCertificate: at('client.pem'),
    clientKey: at('client.key'),
    encryptedClientKey: at('client-encrypted.key'),
    clientKeyStore: at('client.p12'),
    strangerAuthority: at('stranger.pem'),
  };
}
