// What Millrace takes from environment variables. Nothing else reads process.env.

/** Failpoints for fault tests, by role (`loader:task.after-stage=kill@2;fe:commit.before-sql=kill`). */
export function failpointsFromEnvironment(): ReadonlyMap<string, string> {
  const failpoints = new Map<string, string>();
  for (const part of (process.env['MILLRACE_FAILPOINTS'] ?? '').split(';')) {
    const colon = part.indexOf(':');
    if (colon > 0) failpoints.set(part.slice(0, colon).trim(), part.slice(colon + 1).trim());
  }
  return failpoints;
}

/** Environment for a child process: ours plus what DuckDB processes need before Node starts. */
export function childEnvironment(extra: Readonly<Record<string, string>>): Record<string, string> {
  const inherited: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && name !== 'MILLRACE_FAILPOINTS') inherited[name] = value;
  }
  return { ...inherited, ...extra };
}
