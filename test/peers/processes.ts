// Child processes of the tests against real peers: installers that say what failed, servers that never
// outlive the test (killed by pid when it ends, and by the kernel when the test itself is killed).
import { type ChildProcess, spawn } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';

/** Where everything that the tests install lives (git-ignored); reused by the next run. */
export const PEERS = join(import.meta.dirname, '..', '..', '.peers');

const running = new Set<ChildProcess>();

function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

process.once('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    killAll();
    process.exit(1);
  });

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Default 120 s; the command is killed after it and the call throws. */
  readonly timeoutMs?: number;
}

/** Runs a command to its end, whatever its exit code. Throws when it cannot start or takes too long. */
export function run(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    running.add(child);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => out.push(data));
    child.stderr.on('data', (data: Buffer) => err.push(data));
    const text = (parts: readonly Buffer[]): string => Buffer.concat(parts).toString('utf8');
    const timeoutMs = options.timeoutMs ?? 120_000;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${program} took more than ${timeoutMs} ms\n${text(out)}\n${text(err)}`));
    }, timeoutMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code, stdout: text(out), stderr: text(err) });
    });
    // A program that ends without reading its input is not an error of the caller.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** Like run(), but an exit code other than 0 throws with what the program printed. */
export async function runOk(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await run(program, args, options);
  if (result.code !== 0)
    throw new Error(
      `${program} ${args.slice(0, 6).join(' ')} ended with ${result.code}\n${result.stdout.slice(-4000)}\n${result.stderr.slice(-4000)}`,
    );
  return result.stdout;
}

export interface Server {
  readonly pid: number;
  /** The last 8 kB of what it printed. */
  readonly output: () => string;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<void>;
}

export interface ServerOptions {
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Starts a server and waits until it listens on 127.0.0.1. Throws with its output when it does not. */
export async function startServerProcess(
  program: string,
  args: readonly string[],
  options: ServerOptions,
): Promise<Server> {
  const dieWithParent = await programPath('setpriv');
  const command = dieWithParent === undefined ? program : dieWithParent;
  const prefix = dieWithParent === undefined ? [] : ['--pdeathsig', 'KILL', program];
  const child = spawn(command, [...prefix, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  running.add(child);
  let output = '';
  const keep = (data: Buffer): void => {
    output = (output + data.toString()).slice(-8000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      output += String(error);
      resolve();
    });
    child.once('exit', () => resolve());
  }).then(() => running.delete(child));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  const until = performance.now() + (options.timeoutMs ?? 60_000);
  while (!(await listens(options.port))) {
    if (!running.has(child) || performance.now() > until) {
      await end('SIGKILL');
      throw new Error(`${program} does not listen on port ${options.port}\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { pid: child.pid ?? 0, output: () => output, end };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * A folder below .peers/ that `fill` made, once: filled beside its place and renamed, so that a broken
 * installation is never taken for a whole one. The name must change with its contents (versions).
 */
export async function installedFolder(
  name: string,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(PEERS, name);
  if (await exists(folder)) return folder;
  await mkdir(PEERS, { recursive: true });
  const draft = await mkdtemp(join(PEERS, '.draft-'));
  try {
    await fill(draft);
    await rename(draft, folder).catch(async (error: unknown) => {
      // Another test process was quicker: its folder is as good.
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return folder;
}

/** Path of a program on PATH. */
async function programPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return undefined;
}

let aptUpdated = false;

/** Installs a Debian package (as root), with a fresh package list when the known one is too old. */
export async function aptInstall(aptPackage: string): Promise<void> {
  const install = (): Promise<CommandResult> =>
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', aptPackage], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      timeoutMs: 600_000,
    });
  let result = await install();
  if (result.code !== 0 && !aptUpdated) {
    await runOk('apt-get', ['update', '-q'], { timeoutMs: 300_000 });
    aptUpdated = true;
    result = await install();
  }
  if (result.code !== 0)
    throw new Error(
      `apt-get install ${aptPackage} failed: as root, install it by hand\n${result.stdout}\n${result.stderr}`,
    );
}

/** Path of a program, installed from Debian's `aptPackage` when it is missing. Throws when it cannot be had. */
export async function debianProgram(name: string, aptPackage: string): Promise<string> {
  const present = await programPath(name);
  if (present !== undefined) return present;
  await aptInstall(aptPackage);
  const path = await programPath(name);
  if (path === undefined) throw new Error(`${aptPackage} is installed but has no ${name}`);
  return path;
}
