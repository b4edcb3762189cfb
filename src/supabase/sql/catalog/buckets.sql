-- Buckets of Storage, where there are any: their settings, not their files.
SELECT k.row AS bucket FROM kept_row k WHERE k.relation = 'storage.buckets' ORDER BY k.place
