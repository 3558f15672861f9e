-- For large libraries (see told_by_terms): the lexemes beside the weights, so that a search that comes
-- by the index reads one table only. They follow the weights, whichever version writes those. Without
-- a list of pending entries, which every search would read.
CREATE FUNCTION lexemes_of(weights sparsevec) RETURNS integer[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(split_part(term, ':', 1)::integer ORDER BY place), '{}')
  FROM unnest(string_to_array(nullif(substring(weights::text FROM '{(.*)}'), ''), ','))
    WITH ORDINALITY AS one (term, place)
$$;
ALTER TABLE passage_terms
  ADD COLUMN lexemes integer[] GENERATED ALWAYS AS (lexemes_of(weights)) STORED;
CREATE INDEX passage_terms_by_lexeme ON passage_terms USING gin (lexemes) WITH (fastupdate = off);
ANALYZE passage_terms;
