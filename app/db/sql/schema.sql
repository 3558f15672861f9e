-- Ids are compared as bytes: no locale may decide what equals what or how it sorts.

CREATE TABLE conversations (
  owner_id text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  title text NOT NULL,
  filters jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  model text,
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
  feedback jsonb, -- the reader's: {"rating": "up" | "down", "comment": text}
  FOREIGN KEY (owner_id, session_id) REFERENCES conversations ON DELETE CASCADE
);
CREATE INDEX messages_in_order ON messages (owner_id, session_id, ordinal);
CREATE INDEX messages_by_question ON messages (question_id, ordinal);

-- What a message is found by. Its owner is a term of it (no word begins with a space), so that a search
-- never walks what others wrote. A vector holds 1 MB: of longer texts the beginning is found. Addresses
-- and compounds are taken apart, as what is looked for is (`app/db/conversation_store.py`).
CREATE FUNCTION message_terms(owner_id text, content text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT to_tsvector('simple'::regconfig, translate(left(content, 100000), './\-_@:', '       '))
    || array_to_tsvector(ARRAY[' ' || md5(owner_id)])
$$;
CREATE INDEX messages_by_terms ON messages USING gin (message_terms(owner_id, content));

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

-- Accepting a question in one round trip instead of five: a process that serves hundreds of streams
-- waits for its event loop each time. Every statement of the function sees what was committed before it
-- began, so the checks see what the locks were waited for.
CREATE FUNCTION start_run(
  lock_classes integer[], lock_names text[], refused boolean, most integer, since timestamptz,
  new_run text, owner text, session text, answer text, question text, by_route text, process text,
  first_reserved bigint, continued text, key text, by_model text, wanted jsonb, disconnect text,
  at timestamptz, hash text, new_title text, asked_text text, hidden timestamptz,
  OUT repeated boolean, OUT taken boolean, OUT active_run_id text, OUT running bigint,
  OUT deleted boolean, OUT known boolean, OUT stop_requested boolean
) LANGUAGE plpgsql AS $$
BEGIN
  -- Serialises what must not happen twice at once. Class 1: an owner's limit; 2: an idempotency key;
  -- 3: a conversation; 4: a run id. Always taken in this order, so that nobody waits in a circle.
  PERFORM pg_advisory_xact_lock(l.class, hashtext(l.name))
  FROM unnest(lock_classes, lock_names) WITH ORDINALITY AS l (class, name, place)
  ORDER BY l.place;

  repeated := key IS NOT NULL AND EXISTS (
    SELECT FROM runs WHERE owner_id = owner AND route = by_route AND idempotency_key = key
  );
  IF repeated OR refused THEN
    RETURN;
  END IF;

  SELECT
    EXISTS (SELECT FROM runs WHERE run_id = new_run),
    (SELECT run_id FROM runs
     WHERE owner_id = owner AND session_id = session AND status = 'running'),
    (SELECT count(*) FROM runs WHERE owner_id = owner AND status = 'running'),
    (SELECT deleted_at IS NOT NULL FROM conversations
     WHERE owner_id = owner AND session_id = session),
    EXISTS (
      SELECT FROM messages
      WHERE message_id = question AND owner_id = owner AND session_id = session AND role = 'user'
    ) AND (continued IS NULL OR EXISTS (
      SELECT FROM messages
      WHERE message_id = continued AND owner_id = owner AND session_id = session
        AND question_id = question AND role = 'assistant'
    )),
    EXISTS (
      SELECT FROM pending_stops
      WHERE owner_id = owner AND run_id = new_run AND requested_at >= since
    )
  INTO taken, active_run_id, running, deleted, known, stop_requested;
  IF taken OR active_run_id IS NOT NULL OR running >= most
    OR asked_text IS NULL AND (NOT known OR deleted) THEN
    RETURN;
  END IF;

  IF deleted THEN
    -- A deleted conversation that is asked again starts anew; its messages and runs go with it.
    DELETE FROM run_events e USING runs r
    WHERE r.owner_id = owner AND r.session_id = session AND e.run_id = r.run_id;
    DELETE FROM conversations WHERE owner_id = owner AND session_id = session;
  END IF;
  -- One that is in no list is born deleted, at a time to come.
  INSERT INTO conversations
    (owner_id, session_id, title, filters, created_at, updated_at, deleted_at)
  VALUES (owner, session, new_title, wanted, at, at, hidden)
  ON CONFLICT (owner_id, session_id) DO UPDATE
    SET updated_at = greatest(conversations.updated_at, excluded.updated_at);
  IF stop_requested THEN
    DELETE FROM pending_stops WHERE owner_id = owner AND run_id = new_run;
  END IF;
  INSERT INTO messages (message_id, owner_id, session_id, role, content, status, run_id,
                        question_id, model, filters, created_at, ended_at)
  SELECT m.message_id, owner, session, m.role, m.content, m.status, new_run, question, m.model,
    wanted, at, m.ended_at
  FROM (VALUES
    (1, question, 'user', asked_text, 'complete', NULL, at),
    (2, answer, 'assistant', '', 'streaming', by_model, NULL)
  ) AS m (place, message_id, role, content, status, model, ended_at)
  WHERE m.content IS NOT NULL
  ORDER BY m.place;
  INSERT INTO runs (run_id, owner_id, session_id, message_id, question_id, route, status,
                    process_id, reserved, continues, model, filters, on_disconnect, created_at,
                    idempotency_key, request_hash, stop_requested_at)
  VALUES (new_run, owner, session, answer, question, by_route, 'running', process, first_reserved,
          continued, by_model, wanted, disconnect, at, key, hash,
          CASE WHEN stop_requested THEN at END);
END
$$;
CREATE INDEX pending_stops_oldest ON pending_stops (requested_at);

-- Sources and their passages, and search structures with one row per passage: vectors, terms, lexemes
-- and token states. They are tables of their own so that a scan reads nothing it does not need.

CREATE TABLE sources (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source_id text COLLATE "C" NOT NULL UNIQUE,
  owner_id text COLLATE "C" NOT NULL,
  origin text COLLATE "C" NOT NULL,
  shared boolean NOT NULL,
  title text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('document', 'recording')),
  name text NOT NULL,
  media_type text NOT NULL,
  content_hash text COLLATE "C" NOT NULL,
  text text NOT NULL,
  passage_count integer NOT NULL,
  pages integer,
  duration_s double precision,
  tags text[] COLLATE "C" NOT NULL,
  speakers text[] NOT NULL,
  original_key text,
  audio_key text,
  audio_media_type text,
  embedder text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  shared_with text[] COLLATE "C" NOT NULL DEFAULT '{}', -- groups
  notes jsonb NOT NULL DEFAULT '[]', -- what of the file is not in the text: [{"kind", "count", "total"}]
  UNIQUE (owner_id, origin)
);
CREATE INDEX sources_by_content ON sources (owner_id, content_hash);
CREATE INDEX sources_by_title_words ON sources USING gin (to_tsvector('english', title));
CREATE INDEX sources_shared ON sources (number) WHERE shared;
CREATE INDEX sources_deleted ON sources (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE passages (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  passage_id text COLLATE "C" NOT NULL UNIQUE,
  source integer NOT NULL REFERENCES sources ON DELETE CASCADE,
  owner_id text COLLATE "C" NOT NULL,
  position integer NOT NULL,
  text text NOT NULL,
  heading text,
  char_start integer NOT NULL,
  char_end integer NOT NULL,
  page integer,
  start_s double precision,
  end_s double precision,
  speaker text,
  cues jsonb NOT NULL,
  structure jsonb NOT NULL DEFAULT '[]', -- rows, items and code: [[kind, start, end]]
  UNIQUE (source, position)
);

CREATE TABLE passage_vectors (
  passage bigint PRIMARY KEY REFERENCES passages ON DELETE CASCADE,
  source integer NOT NULL,
  embedding halfvec NOT NULL
);
ALTER TABLE passage_vectors ALTER embedding SET STORAGE PLAIN;
CREATE INDEX passage_vectors_of_source ON passage_vectors (source);
-- Only for large libraries; smaller ones are scanned, which is exact (see nearest_passages).
CREATE INDEX passage_vectors_near ON passage_vectors
  USING hnsw ((embedding::halfvec(384)) halfvec_ip_ops) WHERE vector_dims(embedding) = 384;

CREATE FUNCTION lexemes_of(weights sparsevec) RETURNS integer[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(split_part(term, ':', 1)::integer ORDER BY place), '{}')
  FROM unnest(string_to_array(nullif(substring(weights::text FROM '{(.*)}'), ''), ','))
    WITH ORDINALITY AS one (term, place)
$$;

CREATE TABLE passage_terms (
  passage bigint PRIMARY KEY REFERENCES passages ON DELETE CASCADE,
  source integer NOT NULL,
  weights sparsevec NOT NULL, -- BM25's saturated frequencies
  lexemes integer[] GENERATED ALWAYS AS (lexemes_of(weights)) STORED
);
ALTER TABLE passage_terms ALTER weights SET STORAGE MAIN;
CREATE INDEX passage_terms_of_source ON passage_terms (source);
-- Only for large libraries, as passage_vectors_near (see passages_by_terms).
CREATE INDEX passage_terms_by_lexeme ON passage_terms USING gin (lexemes) WITH (fastupdate = off);

-- What the weights are computed from.
CREATE TABLE passage_lexemes (
  passage bigint PRIMARY KEY REFERENCES passages ON DELETE CASCADE,
  source integer NOT NULL,
  lexemes integer[] NOT NULL, -- ascending
  frequencies integer[] NOT NULL, -- of each, title and heading counted with their weight
  length integer NOT NULL -- the sum of the frequencies
);
CREATE INDEX passage_lexemes_of_source ON passage_lexemes (source);

CREATE TABLE passage_tokens (
  passage bigint PRIMARY KEY REFERENCES passages ON DELETE CASCADE,
  states bytea NOT NULL
);
ALTER TABLE passage_tokens ALTER states SET STORAGE EXTERNAL; -- bits do not compress

CREATE TABLE lexemes (
  number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
  lexeme text COLLATE "C" PRIMARY KEY,
  passages integer NOT NULL -- in how many it occurs
) WITH (fillfactor = 70);

-- One row. `average_length` and `averaged` (over how many passages) stand still between refreshes,
-- because every weight depends on them.
CREATE TABLE library_statistics (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  passages bigint NOT NULL DEFAULT 0,
  total_length bigint NOT NULL DEFAULT 0,
  average_length double precision NOT NULL DEFAULT 1,
  averaged bigint NOT NULL DEFAULT 0
);
INSERT INTO library_statistics DEFAULT VALUES;

-- BM25 with k1 = 0.7 and b = 0.75 (Robertson and Zaragoza 2009), the factor of a document alone; the
-- query's factor is idf, so that their inner product is the score.
CREATE FUNCTION lexical_weights(
  lexemes integer[], frequencies integer[], length integer, average double precision
) RETURNS sparsevec LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ('{' || coalesce(string_agg(
      term.lexeme || ':' ||
        (1.7 * term.frequency / (term.frequency + 0.7 * (0.25 + 0.75 * length / average)))::real,
      ',' ORDER BY term.lexeme), '') || '}/1000000000')::sparsevec
  FROM unnest(lexemes, frequencies) AS term (lexeme, frequency)
$$;

-- Uploads: what is told of each, and which sources are alike.

CREATE TABLE ingest_jobs (
  job_id text COLLATE "C" PRIMARY KEY,
  owner_id text COLLATE "C" NOT NULL,
  head integer NOT NULL DEFAULT 0,
  ended boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  beat_at timestamptz NOT NULL DEFAULT now(), -- when its process was last heard of
  files integer NOT NULL DEFAULT 0,
  files_done integer NOT NULL DEFAULT 0, -- read, or failed
  shared boolean NOT NULL DEFAULT false -- what it stores is readable by everyone
) WITH (fillfactor = 50);
CREATE INDEX ingest_jobs_oldest ON ingest_jobs (created_at);
CREATE INDEX ingest_jobs_open ON ingest_jobs (owner_id) WHERE NOT ended;

CREATE TABLE ingest_job_events (
  job_id text COLLATE "C" NOT NULL REFERENCES ingest_jobs ON DELETE CASCADE,
  seq integer NOT NULL,
  type text NOT NULL,
  data text NOT NULL, -- compact JSON
  PRIMARY KEY (job_id, seq)
);

-- The smallest hashes of a text's word sequences: what two sources share of them says how alike they
-- are.
CREATE TABLE source_sketches (
  source integer PRIMARY KEY REFERENCES sources ON DELETE CASCADE,
  hashes bigint[] NOT NULL
);
-- Each new sketch is searched for at once: pending entries would be read one by one.
CREATE INDEX source_sketches_by_hash ON source_sketches USING gin (hashes) WITH (fastupdate = off);
CREATE INDEX sources_by_original ON sources (original_key);
CREATE INDEX sources_by_audio ON sources (audio_key) WHERE audio_key IS NOT NULL;

-- Who may come in.

CREATE TABLE api_tokens (
  token_id text COLLATE "C" PRIMARY KEY,
  digest bytea NOT NULL UNIQUE, -- SHA-256: the token is told once and kept nowhere
  owner_id text COLLATE "C" NOT NULL,
  groups text[] COLLATE "C" NOT NULL,
  label text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz
);

CREATE TABLE sessions (
  digest bytea PRIMARY KEY,
  owner_id text COLLATE "C" NOT NULL,
  groups text[] COLLATE "C" NOT NULL,
  token_id text COLLATE "C" REFERENCES api_tokens ON DELETE CASCADE, -- it ends with this token
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_oldest ON sessions (expires_at);

-- Shut out in every mode of sign-in, whatever they present.
CREATE TABLE blocked_people (
  owner_id text COLLATE "C" PRIMARY KEY,
  blocked_at timestamptz NOT NULL
);
