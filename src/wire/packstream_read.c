/* PackStream: the reader of what clients send. */
#include "base/arena.h"
#include "column/temporal.h"
#include "wire/packstream.h"

static bool fail_short(error *err)
{
    return fail(err, ERR_INVALID, "a PackStream value ends before its bytes do");
}

static bool take(unpacker *u, size_t count, str *ret, error *err)
{
    if (count > u->in.len)
        return fail_short(err);
    *ret = str_slice(u->in, 0, count);
    u->in = str_slice(u->in, count, u->in.len);
    return true;
}

static bool take_number(unpacker *u, size_t bytes, uint64_t *ret, error *err)
{
    str raw;
    TRY(take(u, bytes, &raw, err));
    *ret = 0;
    for (size_t i = 0; i < bytes; i++)
        *ret = *ret << 8 | (uint8_t)raw.data[i];
    return true;
}

static bool take_signed(unpacker *u, size_t bytes, value *ret, error *err)
{
    uint64_t x;
    TRY(take_number(u, bytes, &x, err));
    int shift = 64 - 8 * (int)bytes;
    *ret = value_int((int64_t)(x << shift) >> shift);
    return true;
}

static bool take_text(unpacker *u, uint64_t len, value_kind kind, value *ret, error *err)
{
    str text;
    TRY(take(u, len, &text, err));
    for (size_t at = 0, n; kind == VALUE_STRING && at < text.len; at += n) {
        n = str_utf8_length(text, at);
        if (!n)
            return fail(err, ERR_INVALID, "a PackStream text is no UTF-8 at byte %zu", at);
    }
    *ret = (value){ .kind = kind, .text = text };
    return true;
}

/* Each item takes a byte at least, so a count that lies is found before memory is asked for. */
static bool take_list(unpacker *u, uint64_t count, value *ret, error *err)
{
    if (count > u->in.len)
        return fail_short(err);
    value *items = arena_array_of(u->arena, value, count);
    for (size_t i = 0; i < count; i++)
        TRY(unpack_value(u, &items[i], err));
    *ret = value_list(items, count);
    return true;
}

static bool take_map(unpacker *u, uint64_t count, value *ret, error *err)
{
    if (count > u->in.len / 2)
        return fail_short(err);
    *ret = (value){ .kind = VALUE_MAP,
                    .map = { arena_array_of(u->arena, value, count),
                             arena_array_of(u->arena, value, count), count } };
    for (size_t i = 0; i < count; i++) {
        TRY(unpack_value(u, &ret->map.keys[i], err));
        if (ret->map.keys[i].kind != VALUE_STRING)
            return fail(err, ERR_INVALID, "a PackStream map has a key that is no text");
        TRY(unpack_value(u, &ret->map.values[i], err));
    }
    return true;
}

/* ---- Structures ---- */

static bool numbers(const value *fields, size_t count, size_t from)
{
    for (size_t i = from; i < count; i++)
        if (fields[i].kind != VALUE_INT && fields[i].kind != VALUE_DOUBLE)
            return false;
    return true;
}

static bool make_point(unpacker *u, const value *f, size_t count, value *ret)
{
    point *at = arena_new_of(u->arena, point);
    if (f[0].kind != VALUE_INT || !numbers(f, count, 1))
        return false;
    *at = (point){ .srid = (int32_t)f[0].integer,
                   .x = value_to_double(&f[1]),
                   .y = value_to_double(&f[2]),
                   .z = count > 3 ? value_to_double(&f[3]) : 0 };
    *ret = (value){ .kind = VALUE_POINT, .point = at };
    return true;
}

static bool make_datetime(const value *f, bool is_utc, value *ret)
{
    error ignored = { 0 };
    const time_zone *zone = NULL;
    int32_t offset = f[2].kind == VALUE_INT ? (int32_t)f[2].integer : 0;
    if (f[1].integer < 0 || f[1].integer >= NANOS_PER_SECOND || offset < -64800 || offset > 64800)
        return false;
    if (f[2].kind == VALUE_STRING && !temporal_zone_parse(f[2].text, &offset, &zone, &ignored))
        return false;
    int64_t seconds = f[0].integer;
    if (zone)
        offset = temporal_zone_offset(zone, seconds);
    if (!is_utc)
        seconds -= offset;
    *ret = (value){ .kind = VALUE_DATETIME,
                    .datetime = { seconds, (int32_t)f[1].integer, offset, zone } };
    return true;
}

static bool is_day_nanos(const value *v)
{
    return v->integer >= 0 && v->integer < NANOS_PER_DAY;
}

