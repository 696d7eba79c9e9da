// Programs on a JVM: jars fetched by Maven as a pom says, small sources of our own compiled against them. Each is made
// once per text of what it is made from.
import { createHash } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandResult, debianProgram, installedFolder, run, runOk } from './processes.ts';

const JDK = 'openjdk-17-jdk-headless';
/** Start of a JVM that shares two cores with the rest of a test, and prints errors only. */
export const JVM_OPTIONS = [
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
] as const;

async function digestOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
    .slice(0, 12);
}

/** Folder with the jars of `source`/pom.xml. */
export async function mavenJars(source: string, name: string): Promise<string> {
  await debianProgram('java', JDK);
  const pom = join(source, 'pom.xml');
  return installedFolder(`${name}-${await digestOf(pom)}`, async (folder) => {
    const maven = await debianProgram('mvn', 'maven');
    // Maven writes a target folder beside the pom: not into the checkout.
    await copyFile(pom, join(folder, 'pom.xml'));
    const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime'];
    await runOk(
      maven,
      ['-q', '-B', '-f', join(folder, 'pom.xml'), ...copy, `-DoutputDirectory=${folder}`],
      { timeoutMs: 600_000 },
    );
  });
}

/** Folder with the classes of a source file, compiled against the jars. */
export async function compiledClass(jars: string, file: string): Promise<string> {
  return installedFolder(`classes-${await digestOf(file)}`, async (folder) => {
    const javac = await debianProgram('javac', JDK);
    await runOk(javac, ['-cp', `${jars}/*`, '-proc:none', '-d', folder, file]);
  });
}

export interface RunClassOptions {
  readonly timeoutMs?: number;
  /** Options of the JVM behind JVM_OPTIONS; a later one counts. */
  readonly jvm?: readonly string[];
}

/** Runs the class of a source file against the jars, whatever its exit code. */
export async function tryClass(
  jars: string,
  file: string,
  args: readonly string[],
  { timeoutMs, jvm = [] }: RunClassOptions = {},
): Promise<CommandResult> {
  const classes = await compiledClass(jars, file);
  const name = file.slice(file.lastIndexOf('/') + 1, -'.java'.length);
  const command = [...JVM_OPTIONS, ...jvm, '-cp', `${classes}:${jars}/*`, name, ...args];
  return run('java', command, timeoutMs === undefined ? {} : { timeoutMs });
}

/** tryClass() that throws unless it ended with 0; what it printed. */
export async function runClass(
  jars: string,
  file: string,
  args: readonly string[],
  options: RunClassOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryClass(jars, file, args, options);
  if (code !== 0)
    throw new Error(`${file} ended with ${code}\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`);
  return stdout;
}
