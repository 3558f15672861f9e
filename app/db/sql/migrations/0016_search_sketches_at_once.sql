-- Each new sketch is searched for at once: pending entries would be read one by one.
ALTER INDEX source_sketches_by_hash SET (fastupdate = off);
SELECT gin_clean_pending_list('source_sketches_by_hash'::regclass);