/* `f` has `count` fields; false: no such value. */
static bool make_struct(unpacker *u, uint8_t tag, const value *f, size_t count, value *ret)
{
    bool all_ints = true;
    for (size_t i = 0; i < count; i++)
        all_ints &= f[i].kind == VALUE_INT;
    switch (tag << 8 | (int)count) {
    case 'D' << 8 | 1:
        *ret = (value){ .kind = VALUE_DATE, .integer = f[0].integer };
        return all_ints;
    case 't' << 8 | 1:
        *ret = (value){ .kind = VALUE_LOCAL_TIME, .integer = f[0].integer };
        return all_ints && is_day_nanos(&f[0]);
    case 'T' << 8 | 2:
        *ret = (value){ .kind = VALUE_ZONED_TIME,
                        .zoned_time = { f[0].integer, (int32_t)f[1].integer } };
        return all_ints && is_day_nanos(&f[0]) && f[1].integer >= -64800 && f[1].integer <= 64800;
    case 'd' << 8 | 2:
        *ret = (value){ .kind = VALUE_LOCAL_DATETIME,
                        .datetime = { f[0].integer, (int32_t)f[1].integer, 0, NULL } };
        return all_ints && f[1].integer >= 0 && f[1].integer < NANOS_PER_SECOND;
    case 'I' << 8 | 3:
    case 'F' << 8 | 3: return all_ints && make_datetime(f, tag == 'I', ret);
    case 'i' << 8 | 3:
    case 'f' << 8 | 3:
        return f[0].kind == VALUE_INT && f[1].kind == VALUE_INT && f[2].kind == VALUE_STRING &&
               make_datetime(f, tag == 'i', ret);
    case 'E' << 8 | 4:
        if (all_ints && f[3].integer > -NANOS_PER_SECOND && f[3].integer < NANOS_PER_SECOND)
            *ret = temporal_duration(u->arena, f[0].integer, f[1].integer,
                                     (__int128)f[2].integer * NANOS_PER_SECOND + f[3].integer);
        return all_ints && f[3].integer > -NANOS_PER_SECOND && f[3].integer < NANOS_PER_SECOND;
    case 'X' << 8 | 3:
    case 'Y' << 8 | 4: return make_point(u, f, count, ret);
    default: return false;
    }
}

static bool take_struct(unpacker *u, size_t count, value *ret, error *err)
{
    uint64_t tag;
    value fields[15] = { 0 };
    TRY(take_number(u, 1, &tag, err));
    for (size_t i = 0; i < count && i < ARRAY_LEN(fields); i++)
        TRY(unpack_value(u, &fields[i], err));
    return make_struct(u, (uint8_t)tag, fields, count, ret)
               ? true
               : fail(err, ERR_INVALID,
                      "a structure 0x%02X of %zu fields cannot be a parameter, or its fields are "
                      "out of range",
                      (unsigned)tag, count);
}

bool unpack_struct(unpacker *u, uint8_t *ret_tag, size_t *ret_fields, error *err)
{
    uint64_t head, tag;
    TRY(take_number(u, 1, &head, err));
    TRY(take_number(u, 1, &tag, err));
    if ((head & 0xF0) != 0xB0)
        return fail(err, ERR_INVALID, "a Bolt message begins with 0x%02X, which is no structure",
                    (unsigned)head);
    *ret_tag = (uint8_t)tag;
    *ret_fields = head & 15;
    return true;
}

static bool unpack_sized(unpacker *u, uint8_t marker, value *ret, error *err)
{
    static const uint8_t widths[4] = { 1, 2, 4, 8 };
    uint64_t size = 0;
    if (marker >= 0xC8 && marker <= 0xCB)
        return take_signed(u, widths[marker - 0xC8], ret, err);
    if (marker == 0xC1) {
        TRY(take_number(u, 8, &size, err));
        *ret = (value){ .kind = VALUE_DOUBLE };
        memcpy(&ret->real, &size, sizeof ret->real);
        return true;
    }
    bool is_bytes = marker >= 0xCC && marker <= 0xCE,
         is_sized = is_bytes || (marker >= 0xD0 && marker <= 0xDA && (marker & 3) != 3);
    if (!is_sized)
        return fail(err, ERR_INVALID, "0x%02X begins no PackStream value", marker);
    TRY(take_number(u, widths[marker & 3], &size, err));
    if (is_bytes)
        return take_text(u, size, VALUE_BINARY, ret, err);
    switch (marker & 0xFC) {
    case 0xD0: return take_text(u, size, VALUE_STRING, ret, err);
    case 0xD4: return take_list(u, size, ret, err);
    default: return take_map(u, size, ret, err);
    }
}

static bool unpack_any(unpacker *u, value *ret, error *err)
{
    uint64_t head;
    TRY(take_number(u, 1, &head, err));
    uint8_t marker = (uint8_t)head;
    if (marker < 0x80 || marker >= 0xF0) {
        *ret = value_int((int8_t)marker);
        return true;
    }
    switch (marker & 0xF0) {
    case 0x80: return take_text(u, marker & 15, VALUE_STRING, ret, err);
    case 0x90: return take_list(u, marker & 15, ret, err);
    case 0xA0: return take_map(u, marker & 15, ret, err);
    case 0xB0: return take_struct(u, marker & 15, ret, err);
    }
    switch (marker) {
    case 0xC0: *ret = value_null(); return true;
    case 0xC2:
    case 0xC3: *ret = value_bool(marker == 0xC3); return true;
    default: return unpack_sized(u, marker, ret, err);
    }
}

bool unpack_value(unpacker *u, value *ret, error *err)
{
    if (u->depth >= PACK_DEPTH)
        return fail(err, ERR_LIMIT, "a PackStream value is nested deeper than %d", PACK_DEPTH);
    u->depth++;
    bool works = unpack_any(u, ret, err);
    u->depth--;
    return works;
}

/* ---- Maps ---- */

const value *value_member(const value *map, str key)
{
    for (size_t i = 0; map->kind == VALUE_MAP && i < map->map.count; i++)
        if (map->map.keys[i].kind == VALUE_STRING && str_eq(map->map.keys[i].text, key))
            return &map->map.values[i];
    return NULL;
}

str value_member_text(const value *map, str key)
{
    const value *v = value_member(map, key);
    return v && v->kind == VALUE_STRING ? v->text : STR("");
}

int64_t value_member_int(const value *map, str key, int64_t otherwise)
{
    const value *v = value_member(map, key);
    return v && v->kind == VALUE_INT ? v->integer : otherwise;
}
