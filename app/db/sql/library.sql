-- The library: sources, their passages, and the structures that search reads.
-- `readable_by` is defined in fragments.sql.

-- name: list_newest
-- At most $7 sources that $1 with groups $2 can read, of kind $3 (null: any), that match every pattern
-- of $4, after the cursor (value $5 of source number $6; null: start).
SELECT number, source_id, owner_id, shared, shared_with, title, kind, name, media_type, content_hash,
  passage_count, created_at, pages, duration_s, tags, audio_key, speakers, notes
FROM sources
WHERE {{readable_by source=sources owner=$1 groups=$2}}
  AND ($3::text IS NULL OR kind = $3)
  AND concat_ws(E'\n', title, name, array_to_string(tags, E'\n'), array_to_string(speakers, E'\n'))
    ILIKE ALL ($4::text[])
  AND ($6::integer IS NULL OR (created_at, number) < ($5::timestamptz, $6::integer))
ORDER BY created_at DESC, number DESC
LIMIT $7;

-- name: list_titles
-- Like list_newest, ordered by title.
SELECT number, source_id, owner_id, shared, shared_with, title, kind, name, media_type, content_hash,
  passage_count, created_at, pages, duration_s, tags, audio_key, speakers, notes
FROM sources
WHERE {{readable_by source=sources owner=$1 groups=$2}}
  AND ($3::text IS NULL OR kind = $3)
  AND concat_ws(E'\n', title, name, array_to_string(tags, E'\n'), array_to_string(speakers, E'\n'))
    ILIKE ALL ($4::text[])
  AND ($6::integer IS NULL OR (lower(title), number) > (lower($5::text), $6::integer))
ORDER BY lower(title), number
LIMIT $7;

-- name: list_longest
-- Like list_newest, sources with the most passages first.
SELECT number, source_id, owner_id, shared, shared_with, title, kind, name, media_type, content_hash,
  passage_count, created_at, pages, duration_s, tags, audio_key, speakers, notes
FROM sources
WHERE {{readable_by source=sources owner=$1 groups=$2}}
  AND ($3::text IS NULL OR kind = $3)
  AND concat_ws(E'\n', title, name, array_to_string(tags, E'\n'), array_to_string(speakers, E'\n'))
    ILIKE ALL ($4::text[])
  AND ($6::integer IS NULL OR (passage_count, number) < ($5::integer, $6::integer))
ORDER BY passage_count DESC, number DESC
LIMIT $7;

-- name: count_readable
SELECT count(*) FILTER (WHERE kind = 'document') AS documents,
  count(*) FILTER (WHERE kind = 'recording') AS recordings,
  coalesce(sum(passage_count), 0)::bigint AS passages
FROM sources WHERE {{readable_by source=sources owner=$1 groups=$2}};

-- name: find_source
SELECT number, source_id, owner_id, shared, shared_with, title, kind, name, media_type, content_hash,
  passage_count, created_at, pages, duration_s, tags, audio_key, speakers, notes
FROM sources
WHERE source_id = $2 AND {{readable_by source=sources owner=$1 groups=$3}};

-- name: list_passages
SELECT p.passage_id, p.position, p.text, p.heading, p.char_start, p.char_end, p.page, p.start_s, p.end_s,
  p.speaker, p.cues, p.structure, s.source_id, s.title, s.kind
FROM passages p JOIN sources s ON s.number = p.source
WHERE s.source_id = $2 AND {{readable_by source=s owner=$1 groups=$3}}
ORDER BY p.position;

-- name: list_passages_between
-- Those of source $2 at the positions $3 to $4.
SELECT p.passage_id, p.position, p.text, p.heading, p.char_start, p.char_end, p.page, p.start_s, p.end_s,
  p.speaker, p.cues, p.structure, s.source_id, s.title, s.kind
FROM passages p JOIN sources s ON s.number = p.source
WHERE s.source_id = $2 AND p.position BETWEEN $3::integer AND $4::integer
  AND {{readable_by source=s owner=$1 groups=$5}}
ORDER BY p.position;

-- name: list_openings
-- The first three passages of each of the sources $2.
SELECT p.passage_id, p.position, p.text, p.heading, p.char_start, p.char_end, p.page, p.start_s, p.end_s,
  p.speaker, p.cues, p.structure, s.source_id, s.title, s.kind
