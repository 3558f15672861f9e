CREATE TABLE ingest_jobs (
  job_id text COLLATE "C" PRIMARY KEY,
  owner_id text COLLATE "C" NOT NULL,
  head integer NOT NULL DEFAULT 0,
  ended boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  beat_at timestamptz NOT NULL DEFAULT now() -- when its process was last heard of
) WITH (fillfactor = 50);
CREATE INDEX ingest_jobs_oldest ON ingest_jobs (created_at);

CREATE TABLE ingest_job_events (
  job_id text COLLATE "C" NOT NULL REFERENCES ingest_jobs ON DELETE CASCADE,
  seq integer NOT NULL,
  type text NOT NULL,
  data text NOT NULL, -- compact JSON
  PRIMARY KEY (job_id, seq)
);
