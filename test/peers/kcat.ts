// kcat (librdkafka's command line), from Debian.
import { debianProgram, runOk } from './processes.ts';

/** Runs kcat against a broker; what it printed. Throws unless it ended with 0. */
export async function kcat(
  bootstrap: string,
  args: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<string> {
  return runOk(await debianProgram('kcat', 'kcat'), ['-b', bootstrap, ...args], options);
}

/** All messages of a topic from its beginning, `format` each (kcat's %-codes). */
export function kcatAll(bootstrap: string, topic: string, format: string): Promise<string> {
  return kcat(bootstrap, ['-C', '-q', '-e', '-t', topic, '-o', 'beginning', '-f', format]);
}
