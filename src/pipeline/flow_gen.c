/* The generator. Every row is a function of (seed, row number), so threads and file sizes change
 * nothing.
 *
 * Shape: few internal hosts behind network interfaces, external peers by a heavy tail with many
 * that are seen once, two rows a connection, more than a third REJECT, log-normal sizes with a
 * Pareto tail, 1 % NODATA records, some IPv6. */
#include "pipeline/flow_gen.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/pool.h"
#include "base/vec.h"
#include "column/generate.h"

enum {
    HOSTS = 60,
    STORY_STRIDE = 331,
    FILE_SECONDS = 300,
    SMALLEST_WORLD = 400,
    LARGEST_WORLD = 60000
};

typedef enum gen_column {
    VERSION,
    ACCOUNT,
    INTERFACE,
    SRCADDR,
    DSTADDR,
    SRCPORT,
    DSTPORT,
    PROTOCOL,
    PACKETS,
    BYTES,
    START,
    END,
    ACTION,
    LOG_STATUS,
    VPC,
    SUBNET,
    INSTANCE,
    TCP_FLAGS,
    TYPE,
    PKT_SRCADDR,
    PKT_DSTADDR,
    REGION,
    AZ,
    SUBLOCATION_TYPE,
    SUBLOCATION_ID,
    SRC_SERVICE,
    DST_SERVICE,
    DIRECTION,
    TRAFFIC_PATH,
    GEN_COLUMNS,
} gen_column;

typedef struct world {
    const flow_gen_options *options;
    generate_column columns[GEN_COLUMNS];
    uint32_t address_count, external_from, external_count,
        none; /* codes of addresses; `none`: "-" */
    uint32_t stories_from;
    int64_t start_s;
} world;

static const str actions[] = { STR_INIT("ACCEPT"), STR_INIT("REJECT"), STR_INIT("-") };
static const str statuses[] = { STR_INIT("OK"), STR_INIT("NODATA"), STR_INIT("SKIPDATA") };
static const str types[] = { STR_INIT("IPv4"), STR_INIT("IPv6"), STR_INIT("-") };
static const str services[] = { STR_INIT("-"), STR_INIT("S3"), STR_INIT("DYNAMODB"),
                                STR_INIT("EC2") };
static const str directions[] = { STR_INIT("ingress"), STR_INIT("egress"), STR_INIT("-") };
static const str nothing[] = { STR_INIT("-") };
static const char *const story_addresses[] = { "198.51.100.77", "203.0.113.9", "203.0.113.50" };
enum { SCANNER, CONTROLLER, DROP_BOX };

/* ---- Random numbers by position: splitmix64 ---- */

static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15ull;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ x >> 27) * 0x94D049BB133111EBull;
    return x ^ x >> 31;
}

typedef struct dice {
    uint64_t state;
} dice;

static uint64_t roll(dice *d)
{
    return mix(d->state++);
}

static double roll_unit(dice *d)
{
    return (double)(roll(d) >> 11) * 0x1p-53;
}

static uint32_t roll_below(dice *d, uint32_t count)
{
    return (uint32_t)((roll(d) >> 32) * count >> 32);
}

/* ---- The world: addresses and their codes ---- */

static str external_address(arena *a, uint64_t seed, uint32_t i)
{
    uint64_t r = mix(seed * 31 + i);
    if (r % 100 < 4)
        return str_format(a, "2600:1f18:%x:%x::%x", (unsigned)(r >> 8 & 0xfff) + 1,
                          (unsigned)(r >> 20 & 0xffff) + 1, i + 1);
    /* one address for each i: the low bits are i itself, scattered by an odd factor */
    uint32_t low = (i * 40503u + (uint32_t)seed) & 0x1FFFFF, high = 20 + (uint32_t)(low >> 16) * 5;
    return str_format(a, "%u.%u.%u.%u", high, low >> 8 & 255, low & 255, 1 + i % 250);
}

