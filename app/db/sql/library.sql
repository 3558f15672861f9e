-- The library: sources, their passages, and the structures that search reads.
-- Who may read a source: its owner, everyone when it is shared, the groups that it is shared with.

-- name: list_newest
-- A page of what $1 of groups $2 may read, of kind $3 (null: any), with every pattern of $4; after the
-- source $6 that has the value $5 (both null: the first page), at most $7.
SELECT number, source_id, owner_id, shared, shared_with, title, kind, name, media_type, content_hash,
  passage_count, created_at, pages, duration_s, tags, audio_key, speakers
FROM sources
WHERE (owner_id = $1 OR shared OR shared_with && $2) AND deleted_at IS NULL
  AND ($3::text IS NULL OR kind = $3)
  AND concat_ws(E'\n', title, name, array_to_string(tags, E'\n'), array_to_string(speakers, E'\n'))
    ILIKE ALL ($4::text[])
  AND ($6::integer IS NULL OR (created_at, number) < ($5::timestamptz, $6::integer))
ORDER BY created_at DESC, number DESC
LIMIT $7;

-- name: list_titles
-- As list_newest, by title.
SELECT number, source_id, owner_id, shared, shared_with, title, kind, name, media_type, content_hash,
  passage_count, created_at, pages, duration_s, tags, audio_key, speakers
FROM sources
WHERE (owner_id = $1 OR shared OR shared_with && $2) AND deleted_at IS NULL
  AND ($3::text IS NULL OR kind = $3)
  AND concat_ws(E'\n', title, name, array_to_string(tags, E'\n'), array_to_string(speakers, E'\n'))
    ILIKE ALL ($4::text[])
  AND ($6::integer IS NULL OR (lower(title), number) > (lower($5::text), $6::integer))
ORDER BY lower(title), number
LIMIT $7;

-- name: list_longest
-- As list_newest, those of most passages first.
SELECT number, source_id, owner_id, shared, shared_with, title, kind, name, media_type, content_hash,
  passage_count, created_at, pages, duration_s, tags, audio_key, speakers
FROM sources
WHERE (owner_id = $1 OR shared OR shared_with && $2) AND deleted_at IS NULL
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
FROM sources WHERE (owner_id = $1 OR shared OR shared_with && $2) AND deleted_at IS NULL;

-- name: find_source
SELECT number, source_id, owner_id, shared, shared_with, title, kind, name, media_type, content_hash,
  passage_count, created_at, pages, duration_s, tags, audio_key, speakers
FROM sources
WHERE source_id = $2 AND (owner_id = $1 OR shared OR shared_with && $3) AND deleted_at IS NULL;

-- name: list_passages
SELECT p.passage_id, p.position, p.text, p.heading, p.char_start, p.char_end, p.page, p.start_s, p.end_s,
  p.speaker, p.cues, s.source_id, s.title, s.kind
FROM passages p JOIN sources s ON s.number = p.source
WHERE s.source_id = $2 AND (s.owner_id = $1 OR s.shared OR s.shared_with && $3)
  AND s.deleted_at IS NULL
ORDER BY p.position;

-- name: find_passage
SELECT p.passage_id, p.position, p.text, p.heading, p.char_start, p.char_end, p.page, p.start_s, p.end_s,
  p.speaker, p.cues, s.source_id, s.title, s.kind
FROM passages p JOIN sources s ON s.number = p.source
WHERE s.source_id = $2 AND p.passage_id = $3
  AND (s.owner_id = $1 OR s.shared OR s.shared_with && $4)
  AND s.deleted_at IS NULL;

-- name: list_readable
SELECT source_id FROM sources
WHERE source_id = ANY ($2::text[]) AND (owner_id = $1 OR shared OR shared_with && $3)
  AND deleted_at IS NULL;

-- name: count_sources
SELECT count(*) FROM sources;

-- name: count_private
SELECT count(*) FROM sources
WHERE owner_id = $1 AND NOT shared AND shared_with = '{}' AND deleted_at IS NULL;

-- name: find_same
SELECT number, source_id, owner_id, shared, shared_with, title, kind, name, media_type, content_hash,
  passage_count, created_at, pages, duration_s, tags, audio_key, speakers
