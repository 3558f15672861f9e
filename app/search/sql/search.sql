-- Queries of PostgresPassageIndex (app/search/passage_index.py).

-- name: search_passages
-- $1 to $7 as in `in_scope`, $8 query, $9 its vector, $10 embedder, $11 limit, $12 weight of BM25, $13
-- the lexical passages if already known, $14 the vector again to use the vector index, $15 the dense
-- passages if already known ($14 and $15 null: compare all vectors), $16 seconds without a heartbeat
-- after which an ingest job counts as dead. The filters apply to both lists. One row without a passage
-- means that nothing was found.
--
-- With the vector index, the scan is widened for this statement only. The planner assumes that an
-- array of unknown length is short, hence `+ 0`: otherwise it would use the index on `source`, which
-- reads everything.
WITH scope AS MATERIALIZED (
  SELECT number, passage_count, embedder FROM sources
  WHERE {{in_scope}}
), searched AS MATERIALIZED (
  SELECT coalesce(sum(passage_count), 0) AS passages, count(*) AS sources FROM scope
), reading AS MATERIALIZED ( -- like reading_progress of jobs.sql
  SELECT coalesce(sum(files_done), 0) AS done, coalesce(sum(files), 0) AS total FROM ingest_jobs
  WHERE NOT ended AND (owner_id = $1 OR shared)
    AND beat_at > clock_timestamp() - make_interval(secs => $16)
), terms AS MATERIALIZED (
  SELECT known.number, ln(1 + (total.passages - coalesce(known.passages, 0) + 0.5::float8)
    / (coalesce(known.passages, 0) + 0.5::float8)) AS idf
  FROM unnest(to_tsvector('english', $8)) AS term
  LEFT JOIN lexemes AS known ON known.lexeme = term.lexeme
  CROSS JOIN library_statistics AS total
), question AS MATERIALIZED (
  SELECT ('{' || coalesce(string_agg(number || ':' || idf::real, ',' ORDER BY number)
      FILTER (WHERE number IS NOT NULL), '') || '}/1000000000')::sparsevec AS weights,
    nullif(sum(idf), 0) AS total
  FROM terms
), dense AS (
  SELECT v.passage FROM passage_vectors v JOIN scope ON scope.number = v.source
  WHERE scope.embedder = $10 AND $14::halfvec IS NULL AND $15::bigint[] IS NULL
  ORDER BY v.embedding <#> $9 LIMIT 100
), dense_by_index AS (
  SELECT passage FROM passage_vectors
  WHERE $14::halfvec IS NOT NULL
    AND (SELECT set_config('hnsw.ef_search', '200', true)
      || set_config('hnsw.iterative_scan', 'strict_order', true)) IS NOT NULL
    AND vector_dims(embedding) = 384
    AND source + 0 = ANY (ARRAY(SELECT number FROM scope WHERE embedder = $10))
  ORDER BY embedding::halfvec(384) <#> $14::halfvec(384) LIMIT 100
), lexical AS (
  SELECT t.passage, t.weights <#> (SELECT weights FROM question) AS distance
  FROM passage_terms t JOIN scope ON scope.number = t.source
  WHERE $13::bigint[] IS NULL
  ORDER BY 2 LIMIT 100
), found AS (
  SELECT passage FROM dense UNION SELECT passage FROM dense_by_index UNION SELECT unnest($15::bigint[])
  UNION SELECT passage FROM lexical WHERE distance < 0 UNION SELECT unnest($13::bigint[])
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
  p.speaker, p.cues, p.structure, s.source_id, s.title, s.kind
FROM searched CROSS JOIN reading
LEFT JOIN (ranked JOIN passages p ON p.number = ranked.passage JOIN sources s ON s.number = p.source)
  ON true
ORDER BY ranked.score DESC, p.number;

-- name: nearest_passages
-- The dense_by_index of search_passages alone, for libraries in which the lexical search takes longer.
-- $1 to $7 as in `in_scope`, $8 the vector (384 dimensions), $9 embedder.
SELECT passage FROM passage_vectors
WHERE (SELECT set_config('hnsw.ef_search', '200', true)
    || set_config('hnsw.iterative_scan', 'strict_order', true)) IS NOT NULL
  AND vector_dims(embedding) = 384
  AND source + 0 = ANY (ARRAY(
    SELECT number FROM sources
    WHERE {{in_scope}} AND embedder = $9))
ORDER BY embedding::halfvec(384) <#> $8::halfvec(384)
LIMIT 100;

-- name: known_terms
-- The lexemes of query $8 that occur in the library, rarest first, and the number of passages in scope
-- ($1 to $7). One row without a lexeme when none occurs.
WITH searched AS MATERIALIZED (
  SELECT coalesce(sum(passage_count), 0) AS passages FROM sources
  WHERE {{in_scope}}
)
SELECT searched.passages AS searched, total.passages AS of, known.number, known.passages, ln(1
    + (total.passages - known.passages + 0.5::float8) / (known.passages + 0.5::float8)) AS idf
FROM searched CROSS JOIN library_statistics AS total
LEFT JOIN (unnest(to_tsvector('english', $8)) AS term
  JOIN lexemes AS known ON known.lexeme = term.lexeme AND known.passages > 0) ON true
ORDER BY known.passages, known.number;

-- name: passages_by_terms
-- The best passages by BM25 among those with a lexeme of $9. $1 to $7 as in `in_scope`, $8 the weights
-- of all terms.
WITH scope AS MATERIALIZED (
  SELECT number FROM sources
  WHERE {{in_scope}}
), scored AS MATERIALIZED ( -- uses the index on lexemes, never the one on source
  SELECT passage, source, -(weights <#> $8::sparsevec) AS score FROM passage_terms
  WHERE lexemes && $9::integer[]
)
SELECT passage, score FROM scored WHERE source IN (SELECT number FROM scope)
ORDER BY score DESC, passage LIMIT 100;

-- name: passages_by_term_sets
-- Like passages_by_terms, among those with all lexemes of one of the sets $9 (arrays as text).
WITH scope AS MATERIALIZED (
  SELECT number FROM sources
  WHERE {{in_scope}}
), scored AS MATERIALIZED (
  SELECT hit.passage, hit.source, hit.score FROM unnest($9::text[]) AS term_set CROSS JOIN LATERAL (
    SELECT passage, source, -(weights <#> $8::sparsevec) AS score FROM passage_terms
    WHERE lexemes @> term_set::integer[]) AS hit
)
SELECT DISTINCT passage, score FROM scored WHERE source IN (SELECT number FROM scope)
ORDER BY score DESC, passage LIMIT 100;

-- name: fetch_rerank_features
-- The token states of the passages $1 that have some and, in one row without a passage, the idf of
-- each word of $2, in order, and the idf of a word that no passage has. A word of several terms has
-- the idf of its rarest term.
SELECT p.passage_id, t.states, NULL::float8[] AS weights, NULL::float8 AS absent
FROM passages p JOIN passage_tokens t ON t.passage = p.number
WHERE p.passage_id = ANY ($1::text[])
UNION ALL
SELECT NULL, NULL, coalesce(array_agg(weight ORDER BY place), '{}'),
  (SELECT ln(1 + (passages + 0.5::float8) / 0.5) FROM library_statistics)
FROM (
  SELECT query.place, coalesce(max(ln(1 + (total.passages - coalesce(known.passages, 0) + 0.5::float8)
      / (coalesce(known.passages, 0) + 0.5::float8))) FILTER (WHERE term.lexeme IS NOT NULL), 0)
    AS weight
  FROM library_statistics AS total
  CROSS JOIN unnest($2::text[]) WITH ORDINALITY AS query (word, place)
  LEFT JOIN LATERAL unnest(to_tsvector('english', query.word)) AS term ON true
  LEFT JOIN lexemes AS known ON known.lexeme = term.lexeme
  GROUP BY query.place
) AS weighed;
