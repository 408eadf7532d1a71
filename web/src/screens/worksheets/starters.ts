/** Texts to begin with: the tutorial's steps, then questions. */
export interface Starter { name: string; text: string }

const TABLE = 'default_glue_catalog.puppygraph.vpcflowlogs_connections'

export const starters: Starter[] = [
  { name: 'Load flow logs from a folder', text: `-- 1. Where the logs arrive
CREATE FILE CONNECTION my_logs
  ROOT = '/var/log/vpc-flow-logs';

-- 2. The raw table: its columns are found in the files
CREATE ICEBERG TABLE ${TABLE}()
PARTITIONED BY $event_date;

-- 3. The job that loads every file exactly once
CREATE SYNC JOB ingest_vpcflowlogs_connections
  START_FROM = BEGINNING
  DATE_PATTERN = 'yyyy/MM/dd/HH/mm'
  CONTENT_TYPE = AUTO
  COLUMN_TRANSFORMATIONS = (primary_key = UUID_GENERATOR(account_id::string))
AS COPY FROM FILE my_logs LOCATION = '.'
INTO ${TABLE};` },
  { name: 'Load flow logs from S3', text: `CREATE S3 CONNECTION my_s3
  AWS_ROLE = 'arn:aws:iam::<account>:role/<role>'
  READ_ONLY = TRUE;

CREATE ICEBERG TABLE ${TABLE}()
PARTITIONED BY $event_date;

CREATE SYNC JOB ingest_from_s3
  START_FROM = BEGINNING
  DATE_PATTERN = 'yyyy/MM/dd/HH/mm'
  CONTENT_TYPE = AUTO
  COLUMN_TRANSFORMATIONS = (primary_key = UUID_GENERATOR(account_id::string))
AS COPY FROM S3 my_s3 LOCATION = 's3://<bucket>/AWSLogs/'
INTO ${TABLE};` },
  { name: 'Devices, kept up to date by upsert', text: `CREATE ICEBERG TABLE default_glue_catalog.puppygraph.vpcflowlogs_devices
(device_id string, device_type string, last_seen timestamp, partition_date date)
PARTITIONED BY partition_date
PRIMARY KEY device_id;

CREATE SYNC JOB create_unique_device_table_from_dstaddr
  START_FROM = BEGINNING
  ADD_MISSING_COLUMNS = TRUE
  RUN_INTERVAL = 1 MINUTE
AS INSERT INTO default_glue_catalog.puppygraph.vpcflowlogs_devices MAP_COLUMNS_BY_NAME
SELECT dstaddr::string as device_id, 'dest' as device_type, $event_date as partition_date, $event_time as last_seen
FROM ${TABLE}
WHERE TIME_FILTER();

CREATE SYNC JOB create_unique_device_table_from_srcaddr
  START_FROM = BEGINNING
  ADD_MISSING_COLUMNS = TRUE
  RUN_INTERVAL = 1 MINUTE
AS INSERT INTO default_glue_catalog.puppygraph.vpcflowlogs_devices MAP_COLUMNS_BY_NAME
SELECT srcaddr::string as device_id, 'source' as device_type, $event_date as partition_date, $event_time as last_seen
FROM ${TABLE}
WHERE TIME_FILTER();` },
  { name: 'Top talkers', text: `SELECT srcaddr, count(*) AS flows, sum(bytes) AS bytes, count(DISTINCT dstaddr) AS peers
FROM ${TABLE}
GROUP BY srcaddr ORDER BY bytes DESC LIMIT 50` },
  { name: 'Who is scanning', text: `SELECT srcaddr, dstaddr, count(DISTINCT dstport) AS ports, count(*) AS flows
FROM ${TABLE}
WHERE action = 'REJECT'
GROUP BY ALL HAVING ports > 20 ORDER BY ports DESC` },
  { name: 'Traffic by hour', text: `SELECT date_trunc('hour', to_timestamp(start)) AS hour, sum(bytes) AS bytes, count(*) FILTER (action = 'REJECT') AS rejected
FROM ${TABLE}
GROUP BY hour ORDER BY hour` },
  { name: 'What the jobs do', text: 'SELECT * FROM system.monitoring.jobs' },
  { name: 'Files that could not be read', text: 'SELECT * FROM system.monitoring.failures' },
]