FROM sources s JOIN passages p ON p.source = s.number AND p.position < 3
WHERE s.source_id = ANY ($2::text[]) AND {{readable_by source=s owner=$1 groups=$3}}
ORDER BY s.number, p.position;

-- name: find_passage
SELECT p.passage_id, p.position, p.text, p.heading, p.char_start, p.char_end, p.page, p.start_s, p.end_s,
  p.speaker, p.cues, p.structure, s.source_id, s.title, s.kind
FROM passages p JOIN sources s ON s.number = p.source
WHERE s.source_id = $2 AND p.passage_id = $3
  AND {{readable_by source=s owner=$1 groups=$4}};

-- name: list_readable
SELECT source_id FROM sources
WHERE source_id = ANY ($2::text[]) AND {{readable_by source=sources owner=$1 groups=$3}};

-- name: count_sources
SELECT count(*) FROM sources;

-- name: count_private
SELECT count(*) FROM sources
WHERE owner_id = $1 AND NOT shared AND shared_with = '{}' AND deleted_at IS NULL;

-- name: find_same
-- For each origin of $2 with the content of $3: the source of that origin or, if there is none, any
-- source with the same content.
SELECT wanted.origin AS wanted, same.number, same.source_id, same.owner_id, same.shared,
  same.shared_with, same.title, same.kind, same.name, same.media_type, same.content_hash,
  same.passage_count, same.created_at, same.pages, same.duration_s, same.tags, same.audio_key,
  same.speakers, same.notes
FROM unnest($2::text[], $3::text[]) AS wanted (origin, content_hash)
CROSS JOIN LATERAL (
  SELECT number, source_id, owner_id, shared, shared_with, title, kind, name, media_type,
    content_hash, passage_count, created_at, pages, duration_s, tags, audio_key, speakers, notes
  FROM sources
  WHERE owner_id = $1 AND content_hash = wanted.content_hash AND embedder = $4
    AND deleted_at IS NULL
    AND (origin = wanted.origin OR NOT EXISTS (
      SELECT FROM sources WHERE owner_id = $1 AND origin = wanted.origin AND deleted_at IS NULL))
  ORDER BY origin = wanted.origin DESC, number
  LIMIT 1
) AS same;

-- name: lock_library
-- Serializes writers, so that document frequencies are exact and never deadlock. Readers do not wait.
SELECT pg_advisory_xact_lock(1768515945);

-- name: list_origins
SELECT source_id, origin, name FROM sources
WHERE owner_id = $1 AND starts_with(origin, $2) AND deleted_at IS NULL
ORDER BY origin;

-- name: find_origins
SELECT number, origin, source_id, content_hash, embedder, created_at, deleted_at, original_key,
  audio_key, shared, shared_with, tags
FROM sources WHERE owner_id = $1 AND origin = ANY ($2::text[]);

-- name: insert_source
INSERT INTO sources (source_id, owner_id, origin, shared, title, kind, name, media_type,
  content_hash, text, passage_count, pages, duration_s, tags, speakers, original_key, audio_key,
  audio_media_type, embedder, created_at, updated_at, shared_with, notes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
  $21, $22, $23)
RETURNING number;

-- name: insert_passages
-- $2: the source of each passage; $13 and $14: JSON arrays with their cues and structures.
INSERT INTO passages (passage_id, source, owner_id, position, text, heading, char_start, char_end,
  page, start_s, end_s, speaker, cues, structure)
SELECT new.passage_id, new.source, $1, new.position, new.text, new.heading, new.char_start,
  new.char_end, new.page, new.start_s, new.end_s, new.speaker,
  $13::jsonb -> (new.place - 1)::integer, $14::jsonb -> (new.place - 1)::integer
