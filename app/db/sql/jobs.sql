-- Ingest jobs and their events.

-- name: create_job
INSERT INTO ingest_jobs (job_id, owner_id, files, shared) VALUES ($1, $2, $3, $4);

-- name: purge_jobs
DELETE FROM ingest_jobs WHERE created_at < now() - interval '1 day' AND ended
  OR created_at < now() - interval '7 days';

-- name: append_events
-- $2 types, $3 data, $4 whether the last event ends the job. The row lock orders concurrent writers.
-- An event of type `file` counts one more file as done.
WITH job AS (
  UPDATE ingest_jobs
  SET head = head + cardinality($2::text[]), ended = $4, beat_at = clock_timestamp(),
    files_done = files_done + cardinality(array_positions($2::text[], 'file'))
  WHERE job_id = $1 AND NOT ended
  RETURNING head
)
INSERT INTO ingest_job_events (job_id, seq, type, data)
SELECT $1, job.head - cardinality($2::text[]) + new.position, new.type, new.data
FROM job, unnest($2::text[], $3::text[]) WITH ORDINALITY AS new (type, data, position)
RETURNING seq;

-- name: add_job_files
UPDATE ingest_jobs SET files = files + $2 WHERE job_id = $1;

-- name: beat_jobs
UPDATE ingest_jobs SET beat_at = clock_timestamp() WHERE job_id = ANY ($1::text[]) AND NOT ended;

-- name: find_job
SELECT job_id, head, ended, extract(epoch FROM clock_timestamp() - beat_at)::float8 AS silent_s
FROM ingest_jobs WHERE job_id = $2 AND owner_id = $1;

-- name: reading_progress
-- Progress of running jobs: those of owner $1 and shared ones, or all ($1 null). A job without a
-- heartbeat for $2 seconds counts as dead.
SELECT coalesce(sum(files_done), 0) AS done, coalesce(sum(files), 0) AS total
FROM ingest_jobs
WHERE NOT ended AND ($1::text IS NULL OR owner_id = $1 OR shared)
  AND beat_at > clock_timestamp() - make_interval(secs => $2);

-- name: list_events
SELECT seq, type, data FROM ingest_job_events WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT $3;
