// A real S3 server for tests: versitygw, installed into .peers/ by `go install` when it is not there
// (about 3 minutes, once), run on 127.0.0.1 with a directory as its storage.
import { execFile, spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const VERSION = 'v1.8.0';
const PEERS = join(import.meta.dirname, '..', '..', '.peers');
const START_TIMEOUT_MS = 15_000;

export interface S3Peer {
  /** `127.0.0.1:port`, without scheme. */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Directory with a folder per bucket: `mkdir` in it makes a bucket. */
  readonly root: string;
  close(): Promise<void>;
}

/** Path of the server's program; installs it when missing. Throws with the tool's output when it cannot. */
export async function installVersitygw(): Promise<string> {
  const folder = join(PEERS, 'bin');
  const program = join(folder, 'versitygw');
  try {
    await access(program);
    return program;
  } catch {
    await mkdir(folder, { recursive: true });
  }
  const module = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
  await promisify(execFile)('go', ['install', module], {
    env: { ...process.env, GOBIN: folder },
    timeout: 15 * 60_000,
  });
  return program;
}

/** Starts a server with empty storage and the given buckets. */
export async function startVersitygw(buckets: readonly string[]): Promise<S3Peer> {
  const program = await installVersitygw();
  const root = await mkdtemp(join(tmpdir(), 'millrace-s3-'));
  for (const bucket of buckets) await mkdir(join(root, bucket));
  const port = await freePort();
  const endpoint = `127.0.0.1:${port}`;
  const accessKey = 'millrace-test-access';
  const secretKey = 'millrace-test-secret';
  const child = spawn(program, ['--port', endpoint, 'posix', root], {
    env: { ...process.env, ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => {
    errors = (errors + text.toString()).slice(-4000);
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    await rm(root, { recursive: true, force: true });
  };
  try {
    await untilListening(port, () => child.exitCode !== null);
  } catch (thrown) {
    await close();
    throw new Error(`versitygw did not start: ${errors}`, { cause: thrown });
  }
  return { endpoint, accessKey, secretKey, root, close };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}

async function untilListening(port: number, ended: () => boolean): Promise<void> {
  const until = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    if (ended() || performance.now() > until) throw new Error('not listening');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
