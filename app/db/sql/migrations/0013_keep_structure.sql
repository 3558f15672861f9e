-- The rows, items and code of a passage: [[kind, start, end]], offsets into its text; see `Span`.
ALTER TABLE passages ADD COLUMN structure jsonb NOT NULL DEFAULT '[]';
