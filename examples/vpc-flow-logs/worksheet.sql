-- VPC flow logs into Iceberg tables: the raw connections, and one row for each device.
-- Run it with:  floe run examples/vpc-flow-logs/worksheet.sql --until-caught-up

-- 1. Where the logs arrive. ROOT is relative to this file.
CREATE FILE CONNECTION samples
  ROOT = './samples';

-- 2. The raw table: its columns are found in the files and grow with them.
CREATE ICEBERG TABLE default_glue_catalog.puppygraph.vpcflowlogs_connections()
PARTITIONED BY $event_date;

-- 3. The job that loads every file exactly once.
CREATE SYNC JOB ingest_vpcflowlogs_connections
  START_FROM = BEGINNING
  DATE_PATTERN = 'yyyy/MM/dd/HH/mm'
  CONTENT_TYPE = AUTO
  COLUMN_TRANSFORMATIONS = (primary_key = UUID_GENERATOR(account_id::string))
AS COPY FROM FILE samples LOCATION = '.'
INTO default_glue_catalog.puppygraph.vpcflowlogs_connections;

-- 4. The devices: one live row for each address, with the time it was last seen.
CREATE ICEBERG TABLE default_glue_catalog.puppygraph.vpcflowlogs_devices
(device_id string, device_type string, last_seen timestamp, partition_date date)
PARTITIONED BY partition_date
PRIMARY KEY device_id;

-- 5. Two jobs keep them up to date from the raw table: addresses as targets, addresses as sources.
CREATE SYNC JOB create_unique_device_table_from_dstaddr
  START_FROM = BEGINNING
  ADD_MISSING_COLUMNS = TRUE
  RUN_INTERVAL = 1 MINUTE
AS INSERT INTO default_glue_catalog.puppygraph.vpcflowlogs_devices MAP_COLUMNS_BY_NAME
SELECT
  dstaddr::string as device_id,
  'dest' as device_type,
  $event_date as partition_date,
  $event_time as last_seen
FROM default_glue_catalog.puppygraph.vpcflowlogs_connections
WHERE TIME_FILTER();

CREATE SYNC JOB create_unique_device_table_from_srcaddr
  START_FROM = BEGINNING
  ADD_MISSING_COLUMNS = TRUE
  RUN_INTERVAL = 1 MINUTE
AS INSERT INTO default_glue_catalog.puppygraph.vpcflowlogs_devices MAP_COLUMNS_BY_NAME
SELECT
  srcaddr::string as device_id,
  'source' as device_type,
  $event_date as partition_date,
  $event_time as last_seen
FROM default_glue_catalog.puppygraph.vpcflowlogs_connections
WHERE TIME_FILTER();