FROM sources
WHERE owner_id = $1 AND content_hash = $3 AND embedder = $4 AND deleted_at IS NULL
  AND (origin = $2 OR NOT EXISTS (
    SELECT FROM sources WHERE owner_id = $1 AND origin = $2 AND deleted_at IS NULL))
ORDER BY origin = $2 DESC, number
LIMIT 1;

-- name: lock_library
-- Writers take turns, so document frequencies are exact and never deadlock. Readers do not wait.
SELECT pg_advisory_xact_lock(1768515945);

-- name: find_origin
SELECT number, source_id, content_hash, embedder, created_at, deleted_at, original_key, audio_key,
  shared, shared_with, tags
FROM sources WHERE owner_id = $1 AND origin = $2;

-- name: insert_source
INSERT INTO sources (source_id, owner_id, origin, shared, title, kind, name, media_type,
  content_hash, text, passage_count, pages, duration_s, tags, speakers, original_key, audio_key,
  audio_media_type, embedder, created_at, updated_at, shared_with)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
  $21, $22)
RETURNING number;

-- name: insert_passages
-- $12: a JSON array with the cues of each passage.
INSERT INTO passages (passage_id, source, owner_id, position, text, heading, char_start, char_end,
  page, start_s, end_s, speaker, cues)
SELECT new.passage_id, $1, $2, new.position - 1, new.text, new.heading, new.char_start,
  new.char_end, new.page, new.start_s, new.end_s, new.speaker,
  $12::jsonb -> (new.position - 1)::integer
FROM unnest($3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[], $8::integer[],
  $9::double precision[], $10::double precision[], $11::text[])
  WITH ORDINALITY AS new (passage_id, text, heading, char_start, char_end, page, start_s, end_s,
    speaker, position);

-- name: number_passages
SELECT number FROM passages WHERE source = $1 ORDER BY position;

-- name: insert_vectors
INSERT INTO passage_vectors (passage, source, embedding) VALUES ($1, $2, $3);

-- name: insert_tokens
INSERT INTO passage_tokens (passage, states) VALUES ($1, $2);

-- name: index_terms
-- Terms of the title count three times, those of the heading twice.
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
  WHERE p.source = $1
  GROUP BY p.number, term.lexeme
), known AS (
  INSERT INTO lexemes AS old (lexeme, passages)
  SELECT lexeme, count(*) FROM counted GROUP BY lexeme ORDER BY lexeme
  ON CONFLICT (lexeme) DO UPDATE SET passages = old.passages + excluded.passages
  RETURNING number, lexeme
), terms AS (
  SELECT p.number AS passage,
    coalesce(array_agg(known.number ORDER BY known.number) FILTER (WHERE known.number > 0), '{}')
      AS lexemes,
    coalesce(array_agg(counted.frequency ORDER BY known.number) FILTER (WHERE known.number > 0), '{}')
      AS frequencies,
    coalesce(sum(counted.frequency), 0)::integer AS length
  FROM passages p
  LEFT JOIN (counted JOIN known USING (lexeme)) ON counted.passage = p.number
  WHERE p.source = $1
  GROUP BY p.number
), indexed AS (
  INSERT INTO passage_lexemes (passage, source, lexemes, frequencies, length)
  SELECT passage, $1, lexemes, frequencies, length FROM terms
  RETURNING passage, lexemes, frequencies, length
), weighed AS (
  INSERT INTO passage_terms (passage, source, weights)
  SELECT passage, $1, lexical_weights(lexemes, frequencies, length, average_length)
  FROM indexed, library_statistics
)
UPDATE library_statistics
SET passages = passages + (SELECT count(*) FROM indexed),
  total_length = total_length + (SELECT coalesce(sum(length), 0) FROM indexed);

-- name: forget_terms
-- Before the passages of a source are deleted: what they added to the statistics.
WITH counted AS (
  SELECT lexeme, count(*) AS passages
  FROM passage_lexemes t, unnest(t.lexemes) AS lexeme
  WHERE t.source = $1
  GROUP BY lexeme
), fewer AS (
  UPDATE lexemes SET passages = lexemes.passages - counted.passages
  FROM counted WHERE lexemes.number = counted.lexeme
)
UPDATE library_statistics
SET passages = passages - (SELECT count(*) FROM passage_lexemes WHERE source = $1),
  total_length = total_length
    - (SELECT coalesce(sum(length), 0) FROM passage_lexemes WHERE source = $1);