static void make_world(world *w, arena *a, const flow_gen_options *o)
{
    VEC(str) addresses = { 0 }, interfaces = { 0 }, instances = { 0 };
    uint64_t externals = (uint64_t)(pow((double)o->rows, 0.77) / 5);
    w->options = o;
    w->external_count = (uint32_t)(externals < SMALLEST_WORLD  ? SMALLEST_WORLD
                                   : externals > LARGEST_WORLD ? LARGEST_WORLD
                                                               : externals);
    if (o->addresses)
        w->external_count = (uint32_t)o->addresses;
    for (uint32_t i = 0; i < HOSTS; i++) {
        vec_push(a, &addresses, str_format(a, "10.0.%u.%u", 1 + i / 20, 10 + i % 20));
        vec_push(a, &interfaces, str_format(a, "eni-0%016llx", (unsigned long long)mix(i)));
        vec_push(a, &instances, str_format(a, "i-0%016llx", (unsigned long long)mix(i + 1000)));
    }
    w->stories_from = (uint32_t)addresses.count;
    for (size_t i = 0; i < ARRAY_LEN(story_addresses); i++)
        vec_push(a, &addresses, str_of(story_addresses[i]));
    w->external_from = (uint32_t)addresses.count;
    for (uint32_t i = 0; i < w->external_count; i++)
        vec_push(a, &addresses, external_address(a, o->seed, i));
    w->none = (uint32_t)addresses.count;
    vec_push(a, &addresses, STR("-"));
    vec_push(a, &instances, STR("-"));
    w->address_count = (uint32_t)addresses.count;
    w->start_s = (int64_t)o->start_day * 86400;
    str *own = arena_array_of(a, str, 6);
    own[0] = o->account;
    own[1] = STR("vpc-0f1oe0000000000001");
    own[2] = STR("subnet-0f1oe00000000001");
    own[3] = o->region;
    own[4] = STR("use1-az1");
    const generate_column columns[GEN_COLUMNS] = {
        [VERSION] = { STR("version"), COLUMN_INT32, NULL, 0 },
        [ACCOUNT] = { STR("account_id"), COLUMN_STRING, &own[0], 1 },
        [INTERFACE] = { STR("interface_id"), COLUMN_STRING, interfaces.items, HOSTS },
        [SRCADDR] = { STR("srcaddr"), COLUMN_STRING, addresses.items, w->address_count },
        [DSTADDR] = { STR("dstaddr"), COLUMN_STRING, addresses.items, w->address_count },
        [SRCPORT] = { STR("srcport"), COLUMN_INT32, NULL, 0 },
        [DSTPORT] = { STR("dstport"), COLUMN_INT32, NULL, 0 },
        [PROTOCOL] = { STR("protocol"), COLUMN_INT32, NULL, 0 },
        [PACKETS] = { STR("packets"), COLUMN_INT64, NULL, 0 },
        [BYTES] = { STR("bytes"), COLUMN_INT64, NULL, 0 },
        [START] = { STR("start"), COLUMN_INT64, NULL, 0 },
        [END] = { STR("end"), COLUMN_INT64, NULL, 0 },
        [ACTION] = { STR("action"), COLUMN_STRING, actions, ARRAY_LEN(actions) },
        [LOG_STATUS] = { STR("log_status"), COLUMN_STRING, statuses, ARRAY_LEN(statuses) },
        [VPC] = { STR("vpc_id"), COLUMN_STRING, &own[1], 1 },
        [SUBNET] = { STR("subnet_id"), COLUMN_STRING, &own[2], 1 },
        [INSTANCE] = { STR("instance_id"), COLUMN_STRING, instances.items, HOSTS + 1 },
        [TCP_FLAGS] = { STR("tcp_flags"), COLUMN_INT32, NULL, 0 },
        [TYPE] = { STR("type"), COLUMN_STRING, types, ARRAY_LEN(types) },
        [PKT_SRCADDR] = { STR("pkt_srcaddr"), COLUMN_STRING, addresses.items, w->address_count },
        [PKT_DSTADDR] = { STR("pkt_dstaddr"), COLUMN_STRING, addresses.items, w->address_count },
        [REGION] = { STR("region"), COLUMN_STRING, &own[3], 1 },
        [AZ] = { STR("az_id"), COLUMN_STRING, &own[4], 1 },
        [SUBLOCATION_TYPE] = { STR("sublocation_type"), COLUMN_STRING, nothing, 1 },
        [SUBLOCATION_ID] = { STR("sublocation_id"), COLUMN_STRING, nothing, 1 },
        [SRC_SERVICE] = { STR("pkt_src_aws_service"), COLUMN_STRING, services,
                          ARRAY_LEN(services) },
        [DST_SERVICE] = { STR("pkt_dst_aws_service"), COLUMN_STRING, services,
                          ARRAY_LEN(services) },
        [DIRECTION] = { STR("flow_direction"), COLUMN_STRING, directions, ARRAY_LEN(directions) },
        [TRAFFIC_PATH] = { STR("traffic_path"), COLUMN_INT32, NULL, 0 },
    };
    memcpy(w->columns, columns, sizeof columns);
}

