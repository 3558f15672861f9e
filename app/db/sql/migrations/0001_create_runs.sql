-- Ids are compared as bytes: no locale may decide what equals what or how it sorts.

CREATE TABLE conversations (
  owner_id text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  title text NOT NULL,
  filters jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  PRIMARY KEY (owner_id, session_id)
);
CREATE INDEX conversations_newest ON conversations (owner_id, updated_at DESC, session_id DESC)
  WHERE deleted_at IS NULL;
CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE messages (
  message_id text COLLATE "C" PRIMARY KEY,
  owner_id text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  ordinal bigint GENERATED ALWAYS AS IDENTITY,
  role text NOT NULL CHECK (role IN ('user', 'assistant')),
  content text NOT NULL,
  status text NOT NULL CHECK (status IN ('streaming', 'complete', 'stopped', 'error')),
  finish_reason text,
  citations jsonb NOT NULL DEFAULT '[]',
  evidence jsonb NOT NULL DEFAULT '[]',
  usage jsonb,
  timings jsonb,
  error_code text,
  error_message text,
  run_id text COLLATE "C",
  question_id text COLLATE "C" NOT NULL, -- of a question: its own message_id
  model text,
  filters jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  ended_at timestamptz,
  FOREIGN KEY (owner_id, session_id) REFERENCES conversations ON DELETE CASCADE
);
CREATE INDEX messages_in_order ON messages (owner_id, session_id, ordinal);
CREATE INDEX messages_by_question ON messages (question_id, ordinal);

CREATE TABLE processes (
  process_id text COLLATE "C" PRIMARY KEY,
  beat bigint NOT NULL,
  beat_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE runs (
  run_id text COLLATE "C" PRIMARY KEY,
  owner_id text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  message_id text COLLATE "C" NOT NULL,
  question_id text COLLATE "C" NOT NULL,
  route text NOT NULL,
  status text NOT NULL CHECK (status IN ('running', 'complete', 'stopped', 'error')),
  epoch bigint NOT NULL DEFAULT 1,
  process_id text COLLATE "C" NOT NULL,
  head bigint NOT NULL DEFAULT 0,
  reserved bigint NOT NULL,
  model text NOT NULL,
  filters jsonb NOT NULL,
  on_disconnect text NOT NULL,
  continues text COLLATE "C",
  idempotency_key text COLLATE "C",
  request_hash text NOT NULL,
  created_at timestamptz NOT NULL,
  ended_at timestamptz,
  stop_requested_at timestamptz,
  -- Kept when the events are purged, so that the end of a run can always be told.
  terminal_seq bigint,
  terminal_type text,
  terminal_data bytea,
  receipt jsonb,
  purged boolean NOT NULL DEFAULT false,
  CHECK ((status = 'running') = (terminal_seq IS NULL)),
  FOREIGN KEY (owner_id, session_id) REFERENCES conversations ON DELETE CASCADE
) WITH (fillfactor = 50); -- head and reserved change with every flush
CREATE UNIQUE INDEX runs_active ON runs (owner_id, session_id) WHERE status = 'running';
CREATE UNIQUE INDEX runs_idempotency ON runs (owner_id, route, idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_of_process ON runs (process_id) WHERE status = 'running';
CREATE INDEX runs_of_conversation ON runs (owner_id, session_id);
CREATE INDEX runs_to_purge ON runs (ended_at) WHERE status <> 'running' AND NOT purged;

-- A row holds the consecutive events one flush added to a run, as compact JSON, one line each.
-- No foreign key: it would cost a look-up for each of thousands of rows a second. Events are
-- deleted together with their run or by the purge.
CREATE TABLE run_events (
  run_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL, -- of the first line ...
  last_seq bigint NOT NULL CHECK (last_seq >= seq), -- ... and of the last
  data text NOT NULL,
  text text NOT NULL, -- what its tokens add to the answer
  PRIMARY KEY (run_id, seq)
);

CREATE TABLE pending_stops (
  owner_id text COLLATE "C" NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  requested_at timestamptz NOT NULL,
  PRIMARY KEY (owner_id, run_id)
);
CREATE INDEX pending_stops_oldest ON pending_stops (requested_at);
