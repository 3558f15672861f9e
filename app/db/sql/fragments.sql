-- Fragments of queries, used as {{name}} or {{name parameter=value …}} in the other files.

-- fragment: readable_by
-- Whether a principal can read a source: their own, shared with everyone, or with one of their groups.
(:source.owner_id = :owner OR :source.shared OR :source.shared_with && :groups)
  AND :source.deleted_at IS NULL

-- fragment: in_scope
-- The sources that a search covers: $1 owner, $2 source ids, $3 kinds, $4 tags (empty: any), $5 added at
-- or after, $6 added before (null: any time), $7 groups of the owner.
{{readable_by source=sources owner=$1 groups=$7}}
    AND (cardinality($2::text[]) = 0 OR source_id = ANY ($2))
    AND (cardinality($3::text[]) = 0 OR kind = ANY ($3))
    AND (cardinality($4::text[]) = 0 OR tags && $4)
    AND ($5::timestamptz IS NULL OR created_at >= $5)
    AND ($6::timestamptz IS NULL OR created_at < $6)
