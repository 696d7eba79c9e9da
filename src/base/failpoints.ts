// Named failpoints: places where a fault test kills the process, fails a step or loses an answer.
// Set by MILLRACE_FAILPOINTS (read in config/), e.g. `commit.before-sql=kill@3,rpc.answer:commit=lose@1`.
// Without a setting, `hit` costs one Map lookup on an empty map.

export type FailAction = 'kill' | 'error' | 'lose';

interface Armed {
  action: FailAction;
  /** Fires at the n-th hit (1-based), once. */
  at: number;
  hits: number;
}

const armed = new Map<string, Armed>();

/** Arms failpoints from `name=action[@n]` separated by commas. Throws on bad text. */
export function armFailpoints(spec: string): void {
  for (const part of spec.split(',').filter((text) => text.trim() !== '')) {
    const match = /^([\w.:-]+)=(kill|error|lose)(?:@(\d+))?$/.exec(part.trim());
    if (match === null)
      throw new Error(`bad failpoint '${part}', expected name=kill|error|lose[@n]`);
    const [, name, action, at] = match;
    armed.set(String(name), { action: action as FailAction, at: Number(at ?? 1), hits: 0 });
  }
}

/** What is to happen here now, undefined when nothing is armed. 'kill' does not return. */
export function failpoint(name: string): FailAction | undefined {
  if (armed.size === 0) return undefined;
  const point = armed.get(name);
  if (point === undefined) return undefined;
  point.hits += 1;
  if (point.hits !== point.at) return undefined;
  // Tests look for it: one whose failpoint was never met proves nothing.
  process.stderr.write(`failpoint ${name} fired\n`);
  if (point.action === 'kill') process.kill(process.pid, 'SIGKILL');
  if (point.action === 'error') throw new Error(`failpoint ${name}`);
  return point.action;
}
