-- Queries of LibraryVocabulary (app/search/vocabulary.py). Only what the principal can read counts.

-- name: read_word_use
-- How readable sources use the words of a question ($3) and earlier ones ($4); $1 owner, $2 groups. One
-- row per word: whether a title has it and, for $3, whether no passage has it, and the title words
-- with a source that has it. A lexeme of more than $5 passages counts as readable.
WITH words AS MATERIALIZED (
  SELECT word, word = ANY ($3::text[]) AS is_asked
  FROM (SELECT unnest($3::text[]) AS word UNION SELECT unnest($4::text[])) AS one
), terms AS MATERIALIZED (
  SELECT words.word, words.is_asked, term.lexeme, known.number, coalesce(known.passages, 0) AS passages
  FROM words CROSS JOIN LATERAL unnest(to_tsvector('english', words.word)) AS term
  LEFT JOIN lexemes AS known ON known.lexeme = term.lexeme
), wanted AS MATERIALIZED (
  SELECT string_agg(DISTINCT '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery
    AS query
  FROM terms
), titles AS MATERIALIZED (
  SELECT number, tsvector_to_array(to_tsvector('english', title)) AS lexemes
  FROM sources
  WHERE to_tsvector('english', title) @@ (SELECT query FROM wanted)
    AND {{readable_by source=sources owner=$1 groups=$2}}
  LIMIT 200
), titled AS MATERIALIZED (
  SELECT DISTINCT terms.word, titles.number AS source
  FROM terms JOIN titles ON terms.lexeme = ANY (titles.lexemes)
)
SELECT words.word,
  EXISTS (SELECT FROM titled WHERE titled.word = words.word) AS titled,
  words.is_asked AND EXISTS (
    SELECT FROM terms
    WHERE terms.word = words.word AND (terms.passages = 0 OR terms.passages <= $5 AND NOT EXISTS (
      SELECT FROM passage_terms p JOIN sources s ON s.number = p.source
      WHERE p.lexemes @> ARRAY[terms.number] AND {{readable_by source=s owner=$1 groups=$2}}))
  ) AS absent,
  ARRAY(
    SELECT DISTINCT titled.word FROM titled
    WHERE words.is_asked AND EXISTS (
      SELECT FROM passage_terms p
      WHERE p.source = titled.source
        AND p.lexemes @> ARRAY(SELECT number FROM terms WHERE terms.word = words.word))
  ) AS within
FROM words;

-- name: find_lexemes
-- The lexemes of the words $3, and whether no readable passage has them. $1 owner, $2 groups, $4 the
-- passages of a lexeme beyond which it counts as readable.
SELECT query.word, term.lexeme,
  coalesce(known.passages, 0) = 0 OR known.passages <= $4 AND NOT EXISTS (
    SELECT FROM passage_terms p JOIN sources s ON s.number = p.source
    WHERE p.lexemes @> ARRAY[known.number] AND {{readable_by source=s owner=$1 groups=$2}}
  ) AS absent
FROM unnest($3::text[]) WITH ORDINALITY AS query (word, place)
CROSS JOIN LATERAL unnest(to_tsvector('english', query.word)) AS term
LEFT JOIN lexemes AS known ON known.lexeme = term.lexeme
ORDER BY query.place, term.lexeme;

-- name: list_similar
-- Lexemes of any source that begin with one of $1 and contain one of $2 (patterns), of $3 to $4
-- characters, the most frequent first.
SELECT lexeme FROM lexemes
WHERE left(lexeme, 1) = ANY ($1::text[]) AND length(lexeme) BETWEEN $3 AND $4
  AND lexeme LIKE ANY ($2::text[]) AND passages > 0
ORDER BY passages DESC, lexeme
LIMIT 500;

-- name: find_spelling
-- The lexemes of $3 that a readable passage has, with the text of one that has it; $1 owner, $2 groups.
SELECT known.lexeme, known.passages, found.text
FROM lexemes AS known
CROSS JOIN LATERAL (
  SELECT concat_ws(E'\n', s.title, q.heading, q.text) AS text
  FROM passage_terms p
  JOIN sources s ON s.number = p.source
  JOIN passages q ON q.number = p.passage
  WHERE p.lexemes @> ARRAY[known.number] AND {{readable_by source=s owner=$1 groups=$2}}
  LIMIT 1
) AS found
WHERE known.lexeme = ANY ($3::text[]);

-- name: find_within
-- Those of $3 that are part of a lexeme which a readable passage has ("dotenv" of "load_dotenv");
-- of at least four letters. $1 owner, $2 groups.
SELECT wanted.part
FROM unnest($3::text[]) AS wanted (part)
WHERE length(wanted.part) >= 4 AND EXISTS (
  SELECT FROM lexemes AS known
  JOIN passage_terms p ON p.lexemes @> ARRAY[known.number]
  JOIN sources s ON s.number = p.source
  WHERE strpos(known.lexeme, wanted.part) > 0 AND known.passages > 0
    AND {{readable_by source=s owner=$1 groups=$2}});