-- name: delete_source
DELETE FROM sources WHERE number = $1;

-- name: refresh_average
-- When the library grew or shrank by more than a fifth since the average was taken.
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

-- name: list_named
-- Which of the files $1 a source has.
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

-- name: find_sketch
SELECT k.hashes FROM source_sketches k JOIN sources s ON s.number = k.source WHERE s.source_id = $1;

-- name: find_alike
SELECT s.source_id, s.title, k.hashes
FROM source_sketches k JOIN sources s ON s.number = k.source
WHERE s.owner_id = $1 AND s.deleted_at IS NULL AND k.hashes && $2::bigint[] AND s.source_id <> $3
ORDER BY (SELECT count(*) FROM unnest(k.hashes) AS hash WHERE hash = ANY ($2)) DESC, s.number
LIMIT $4;

-- name: add_labels
-- The tags $4 that are missing; shared only by the origin $3 that it was stored by.
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

-- name: set_access
-- $3 everyone, $4 these groups.
UPDATE sources SET shared = $3, shared_with = $4, updated_at = $5
WHERE owner_id = $1 AND source_id = $2 AND deleted_at IS NULL
RETURNING number;

-- name: find_file
SELECT coalesce(audio_key, original_key) AS key, coalesce(audio_media_type, media_type) AS media_type
FROM sources
WHERE source_id = $2 AND (owner_id = $1 OR shared OR shared_with && $3) AND deleted_at IS NULL;

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

