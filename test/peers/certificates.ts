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
  readonly clientCertificate: string;
  readonly clientKey: string;
  /** Certificate of an authority that signed nothing. */
  readonly strangerAuthority: string;
}

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
  for (const name of ['server', 'client'])
    await runOk(openssl, [
      ...['req', '-x509', ...key, '-subj', `/CN=millrace test ${name}`],
      ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
      ...['-addext', 'basicConstraints=critical,CA:FALSE'],
      ...['-CA', at('authority.pem'), '-CAkey', at('authority.key')],
      ...['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)],
    ]);
  const parts = [await readFile(at('server.key')), await readFile(at('server.pem'))];
  await writeFile(at('server-store.pem'), Buffer.concat(parts));
  return {
    authority: at('authority.pem'),
    serverKeyStore: at('server-store.pem'),
    clientCertificate: at('client.pem'),
    clientKey: at('client.key'),
    strangerAuthority: at('stranger.pem'),
  };
}
