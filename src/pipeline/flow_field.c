/* The table of flow-log fields. */
#include "pipeline/flow_field.h"

#include <pthread.h>

const flow_field flow_fields[] = {
    { "version", COLUMN_INT32, 2 },
    { "account_id", COLUMN_STRING, 2 },
    { "interface_id", COLUMN_STRING, 2 },
    { "srcaddr", COLUMN_STRING, 2 },
    { "dstaddr", COLUMN_STRING, 2 },
    { "srcport", COLUMN_INT32, 2 },
    { "dstport", COLUMN_INT32, 2 },
    { "protocol", COLUMN_INT32, 2 },
    { "packets", COLUMN_INT64, 2 },
    { "bytes", COLUMN_INT64, 2 },
    { "start", COLUMN_INT64, 2 },
    { "end", COLUMN_INT64, 2 },
    { "action", COLUMN_STRING, 2 },
    { "log_status", COLUMN_STRING, 2 },
    { "vpc_id", COLUMN_STRING, 3 },
    { "subnet_id", COLUMN_STRING, 3 },
    { "instance_id", COLUMN_STRING, 3 },
    { "tcp_flags", COLUMN_INT32, 3 },
    { "type", COLUMN_STRING, 3 },
    { "pkt_srcaddr", COLUMN_STRING, 3 },
    { "pkt_dstaddr", COLUMN_STRING, 3 },
    { "region", COLUMN_STRING, 4 },
    { "az_id", COLUMN_STRING, 4 },
    { "sublocation_type", COLUMN_STRING, 4 },
    { "sublocation_id", COLUMN_STRING, 4 },
    { "pkt_src_aws_service", COLUMN_STRING, 5 },
    { "pkt_dst_aws_service", COLUMN_STRING, 5 },
    { "flow_direction", COLUMN_STRING, 5 },
    { "traffic_path", COLUMN_INT32, 5 },
    { "ecs_cluster_arn", COLUMN_STRING, 7 },
    { "ecs_cluster_name", COLUMN_STRING, 7 },
    { "ecs_container_instance_arn", COLUMN_STRING, 7 },
    { "ecs_container_instance_id", COLUMN_STRING, 7 },
    { "ecs_container_id", COLUMN_STRING, 7 },
    { "ecs_second_container_id", COLUMN_STRING, 7 },
    { "ecs_service_name", COLUMN_STRING, 7 },
    { "ecs_task_definition_arn", COLUMN_STRING, 7 },
    { "ecs_task_arn", COLUMN_STRING, 7 },
    { "ecs_task_id", COLUMN_STRING, 7 },
    { "reject_reason", COLUMN_STRING, 8 },
    { "resource_id", COLUMN_STRING, 9 },
    { "encryption_status", COLUMN_STRING, 10 },
    { "instance_tag", COLUMN_STRING, 11 },
    { "instance_tag_2", COLUMN_STRING, 11 },
    { "interface_tag", COLUMN_STRING, 11 },
    { "interface_tag_2", COLUMN_STRING, 11 },
    { "asg_tag", COLUMN_STRING, 11 },
    { "asg_tag_2", COLUMN_STRING, 11 },
    { "interface_type", COLUMN_STRING, 11 },
    { "next_hop_interface_id", COLUMN_STRING, 11 },
    { "next_hop_subnet_id", COLUMN_STRING, 11 },
    { "next_hop_az_id", COLUMN_STRING, 11 },
    { "next_hop_vpc_id", COLUMN_STRING, 11 },
    { "next_hop_interface_type", COLUMN_STRING, 11 },
    { "resource_type", COLUMN_STRING, 6 },
    { "tgw_id", COLUMN_STRING, 6 },
    { "tgw_attachment_id", COLUMN_STRING, 6 },
    { "tgw_src_vpc_account_id", COLUMN_STRING, 6 },
    { "tgw_dst_vpc_account_id", COLUMN_STRING, 6 },
    { "tgw_src_vpc_id", COLUMN_STRING, 6 },
    { "tgw_dst_vpc_id", COLUMN_STRING, 6 },
    { "tgw_src_subnet_id", COLUMN_STRING, 6 },
    { "tgw_dst_subnet_id", COLUMN_STRING, 6 },
    { "tgw_src_eni", COLUMN_STRING, 6 },
    { "tgw_dst_eni", COLUMN_STRING, 6 },
    { "tgw_src_az_id", COLUMN_STRING, 6 },
    { "tgw_dst_az_id", COLUMN_STRING, 6 },
    { "tgw_pair_attachment_id", COLUMN_STRING, 6 },
    { "packets_lost_no_route", COLUMN_INT64, 6 },
    { "packets_lost_blackhole", COLUMN_INT64, 6 },
    { "packets_lost_mtu_exceeded", COLUMN_INT64, 6 },
    { "packets_lost_ttl_expired", COLUMN_INT64, 6 },
};

const size_t flow_field_count = ARRAY_LEN(flow_fields);

static text_column columns[ARRAY_LEN(flow_fields)];
static pthread_once_t columns_once = PTHREAD_ONCE_INIT;

static void fill_columns(void)
{
    for (size_t i = 0; i < flow_field_count; i++)
        columns[i] = (text_column){ str_of(flow_fields[i].name), flow_fields[i].type };
}

const text_column *flow_field_columns(void)
{
    pthread_once(&columns_once, fill_columns);
    return columns;
}

static bool names_match(str name, const char *field)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c == '-' ? '_' : c;
        if (field[i] == 0 || c != field[i])
            return false;
    }
    return field[name.len] == 0;
}

const flow_field *flow_field_find(str name)
{
    for (size_t i = 0; i < flow_field_count; i++)
        if (names_match(name, flow_fields[i].name))
            return &flow_fields[i];
    return NULL;
}
