-- How far each ingest job is, for whoever asks while the library is still being read. `shared`: what it
-- stores is readable by everyone. A job of a version that does not count has no files.
ALTER TABLE ingest_jobs
  ADD COLUMN files integer NOT NULL DEFAULT 0,
  ADD COLUMN files_done integer NOT NULL DEFAULT 0,
  ADD COLUMN shared boolean NOT NULL DEFAULT false;
CREATE INDEX ingest_jobs_open ON ingest_jobs (owner_id) WHERE NOT ended;