FROM unnest($2::integer[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::integer[],
  $8::integer[], $9::integer[], $10::double precision[], $11::double precision[], $12::text[])
  WITH ORDINALITY AS new (source, position, passage_id, text, heading, char_start, char_end, page,
    start_s, end_s, speaker, place);

-- name: number_passages
SELECT number, source FROM passages WHERE source = ANY ($1::integer[])
ORDER BY array_position($1::integer[], source), position;

-- name: insert_vectors
INSERT INTO passage_vectors (passage, source, embedding) VALUES ($1, $2, $3);

-- name: insert_tokens
INSERT INTO passage_tokens (passage, states) VALUES ($1, $2);

-- name: index_terms
-- Of these sources. Terms of the title count three times, those of the heading twice.
WITH counted AS MATERIALIZED (
  SELECT p.number AS passage, term.lexeme, sum(term.weight * cardinality(term.positions))::integer
    AS frequency
  FROM passages p
  JOIN sources s ON s.number = p.source
  CROSS JOIN LATERAL (
    SELECT 1 AS weight, lexeme, positions FROM unnest(to_tsvector('english', p.text))
    UNION ALL
    SELECT 2, lexeme, positions FROM unnest(to_tsvector('english', coalesce(p.heading, '')))
    UNION ALL
    SELECT 3, lexeme, positions FROM unnest(to_tsvector('english', s.title))
  ) AS term
  WHERE p.source = ANY ($1::integer[])
  GROUP BY p.number, term.lexeme
), known AS (
  INSERT INTO lexemes AS old (lexeme, passages)
  SELECT lexeme, count(*) FROM counted GROUP BY lexeme ORDER BY lexeme
  ON CONFLICT (lexeme) DO UPDATE SET passages = old.passages + excluded.passages
  RETURNING number, lexeme
), terms AS (
  SELECT p.number AS passage, p.source,
    coalesce(array_agg(known.number ORDER BY known.number) FILTER (WHERE known.number > 0), '{}')
      AS lexemes,
    coalesce(array_agg(counted.frequency ORDER BY known.number) FILTER (WHERE known.number > 0), '{}')
      AS frequencies,
    coalesce(sum(counted.frequency), 0)::integer AS length
  FROM passages p
  LEFT JOIN (counted JOIN known USING (lexeme)) ON counted.passage = p.number
  WHERE p.source = ANY ($1::integer[])
  GROUP BY p.number, p.source
), indexed AS (
  INSERT INTO passage_lexemes (passage, source, lexemes, frequencies, length)
  SELECT passage, source, lexemes, frequencies, length FROM terms
  RETURNING passage, source, lexemes, frequencies, length
), weighed AS (
  INSERT INTO passage_terms (passage, source, weights)
  SELECT passage, source, lexical_weights(lexemes, frequencies, length, average_length)
  FROM indexed, library_statistics
)
UPDATE library_statistics
SET passages = passages + (SELECT count(*) FROM indexed),
  total_length = total_length + (SELECT coalesce(sum(length), 0) FROM indexed);

-- name: forget_terms
-- Subtracts the passages of these sources from the statistics, before they are deleted.
WITH counted AS (
  SELECT lexeme, count(*) AS passages
  FROM passage_lexemes t, unnest(t.lexemes) AS lexeme
  WHERE t.source = ANY ($1::integer[])
  GROUP BY lexeme
), fewer AS (
  UPDATE lexemes SET passages = lexemes.passages - counted.passages
  FROM counted WHERE lexemes.number = counted.lexeme
)
UPDATE library_statistics
SET passages = passages - (SELECT count(*) FROM passage_lexemes WHERE source = ANY ($1::integer[])),
  total_length = total_length
    - (SELECT coalesce(sum(length), 0) FROM passage_lexemes WHERE source = ANY ($1::integer[]));

-- name: delete_sources
DELETE FROM sources WHERE number = ANY ($1::integer[]);

-- name: refresh_average
-- Updates the average when the library has grown or shrunk by more than a fifth since the last time.
UPDATE library_statistics
SET average_length = greatest(1, total_length::double precision / greatest(1, passages)),
  averaged = passages
WHERE passages > averaged * 1.2 OR passages < averaged / 1.2
RETURNING average_length;

-- name: refresh_weights
UPDATE passage_terms t SET weights = lexical_weights(l.lexemes, l.frequencies, l.length, $1)
FROM passage_lexemes l WHERE l.passage = t.passage;

-- name: find_owned
SELECT number FROM sources WHERE owner_id = $1 AND source_id = $2 AND deleted_at IS NULL;

-- name: hide_source
UPDATE sources SET deleted_at = $3 WHERE owner_id = $1 AND source_id = $2 AND deleted_at IS NULL
RETURNING number;

-- name: restore_source
UPDATE sources SET deleted_at = NULL WHERE owner_id = $1 AND source_id = $2 AND deleted_at >= $3
RETURNING number;

-- name: list_deleted
SELECT number, original_key, audio_key FROM sources WHERE deleted_at < $1 ORDER BY number;

-- name: list_referenced
-- The files of $1 that a source references.
SELECT key FROM unnest($1::text[]) AS key
WHERE EXISTS (SELECT FROM sources WHERE original_key = key OR audio_key = key);

-- name: set_title
UPDATE sources SET title = $2, updated_at = $3 WHERE number = $1;

-- name: delete_terms
DELETE FROM passage_terms WHERE source = $1;

-- name: delete_lexemes
DELETE FROM passage_lexemes WHERE source = $1;

-- name: insert_sketch
INSERT INTO source_sketches (source, hashes) VALUES ($1, $2);

-- name: find_similar
-- For each source of $2: at most $3 other sources of $1 that share a hash with it. OFFSET 0 keeps the
-- order of the joins: hashes by their index, then the few sources, whatever the statistics say.
SELECT one.source_id AS of_source, sketch.hashes AS of_hashes, other.source_id, other.title,
  other.hashes
FROM sources one
JOIN source_sketches sketch ON sketch.source = one.number
CROSS JOIN LATERAL (
  SELECT s.source_id, s.title, k.hashes
  FROM (SELECT source, hashes FROM source_sketches WHERE hashes && sketch.hashes OFFSET 0) AS k
  CROSS JOIN LATERAL (
    SELECT source_id, title, owner_id, deleted_at, number FROM sources
    WHERE number = k.source OFFSET 0
  ) AS s
  WHERE s.owner_id = $1 AND s.deleted_at IS NULL AND s.number <> one.number
  ORDER BY (SELECT count(*) FROM unnest(k.hashes) AS hash WHERE hash = ANY (sketch.hashes)) DESC,
    s.number
  LIMIT $3
) AS other
WHERE one.source_id = ANY ($2::text[]);

-- name: add_labels
-- Adds missing tags of $4; shares the source only if $3 is the origin that it was stored with.
UPDATE sources
SET tags = tags || ARRAY(
    SELECT tag FROM unnest($4::text[]) WITH ORDINALITY AS new (tag, place)
    WHERE tag <> ALL (tags) ORDER BY place),
  shared = shared OR ($5 AND origin = $3), updated_at = $6
WHERE owner_id = $1 AND source_id = $2 AND deleted_at IS NULL
  AND (NOT $4::text[] <@ tags OR ($5 AND origin = $3 AND NOT shared));

-- name: set_tags
UPDATE sources SET tags = $3, updated_at = $4
WHERE owner_id = $1 AND source_id = $2 AND deleted_at IS NULL
RETURNING number;

-- name: set_notes
UPDATE sources SET notes = $3 WHERE owner_id = $1 AND source_id = $2 AND deleted_at IS NULL;

-- name: set_access
-- $3: shared with everyone; $4: shared with these groups.
UPDATE sources SET shared = $3, shared_with = $4, updated_at = $5
WHERE owner_id = $1 AND source_id = $2 AND deleted_at IS NULL
RETURNING number;

-- name: find_file
SELECT coalesce(audio_key, original_key) AS key, coalesce(audio_media_type, media_type) AS media_type
FROM sources
WHERE source_id = $2 AND {{readable_by source=sources owner=$1 groups=$3}};

-- name: list_embedders
SELECT DISTINCT embedder FROM sources ORDER BY embedder;

-- name: list_outdated
SELECT source_id FROM sources WHERE embedder <> $1 ORDER BY number;

-- name: list_texts
SELECT p.number, s.title, p.heading, p.text
FROM passages p JOIN sources s ON s.number = p.source
WHERE s.source_id = $1
ORDER BY p.position;

-- name: lock_source
SELECT number FROM sources WHERE source_id = $1 FOR UPDATE;

-- name: delete_vectors
DELETE FROM passage_vectors WHERE source = $1;

-- name: delete_tokens
DELETE FROM passage_tokens USING passages p WHERE p.number = passage AND p.source = $1;

-- name: set_embedder
UPDATE sources SET embedder = $2 WHERE number = $1;
