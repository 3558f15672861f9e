-- What of a source's file is not in its text: [{"kind", "count", "total"}], see `FidelityNote`.
ALTER TABLE sources ADD COLUMN notes jsonb NOT NULL DEFAULT '[]';
