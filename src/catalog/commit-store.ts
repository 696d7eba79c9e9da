// The SQL of the commit protocol. Only commit/ may call it.
/** See commit/committer.ts. */
export type CommitStore = object;
