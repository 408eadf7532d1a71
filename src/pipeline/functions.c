/* Macros for the dialect's function names, and functions of IP addresses. Names and meaning: the
 * public function list of SQLake. Private ranges: RFC 1918, 6598, 4193, 4291, 3927, 1122. */
#include "pipeline/functions.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/arena.h"
#include "column/scalar.h"

/* ---- Addresses as 16 bytes; IPv4 in the last four ---- */

typedef struct address {
    unsigned char bytes[16];
    int version; /* 4 or 6 */
} address;

static bool parse_address(str text, address *ret)
{
    char c[64];
    *ret = (address){ .version = 4 };
    if (text.len == 0 || text.len >= sizeof c)
        return false;
    memcpy(c, text.data, text.len);
    c[text.len] = 0;
    if (inet_pton(AF_INET, c, ret->bytes + 12) == 1)
        return true;
    ret->version = 6;
    return inet_pton(AF_INET6, c, ret->bytes) == 1;
}

static int width_of(const address *a)
{
    return a->version == 4 ? 32 : 128;
}

/* "10.0.0.0/8"; without a length the address itself. */
static bool parse_network(str text, address *ret, int *ret_bits)
{
    str rest = text, host = str_cut(&rest, '/');
    int64_t bits;
    if (!parse_address(host, ret))
        return false;
    *ret_bits = width_of(ret);
    if (host.len == text.len)
        return true;
    if (!str_to_i64(rest, &bits) || bits < 0 || bits > width_of(ret))
        return false;
    *ret_bits = (int)bits;
    return true;
}

static bool same_network(const address *x, const address *y, int bits)
{
    if (x->version != y->version)
        return false;
    const unsigned char *p = x->bytes + (x->version == 4 ? 12 : 0),
                        *q = y->bytes + (y->version == 4 ? 12 : 0);
    int whole = bits / 8, rest = bits % 8;
    return memcmp(p, q, (size_t)whole) == 0 &&
           (rest == 0 || (p[whole] ^ q[whole]) >> (8 - rest) == 0);
}

/* ip_in_cidr(ip, cidr); null when one is no address. */
static bool in_cidr(void *context, const str *in, char *ret_text, size_t *ret_len, int64_t *ret)
{
    (void)context;
    (void)ret_text;
    (void)ret_len;
    address ip, network;
    int bits;
    if (!parse_address(in[0], &ip) || !parse_network(in[1], &network, &bits))
        return false;
    *ret = same_network(&ip, &network, bits);
    return true;
}

static bool is_private(void *context, const str *in, char *ret_text, size_t *ret_len, int64_t *ret)
{
    (void)context;
    (void)ret_text;
    (void)ret_len;
    static const char *const ranges[] = { "10.0.0.0/8",    "172.16.0.0/12", "192.168.0.0/16",
                                          "100.64.0.0/10", "127.0.0.0/8",   "169.254.0.0/16",
                                          "fc00::/7",      "fe80::/10",     "::1/128" };
    address ip, network;
    int bits;
    if (!parse_address(in[0], &ip))
        return false;
    *ret = 0;
    for (size_t i = 0; i < ARRAY_LEN(ranges) && !*ret; i++)
        *ret =
            parse_network(str_of(ranges[i]), &network, &bits) && same_network(&ip, &network, bits);
    return true;
}

static bool version_of(void *context, const str *in, char *ret_text, size_t *ret_len, int64_t *ret)
{
    (void)context;
    (void)ret_text;
    (void)ret_len;
    address ip;
    if (!parse_address(in[0], &ip))
        return false;
    *ret = ip.version;
    return true;
}

/* ip_network(ip, '24'): the network of so many bits that the address lies in, "10.1.2.0/24". */
static bool network_of(void *context, const str *in, char *ret_text, size_t *ret_len, int64_t *ret)
{
    (void)context;
    (void)ret;
    address ip;
    int64_t bits;
    str width = str_starts_with(in[1], STR("/")) ? str_slice(in[1], 1, in[1].len) : in[1];
    if (!parse_address(in[0], &ip) || !str_to_i64(width, &bits) || bits < 0 || bits > width_of(&ip))
        return false;
    unsigned char *p = ip.bytes + (ip.version == 4 ? 12 : 0);
    for (int i = (int)bits; i < width_of(&ip); i++)
        p[i / 8] &= (unsigned char)~(0x80 >> (i % 8));
    if (!inet_ntop(ip.version == 4 ? AF_INET : AF_INET6, p, ret_text, SQL_SCALAR_TEXT_BYTES - 8))
        return false;
    size_t len = strlen(ret_text);
    *ret_len = len + (size_t)snprintf(ret_text + len, 8, "/%d", (int)bits);
    return true;
}

static const sql_scalar_function address_functions[] = {
    { "ip_in_cidr", 2, COLUMN_BOOL, in_cidr, NULL },
    { "ip_is_private", 1, COLUMN_BOOL, is_private, NULL },
    { "ip_version", 1, COLUMN_INT64, version_of, NULL },
    { "floe_ip_network", 2, COLUMN_STRING, network_of, NULL },
};

/* ---- Macros ---- */