/* ---- One record ---- */

typedef struct record {
    uint32_t source, target, host; /* address codes; the host whose interface saw it */
    int32_t source_port, target_port, protocol, flags;
    int64_t packets, bytes, start, end;
    bool is_reject, is_egress, is_nodata, is_ipv6;
} record;

static int64_t roll_bytes(dice *d)
{
    double u = roll_unit(d), v = roll_unit(d);
    double normal = sqrt(-2 * log(u + 1e-12)) * cos(6.283185307179586 * v);
    double bytes = exp(6.4 + 1.4 * normal);
    if (roll(d) % 2000 == 0)
        bytes *= pow(roll_unit(d) + 1e-4, -1.1);
    return bytes < 40 ? 40 : bytes > 1e9 ? (int64_t)1e9 : (int64_t)bytes;
}

static int32_t roll_service_port(dice *d)
{
    static const struct {
        int32_t port;
        uint8_t share; /* of 100 */
    } ports[] = { { 443, 30 }, { 22, 17 }, { 80, 12 },  { 53, 8 },   { 3306, 4 }, { 3389, 3 },
                  { 445, 3 },  { 23, 3 },  { 8080, 3 }, { 5432, 2 }, { 6379, 2 } };
    uint32_t n = roll_below(d, 100);
    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        if (n < ports[i].share)
            return ports[i].port;
        n -= ports[i].share;
    }
    return 1 + (int32_t)roll_below(d, 65535);
}

/* Both rows of a connection see the same dice; the second is the answer. */
static void make_connection(const world *w, uint64_t number, bool is_answer, record *r)
{
    dice d = { mix(w->options->seed) ^ number << 20 };
    double u = roll_unit(&d), v = roll_unit(&d);
    uint32_t host = (uint32_t)(HOSTS * u * u * u),
             peer = w->external_from + (uint32_t)(w->external_count * v * v * v);
    if (roll_below(&d, 100) < 15)
        peer = roll_below(&d, HOSTS);
    bool comes_in = peer >= HOSTS && roll_below(&d, 100) < 60;
    r->host = host;
    r->source = comes_in ? peer : host;
    r->target = comes_in ? host : peer;
    r->source_port = 1024 + (int32_t)roll_below(&d, 64512);
    r->target_port = roll_service_port(&d);
    uint32_t kind = roll_below(&d, 100);
    r->protocol = kind < 82 ? 6 : kind < 92 ? 17 : 1;
    r->is_reject = comes_in && roll_below(&d, 100) < 62;
    r->bytes = r->is_reject ? 40 + (int64_t)roll_below(&d, 3) * 20 : roll_bytes(&d);
    r->packets = r->is_reject ? 1 + (roll(&d) % 20 == 0) : 1 + r->bytes / 700;
    r->flags = r->protocol != 6 ? 0 : r->is_reject ? 2 : 3;
    r->is_egress = !comes_in;
    if (!is_answer)
        return;
    uint32_t address = r->source;
    int32_t port = r->source_port;
    if (r->is_reject) { /* nothing answers: another try from another port */
        r->source_port = 1024 + (int32_t)roll_below(&d, 64512);
        return;
    }
    r->source = r->target;
    r->target = address;
    r->source_port = r->target_port;
    r->target_port = port;
    r->bytes = roll_bytes(&d);
    r->packets = 1 + r->bytes / 700;
    r->flags = r->protocol == 6 ? 19 : 0;
    r->is_egress = !r->is_egress;
}

