/* The fields of AWS VPC flow logs, versions 2 to 11, and of transit gateway flow logs: names,
 * types, versions. Source: AWS VPC user guide, "Flow log records"; AWS transit gateway guide,
 * "Transit Gateway Flow Logs records". */
#pragma once

#include "column/text.h"

typedef struct flow_field {
    const char *name; /* as Parquet and tables have it: with '_' */
    column_type type;
    uint8_t version; /* that brought it; 6: transit gateway only */
} flow_field;

/* The order of version 2, which CloudWatch and Firehose deliver without a header. */
#define FLOW_DEFAULT_HEADER                                                                        \
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "      \
    "start end action log-status"

extern const flow_field flow_fields[];
extern const size_t flow_field_count;

/* NULL when there is none; any case, '-' or '_'. */
const flow_field *flow_field_find(str name);
/* The same list for the text reader. Static. */
const text_column *flow_field_columns(void);