static const char macros[] =
    "CREATE OR REPLACE MACRO from_unixtime(x) AS make_timestamp((x * 1000000)::BIGINT);"
    "CREATE OR REPLACE MACRO unix_epoch_to_date(x) AS make_timestamp((CASE WHEN x > 100000000000 "
    "THEN x * 1000 ELSE x * 1000000 END)::BIGINT);"
    "CREATE OR REPLACE MACRO to_unix_epoch_millis(x) AS epoch_ms(x::TIMESTAMP);"
    "CREATE OR REPLACE MACRO to_unix_epoch_seconds(x) AS epoch_ms(x::TIMESTAMP) // 1000;"
    "CREATE OR REPLACE MACRO parse_duration(x) AS (CASE "
    "right(x, 1) WHEN 'd' THEN "
    "to_days(left(x, length(x) - 1)::INTEGER) WHEN 'h' THEN "
    "to_hours(left(x, length(x) - "
    "1)::BIGINT) WHEN 'm' THEN to_minutes(left(x, length(x) - "
    "1)::BIGINT) ELSE "
    "to_seconds(replace(x, 's', '')::DOUBLE) END);"
    "CREATE OR REPLACE MACRO add_time_zone_offset(t, zone) AS "
    "(t AT TIME ZONE 'UTC') AT TIME ZONE "
    "zone;"
    "CREATE OR REPLACE MACRO regexp_like(x, p) AS "
    "regexp_matches(x, p);"
    "CREATE OR REPLACE MACRO array_sum(x) AS list_sum(x);"
    "CREATE OR REPLACE MACRO array_max(x) AS list_max(x);"
    "CREATE OR REPLACE MACRO array_min(x) AS list_min(x);"
    "CREATE OR REPLACE MACRO element_at(x, i) AS "
    "list_extract(x, i + 1);"
    "CREATE OR REPLACE MACRO first_element(x) AS "
    "list_extract(x, 1);"
    "CREATE OR REPLACE MACRO last_element(x) AS "
    "list_extract(x, -1);"
    "CREATE OR REPLACE MACRO distinct_values(x) AS "
    "list_distinct(x);"
    "CREATE OR REPLACE MACRO count_values(x) AS len(x);"
    "CREATE OR REPLACE MACRO join_arrays(x, d) AS "
    "array_to_string(x, d);"
    "CREATE OR REPLACE MACRO to_array(x) AS [x];"
    "CREATE OR REPLACE MACRO if_else(c, x, y) AS CASE WHEN c "
    "THEN x ELSE y END;"
    "CREATE OR REPLACE MACRO null_if(x, y) AS nullif(x, y);"
    "CREATE OR REPLACE MACRO in_set(x, s) AS list_contains(s, "
    "x);"
    "CREATE OR REPLACE MACRO string_length(x) AS length(x);"
    "CREATE OR REPLACE MACRO to_lower(x) AS lower(x);"
    "CREATE OR REPLACE MACRO to_upper(x) AS upper(x);"
    "CREATE OR REPLACE MACRO trim_chars(x, c) AS trim(x, c);"
    "CREATE OR REPLACE MACRO strip_prefix(x, p) AS CASE WHEN "
    "starts_with(x, p) THEN substr(x, "
    "length(p) + 1) ELSE x END;"
    "CREATE OR REPLACE MACRO strip_suffix(x, p) AS CASE WHEN "
    "ends_with(x, p) THEN left(x, "
    "length(x) - length(p)) ELSE x END;"
    "CREATE OR REPLACE MACRO base64_decode(x) AS "
    "decode(from_base64(x));"
    "CREATE OR REPLACE MACRO base64_encode(x) AS "
    "to_base64(encode(x));"
    "CREATE OR REPLACE MACRO json_path(x, p) AS "
    "json_extract_string(x, p);"
    "CREATE OR REPLACE MACRO hex_to_decimal(x) AS ('0x' || "
    "x)::BIGINT;"
    "CREATE OR REPLACE MACRO to_double(x) AS TRY_CAST(x AS "
    "DOUBLE);"
    "CREATE OR REPLACE MACRO to_float(x) AS TRY_CAST(x AS "
    "FLOAT);"
    "CREATE OR REPLACE MACRO to_number(x) AS TRY_CAST(x AS "
    "DOUBLE);"
    "CREATE OR REPLACE MACRO to_int(x) AS TRY_CAST(x AS "
    "INTEGER);"
    "CREATE OR REPLACE MACRO to_long(x) AS TRY_CAST(x AS "
    "BIGINT);"
    "CREATE OR REPLACE MACRO to_string(x) AS CAST(x AS "
    "VARCHAR);"
    "CREATE OR REPLACE MACRO count_distinct(x) AS "
    "count(DISTINCT x);"
    "CREATE OR REPLACE MACRO std_dev(x) AS stddev(x);"
    "CREATE OR REPLACE MACRO string_max(x) AS max(x::VARCHAR);"
    "CREATE OR REPLACE MACRO string_min(x) AS min(x::VARCHAR);"
    "CREATE OR REPLACE MACRO weighted_average(x, w) AS sum(x * "
    "w) / sum(w);"
    "CREATE OR REPLACE MACRO ip_network(ip, bits) AS "
    "floe_ip_network(ip, bits::VARCHAR);";

bool functions_register(sql_engine *e, error *err)
{
    AUTO(sql_disconnect) sql_connection *c = NULL;
    for (size_t i = 0; i < ARRAY_LEN(address_functions); i++)
        TRY(sql_register_scalar(e, &address_functions[i], err));
    TRY(sql_connect(e, &c, err));
    return sql_run(c, str_of(macros), err);
}
