-- BM25 with k1 = 0.7 in place of 1.2: better on every collection of the evaluation.
CREATE OR REPLACE FUNCTION lexical_weights(
  lexemes integer[], frequencies integer[], length integer, average double precision
) RETURNS sparsevec LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ('{' || coalesce(string_agg(
      term.lexeme || ':' ||
        (1.7 * term.frequency / (term.frequency + 0.7 * (0.25 + 0.75 * length / average)))::real,
      ',' ORDER BY term.lexeme), '') || '}/1000000000')::sparsevec
  FROM unnest(lexemes, frequencies) AS term (lexeme, frequency)
$$;
UPDATE passage_terms t
SET weights = lexical_weights(l.lexemes, l.frequencies, l.length, s.average_length)
FROM passage_lexemes l, library_statistics s
WHERE l.passage = t.passage;