/* The planted stories take every 331st row by turns. */
static void make_story(const world *w, uint64_t number, record *r)
{
    static const uint32_t chain[] = { 1, 2, 3, 4 };
    dice d = { mix(w->options->seed + 99) ^ number << 20 };
    *r = (record){ .protocol = 6,
                   .source_port = 40000 + (int32_t)(number % 20000),
                   .packets = 1,
                   .bytes = 44,
                   .flags = 2 };
    if (number % 2 == 0) {
        r->source = w->stories_from + SCANNER;
        r->target = r->host = 20;
        r->target_port = 1 + (int32_t)(number / 2 % 65000);
        r->is_reject = true;
    } else if (number % 8 == 1) {
        r->source = r->host = 25;
        r->target = w->stories_from + CONTROLLER;
        r->target_port = 443;
        r->bytes = 380 + (int64_t)roll_below(&d, 40);
        r->packets = 4;
        r->is_egress = true;
    } else if (number % 8 == 3) {
        r->source = r->host = 30;
        r->target = w->stories_from + DROP_BOX;
        r->target_port = 443;
        r->bytes = 20000000 + (int64_t)roll_below(&d, 5000000);
        r->packets = r->bytes / 1400;
        r->is_egress = true;
    } else {
        size_t step = number / 8 % 3;
        r->source = r->host = chain[step];
        r->target = chain[step + 1];
        r->target_port = step == 1 ? 3389 : 22;
        r->bytes = 5000 + (int64_t)roll_below(&d, 1000);
        r->packets = 20;
        r->is_egress = true;
    }
}

static void make_record(const world *w, uint64_t row, record *r)
{
    uint64_t file = row / w->options->rows_per_file;
    dice d = { mix(w->options->seed + 7) ^ row << 20 };
    *r = (record){ 0 };
    if (row % STORY_STRIDE == 5)
        make_story(w, row / STORY_STRIDE, r);
    else
        make_connection(w, row / 2, row & 1, r);
    r->start = w->start_s + (int64_t)file * FILE_SECONDS + (int64_t)roll_below(&d, FILE_SECONDS);
    r->end = r->start + (int64_t)roll_below(&d, 60);
    if (row % STORY_STRIDE == 5 && row / STORY_STRIDE % 8 == 1) /* the beacon keeps its beat */
        r->start =
            w->start_s + (int64_t)(row / STORY_STRIDE / 8) * 270 + (int64_t)roll_below(&d, 9);
    r->is_nodata = row % 100 == 57 && row % STORY_STRIDE != 5;
    r->is_ipv6 = !r->is_nodata && (memchr(w->columns[SRCADDR].dictionary[r->source].data, ':',
                                          w->columns[SRCADDR].dictionary[r->source].len) ||
                                   memchr(w->columns[SRCADDR].dictionary[r->target].data, ':',
                                          w->columns[SRCADDR].dictionary[r->target].len));
}

