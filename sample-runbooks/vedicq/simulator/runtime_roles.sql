-- Least privilege: who migrates, who writes, who reads. The stand-in for psql reads these very lines.
CREATE ROLE asymm_migrator NOLOGIN;
CREATE ROLE asymm_writer NOLOGIN;
CREATE ROLE asymm_reader NOLOGIN;
GRANT CREATE ON SCHEMA public TO asymm_migrator;
GRANT SELECT ON telemetry_events TO asymm_writer;
GRANT INSERT ON telemetry_events TO asymm_writer;
GRANT SELECT ON telemetry_events TO asymm_reader;
GRANT asymm_migrator TO migrator_app;
GRANT asymm_writer TO runtime_app;
GRANT asymm_reader TO analytics_app;