-- name: search_passages
-- $1 owner, $2 source ids, $3 kinds, $4 tags, $5 and $6: only sources added at or after, and before
-- (null: whenever), $7 the asker's groups, $8 query, $9 its vector, $10 embedder, $11 how many to
-- return, $12 the weight of BM25, $13 the passages of the words if they are known already, $14 the
-- vector once more if the nearest come by the index, $15 the nearest if they are known already (both
-- null: everything is compared), $16 seconds after which a silent ingest job counts as dead. The
-- filters are part of both arms. One row without a passage says that nothing was found.
--
-- By the index: the scan is widened for this statement alone. The planner takes a list that it does not
-- know yet for a short one, hence `+ 0`: the index of sources would read everything.
WITH scope AS MATERIALIZED (
  SELECT number, passage_count, embedder FROM sources
  WHERE (owner_id = $1 OR shared OR shared_with && $7) AND deleted_at IS NULL
    AND (cardinality($2::text[]) = 0 OR source_id = ANY ($2))
    AND (cardinality($3::text[]) = 0 OR kind = ANY ($3))
    AND (cardinality($4::text[]) = 0 OR tags && $4)
    AND ($5::timestamptz IS NULL OR created_at >= $5)
    AND ($6::timestamptz IS NULL OR created_at < $6)
), searched AS MATERIALIZED (
  SELECT coalesce(sum(passage_count), 0) AS passages, count(*) AS sources FROM scope
), reading AS MATERIALIZED ( -- as reading_progress of jobs.sql
  SELECT coalesce(sum(files_done), 0) AS done, coalesce(sum(files), 0) AS total FROM ingest_jobs
  WHERE NOT ended AND (owner_id = $1 OR shared)
    AND beat_at > clock_timestamp() - make_interval(secs => $16)
), terms AS MATERIALIZED (
  SELECT known.number, ln(1 + (total.passages - coalesce(known.passages, 0) + 0.5::float8)
    / (coalesce(known.passages, 0) + 0.5::float8)) AS idf
  FROM unnest(to_tsvector('english', $8)) AS asked
  LEFT JOIN lexemes AS known ON known.lexeme = asked.lexeme
  CROSS JOIN library_statistics AS total
), question AS MATERIALIZED (
  SELECT ('{' || coalesce(string_agg(number || ':' || idf::real, ',' ORDER BY number)
      FILTER (WHERE number IS NOT NULL), '') || '}/1000000000')::sparsevec AS weights,
    nullif(sum(idf), 0) AS total
  FROM terms
), near AS (
  SELECT v.passage FROM passage_vectors v JOIN scope ON scope.number = v.source
  WHERE scope.embedder = $10 AND $14::halfvec IS NULL AND $15::bigint[] IS NULL
  ORDER BY v.embedding <#> $9 LIMIT 100
), near_by_index AS (
  SELECT passage FROM passage_vectors
  WHERE $14::halfvec IS NOT NULL
    AND (SELECT set_config('hnsw.ef_search', '200', true)
      || set_config('hnsw.iterative_scan', 'strict_order', true)) IS NOT NULL
    AND vector_dims(embedding) = 384
    AND source + 0 = ANY (ARRAY(SELECT number FROM scope WHERE embedder = $10))
  ORDER BY embedding::halfvec(384) <#> $14::halfvec(384) LIMIT 100
), told AS (
  SELECT t.passage, t.weights <#> (SELECT weights FROM question) AS distance
  FROM passage_terms t JOIN scope ON scope.number = t.source
  WHERE $13::bigint[] IS NULL
  ORDER BY 2 LIMIT 100
), found AS (
  SELECT passage FROM near UNION SELECT passage FROM near_by_index UNION SELECT unnest($15::bigint[])
  UNION SELECT passage FROM told WHERE distance < 0 UNION SELECT unnest($13::bigint[])
), signals AS MATERIALIZED (
  SELECT found.passage, -(v.embedding <#> $9) AS cosine,
    -(t.weights <#> (SELECT weights FROM question)) AS bm25,
    coalesce((SELECT sum(idf) FROM terms WHERE terms.number = ANY (t.lexemes))
      / (SELECT total FROM question), 0) AS coverage
  FROM found JOIN passage_vectors v USING (passage) JOIN passage_terms t USING (passage)
), ranked AS (
  SELECT passage, cosine, bm25, coverage, (1 - $12::double precision) * cosine + $12 * coalesce((bm25 - min(bm25) OVER ())
    / nullif(max(bm25) OVER () - min(bm25) OVER (), 0), 0) AS score
  FROM signals
  ORDER BY score DESC, passage LIMIT $11
)
SELECT searched.passages AS searched_passages, searched.sources AS searched_sources,
  reading.done AS files_done, reading.total AS files_total,
  ranked.score, ranked.cosine, ranked.bm25, ranked.coverage,
  p.passage_id, p.position, p.text, p.heading, p.char_start, p.char_end, p.page, p.start_s, p.end_s,
  p.speaker, p.cues, s.source_id, s.title, s.kind
FROM searched CROSS JOIN reading
LEFT JOIN (ranked JOIN passages p ON p.number = ranked.passage JOIN sources s ON s.number = p.source)
  ON true
ORDER BY ranked.score DESC, p.number;

-- name: nearest_passages
-- As near_by_index of search_passages, for a library so large that its words take longer: $1 to $7 as
-- there, $8 the vector of 384 numbers, $9 embedder.
SELECT passage FROM passage_vectors
WHERE (SELECT set_config('hnsw.ef_search', '200', true)
    || set_config('hnsw.iterative_scan', 'strict_order', true)) IS NOT NULL
  AND vector_dims(embedding) = 384
  AND source + 0 = ANY (ARRAY(
    SELECT number FROM sources
    WHERE (owner_id = $1 OR shared OR shared_with && $7) AND deleted_at IS NULL AND embedder = $9
      AND (cardinality($2::text[]) = 0 OR source_id = ANY ($2))
      AND (cardinality($3::text[]) = 0 OR kind = ANY ($3))
      AND (cardinality($4::text[]) = 0 OR tags && $4)
      AND ($5::timestamptz IS NULL OR created_at >= $5)
      AND ($6::timestamptz IS NULL OR created_at < $6)))
ORDER BY embedding::halfvec(384) <#> $8::halfvec(384)
LIMIT 100;

-- name: known_terms
-- The lexemes of query $8 that the library has, rarest first, and how many passages are searched; $1
-- to $7 as in search_passages. One row without a lexeme when it has none.
WITH searched AS MATERIALIZED (
  SELECT coalesce(sum(passage_count), 0) AS passages FROM sources
  WHERE (owner_id = $1 OR shared OR shared_with && $7) AND deleted_at IS NULL
    AND (cardinality($2::text[]) = 0 OR source_id = ANY ($2))
    AND (cardinality($3::text[]) = 0 OR kind = ANY ($3))
    AND (cardinality($4::text[]) = 0 OR tags && $4)
    AND ($5::timestamptz IS NULL OR created_at >= $5)
    AND ($6::timestamptz IS NULL OR created_at < $6)
)
SELECT searched.passages AS searched, total.passages AS of, known.number, known.passages, ln(1
    + (total.passages - known.passages + 0.5::float8) / (known.passages + 0.5::float8)) AS idf
FROM searched CROSS JOIN library_statistics AS total
LEFT JOIN (unnest(to_tsvector('english', $8)) AS asked
  JOIN lexemes AS known ON known.lexeme = asked.lexeme AND known.passages > 0) ON true
ORDER BY known.passages, known.number;

-- name: passages_by_terms
-- The best by BM25 of those that have a lexeme of $9. $1 to $7 as in search_passages, $8 the weights
-- of all terms.
WITH scope AS MATERIALIZED (
  SELECT number FROM sources
  WHERE (owner_id = $1 OR shared OR shared_with && $7) AND deleted_at IS NULL
    AND (cardinality($2::text[]) = 0 OR source_id = ANY ($2))
    AND (cardinality($3::text[]) = 0 OR kind = ANY ($3))
    AND (cardinality($4::text[]) = 0 OR tags && $4)
    AND ($5::timestamptz IS NULL OR created_at >= $5)
    AND ($6::timestamptz IS NULL OR created_at < $6)
), scored AS MATERIALIZED ( -- by the index of lexemes, never by that of sources
  SELECT passage, source, -(weights <#> $8::sparsevec) AS score FROM passage_terms
  WHERE lexemes && $9::integer[]
)
SELECT passage, score FROM scored WHERE source IN (SELECT number FROM scope)
ORDER BY score DESC, passage LIMIT 100;

-- name: passages_by_term_sets
-- As told_by_terms, of those that have all lexemes of one of the sets $9, each an array's text.
WITH scope AS MATERIALIZED (
  SELECT number FROM sources
  WHERE (owner_id = $1 OR shared OR shared_with && $7) AND deleted_at IS NULL
    AND (cardinality($2::text[]) = 0 OR source_id = ANY ($2))
    AND (cardinality($3::text[]) = 0 OR kind = ANY ($3))
    AND (cardinality($4::text[]) = 0 OR tags && $4)
    AND ($5::timestamptz IS NULL OR created_at >= $5)
    AND ($6::timestamptz IS NULL OR created_at < $6)
), scored AS MATERIALIZED (
  SELECT one.passage, one.source, one.score FROM unnest($9::text[]) AS wanted CROSS JOIN LATERAL (
    SELECT passage, source, -(weights <#> $8::sparsevec) AS score FROM passage_terms
    WHERE lexemes @> wanted::integer[]) AS one
)
SELECT DISTINCT passage, score FROM scored WHERE source IN (SELECT number FROM scope)
ORDER BY score DESC, passage LIMIT 100;

-- name: fetch_rerank_features
-- The token states of the passages $1 that have some; and, in a row without a passage, how rare each
-- of the words $2 is, in order. A word of several terms weighs as much as its rarest.
SELECT p.passage_id, t.states, NULL::float8[] AS weights
FROM passages p JOIN passage_tokens t ON t.passage = p.number
WHERE p.passage_id = ANY ($1::text[])
UNION ALL
SELECT NULL, NULL, coalesce(array_agg(weight ORDER BY place), '{}')
FROM (
  SELECT asked.place, coalesce(max(ln(1 + (total.passages - coalesce(known.passages, 0) + 0.5::float8)
      / (coalesce(known.passages, 0) + 0.5::float8))) FILTER (WHERE term.lexeme IS NOT NULL), 0)
    AS weight
  FROM library_statistics AS total
  CROSS JOIN unnest($2::text[]) WITH ORDINALITY AS asked (word, place)
  LEFT JOIN LATERAL unnest(to_tsvector('english', asked.word)) AS term ON true
  LEFT JOIN lexemes AS known ON known.lexeme = term.lexeme
  GROUP BY asked.place
) AS weighed;