static void fill_rows(void *context, uint64_t first, size_t rows, void *const *data,
                      uint8_t *const *is_null)
{
    const world *w = context;
    static const gen_column numbers_of_flows[] = { SRCPORT, DSTPORT, PROTOCOL,
                                                   PACKETS, BYTES,   TCP_FLAGS };
#define CODES(c) ((uint32_t *)data[c])
#define INTS(c) ((int32_t *)data[c])
#define LONGS(c) ((int64_t *)data[c])
    for (size_t i = 0; i < rows; i++) {
        record r;
        make_record(w, first + i, &r);
        INTS(VERSION)[i] = w->options->version;
        CODES(ACCOUNT)[i] = CODES(VPC)[i] = CODES(SUBNET)[i] = CODES(REGION)[i] = CODES(AZ)[i] = 0;
        CODES(SUBLOCATION_TYPE)[i] = CODES(SUBLOCATION_ID)[i] = 0;
        CODES(INTERFACE)[i] = CODES(INSTANCE)[i] = r.host;
        CODES(SRCADDR)[i] = CODES(PKT_SRCADDR)[i] = r.is_nodata ? w->none : r.source;
        CODES(DSTADDR)[i] = CODES(PKT_DSTADDR)[i] = r.is_nodata ? w->none : r.target;
        INTS(SRCPORT)[i] = r.source_port;
        INTS(DSTPORT)[i] = r.target_port;
        INTS(PROTOCOL)[i] = r.protocol;
        LONGS(PACKETS)[i] = r.packets;
        LONGS(BYTES)[i] = r.bytes;
        LONGS(START)[i] = r.start;
        LONGS(END)[i] = r.end < r.start ? r.start : r.end;
        CODES(ACTION)[i] = r.is_nodata ? 2 : r.is_reject;
        CODES(LOG_STATUS)[i] = !r.is_nodata ? 0 : (first + i) % 1700 == 57 ? 2 : 1;
        INTS(TCP_FLAGS)[i] = r.flags;
        CODES(TYPE)[i] = r.is_nodata ? 2 : r.is_ipv6;
        CODES(SRC_SERVICE)[i] = CODES(DST_SERVICE)[i] = 0;
        CODES(DIRECTION)[i] = r.is_nodata ? 2 : r.is_egress;
        INTS(TRAFFIC_PATH)[i] = r.target < HOSTS ? 1 : 8;
        is_null[TRAFFIC_PATH][i] = r.is_nodata || !r.is_egress;
        for (size_t k = 0; r.is_nodata && k < ARRAY_LEN(numbers_of_flows); k++)
            is_null[numbers_of_flows[k]][i] = 1;
    }
}

/* ---- Files ---- */

typedef struct writing {
    const world *world;
    sql_engine *engine;
    size_t column_count;
    _Atomic uint64_t rows_done;
    error error; /* the first, under `lock` */
    _Atomic bool has_error;
} writing;

static str file_path(arena *a, const flow_gen_options *o, uint64_t file)
{
    int year, month, day;
    uint64_t minutes = file * (FILE_SECONDS / 60);
    clock_date_of(o->start_day + (int32_t)(minutes / 1440), &year, &month, &day);
    return str_format(
        a,
        STR_FMT "/AWSLogs/" STR_FMT "/vpcflowlogs/" STR_FMT "/%04d/%02d/%02d/" STR_FMT
                "_vpcflowlogs_" STR_FMT "_fl-0f10e%011llx_%04d%02d%02dT%02d%02dZ_%08x.log.%s",
        STR_ARG(o->folder), STR_ARG(o->account), STR_ARG(o->region), year, month, day,
        STR_ARG(o->account), STR_ARG(o->region), (unsigned long long)(o->seed & 0xFFFFFFFFFFF),
        year, month, day, (int)(minutes / 60 % 24), (int)(minutes % 60),
        (unsigned)mix(o->seed + file), o->is_text ? "gz" : "parquet");
}

static str select_columns(arena *a, const writing *w)
{
    strbuf b = strbuf_new(a);
    for (size_t i = 0; i < w->column_count; i++) {
        str name = w->world->columns[i].name;
        strbuf_add_c(&b, i ? ", " : "");
        strbuf_add_sql_name(&b, name);
        if (!w->world->options->is_text)
            continue;
        char *dashed = arena_copy(a, name.data, name.len);
        for (size_t k = 0; k < name.len; k++)
            dashed[k] = dashed[k] == '_' ? '-' : dashed[k];
        strbuf_add_c(&b, " AS ");
        strbuf_add_sql_name(&b, (str){ dashed, name.len });
    }
    return strbuf_str(&b);
}

