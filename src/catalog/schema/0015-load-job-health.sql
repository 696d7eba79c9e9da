-- How a Routine Load job is doing beside its state: failures in a row, when it goes on by itself, what is wrong with it.

-- Failures since the last commit, and since when.
ALTER TABLE load_jobs ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE load_jobs ADD COLUMN failing_since_ms BIGINT;

-- When a PAUSED job resumes by itself; NULL = it waits for a person.
ALTER TABLE load_jobs ADD COLUMN resume_ms BIGINT;

-- Messages wait and nothing is committed: since when, why, and how often its tasks were started anew.
ALTER TABLE load_jobs ADD COLUMN stalled_since_ms BIGINT;
ALTER TABLE load_jobs ADD COLUMN stalled_message TEXT NOT NULL DEFAULT '';
ALTER TABLE load_jobs ADD COLUMN stall_restarts BIGINT NOT NULL DEFAULT 0;
