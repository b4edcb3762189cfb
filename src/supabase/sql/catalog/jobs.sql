-- Jobs of pg_cron, where it is installed.
SELECT k.row AS job FROM kept_row k WHERE k.relation = 'cron.job' ORDER BY k.place