static bool write_file(writing *w, uint64_t file, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    AUTO(sql_disconnect) sql_connection *c = NULL;
    const flow_gen_options *o = w->world->options;
    uint64_t first = file * o->rows_per_file,
             rows = o->rows - first < o->rows_per_file ? o->rows - first : o->rows_per_file;
    str path = file_path(a, o, file);
    const char *final = str_to_c(a, path),
               *temporary = str_format(a, STR_FMT ".tmp%c", STR_ARG(path), 0).data;
    TRY(folder_make(str_to_c(a, str_slice(path, 0, (size_t)str_rfind_char(path, '/'))), err));
    TRY(sql_connect(w->engine, &c, err));
    strbuf q = strbuf_new(a);
    strbuf_format(&q, "COPY (SELECT " STR_FMT " FROM floe_flows(%llu, %llu)) TO ",
                  STR_ARG(select_columns(a, w)), (unsigned long long)first,
                  (unsigned long long)rows);
    strbuf_add_sql_text(&q, str_of(temporary));
    strbuf_add_c(
        &q, o->is_text ? " (FORMAT csv, DELIMITER ' ', HEADER true, NULLSTR '-', COMPRESSION gzip)"
                       : " (FORMAT parquet, COMPRESSION zstd, WRITE_BLOOM_FILTER false)");
    TRY(sql_run(c, strbuf_str(&q), err));
    if (rename(temporary, final) != 0)
        return fail_errno(err, "writing %s", final);
    uint64_t done = atomic_fetch_add(&w->rows_done, rows) + rows;
    if (o->progress)
        progress_update(o->progress, done, o->rows);
    return true;
}

static bool write_file_at(void *context, size_t i)
{
    writing *w = context;
    error err = { 0 };
    if (write_file(w, i, &err))
        return true;
    if (!atomic_exchange(&w->has_error, true))
        w->error = err;
    return false;
}

static str describe_stories(arena *a, const world *w)
{
    uint64_t slots = w->options->rows / STORY_STRIDE;
    strbuf b = strbuf_new(a);
    strbuf_format(&b, "planted: a port scan from %s against 10.0.2.10, %llu ports rejected\n",
                  story_addresses[SCANNER], (unsigned long long)((slots + 1) / 2));
    strbuf_format(&b, "planted: a beacon from 10.0.2.15 to %s:443, every 270 s\n",
                  story_addresses[CONTROLLER]);
    strbuf_format(&b, "planted: an exfiltration from 10.0.2.20 to %s, %llu flows of 20 MB\n",
                  story_addresses[DROP_BOX], (unsigned long long)((slots + 4) / 8));
    strbuf_add_c(&b, "planted: a lateral movement 10.0.1.11 -> 10.0.1.12 -> 10.0.1.13 -> 10.0.1.14 "
                     "by ssh and rdp\n");
    return strbuf_str(&b);
}

bool flow_gen(sql_engine *e, arena *a, const flow_gen_options *given, str *ret_stories, error *err)
{
    flow_gen_options *o = arena_copy(a, given, sizeof *given);
    world *w = arena_new_of(a, world);
    o->rows_per_file = o->rows_per_file ? o->rows_per_file : 50000;
    make_world(w, a, o);
    writing x = { .world = w,
                  .engine = e,
                  .column_count = o->version == 2   ? LOG_STATUS + 1
                                  : o->version == 3 ? PKT_DSTADDR + 1
                                                    : GEN_COLUMNS };
    TRY(sql_register_generator(e, "floe_flows", w->columns, GEN_COLUMNS, fill_rows, w, err));
    uint64_t files = (o->rows + o->rows_per_file - 1) / o->rows_per_file;
    if (!pool_each((size_t)files, write_file_at, &x)) {
        *err = x.error;
        return fail_while(err, "writing flow logs to " STR_FMT, STR_ARG(o->folder));
    }
    *ret_stories = describe_stories(a, w);
    return true;
}
