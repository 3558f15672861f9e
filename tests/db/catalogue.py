"""The schema of a database as text that can be compared."""

from asyncpg import Connection

_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
       a.attgenerated, a.attstorage, l.collname, pg_get_expr(d.adbin, d.adrelid), c.reloptions
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
  AND c.relname <> 'schema_migrations'
ORDER BY c.relname, a.attnum
"""
_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
  AND conrelid::regclass::text <> 'schema_migrations'
ORDER BY 1, 2
"""
_INDEXES = """
SELECT tablename, indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename <> 'schema_migrations'
ORDER BY 1, 2
"""
_ROUTINES = """
SELECT p.proname, pg_get_functiondef(p.oid)
FROM pg_proc p
LEFT JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
WHERE p.pronamespace = 'public'::regnamespace AND d.objid IS NULL
ORDER BY 1, 2
"""
_TRIGGERS = """
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1
"""


async def describe(connection: Connection) -> list[str]:
    """One line per column, constraint, index, function and trigger of ours, sorted."""
    lines: list[str] = []
    for query in (_COLUMNS, _CONSTRAINTS, _INDEXES, _ROUTINES, _TRIGGERS):
        lines.extend(" | ".join(map(str, row)) for row in await connection.fetch(query))
    return lines
