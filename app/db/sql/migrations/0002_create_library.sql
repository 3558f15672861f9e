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
  UNIQUE (owner_id, origin)
);
CREATE INDEX sources_by_content ON sources (owner_id, content_hash);
CREATE INDEX sources_shared ON sources (number) WHERE shared;

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

CREATE TABLE passage_terms (
  passage bigint PRIMARY KEY REFERENCES passages ON DELETE CASCADE,
  source integer NOT NULL,
  weights sparsevec NOT NULL -- BM25's saturated frequencies
);
ALTER TABLE passage_terms ALTER weights SET STORAGE MAIN;
CREATE INDEX passage_terms_of_source ON passage_terms (source);

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

-- BM25 with k1 = 1.2 and b = 0.75 (Robertson and Zaragoza 2009), the factor of a document alone; the
-- query's factor is idf, so that their inner product is the score.
CREATE FUNCTION lexical_weights(
  lexemes integer[], frequencies integer[], length integer, average double precision
) RETURNS sparsevec LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ('{' || coalesce(string_agg(
      term.lexeme || ':' ||
        (2.2 * term.frequency / (term.frequency + 1.2 * (0.25 + 0.75 * length / average)))::real,
      ',' ORDER BY term.lexeme), '') || '}/1000000000')::sparsevec
  FROM unnest(lexemes, frequencies) AS term (lexeme, frequency)
$$;
