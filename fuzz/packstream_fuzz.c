/* Any bytes as values of Bolt; what is read is written, read and written again, which must give the
 * same bytes. */
#include <stdlib.h>

#include "wire/packstream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Values are written by their meaning, not by how they came: the second writing is the measure. */
static bool write_again(arena *a, str bytes, bool is_utc, str *ret, error *err)
{
    unpacker u = { .arena = a, .in = bytes, .is_utc = is_utc };
    strbuf out = strbuf_new(a);
    packer p = { .out = &out, .major = 5, .is_utc = is_utc, .arena = a };
    value v;
    TRY(unpack_value(&u, &v, err));
    TRY(pack_value(&p, &v, err));
    *ret = strbuf_str(&out);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) arena *a = arena_new();
    error err = { 0 }, other = { 0 };
    if (!size)
        return 0;
    bool is_utc = data[0] & 1;
    str bytes = str_copy(a, (str){ (const char *)data + 1, size - 1 }), once, twice;
    unpacker u = { .arena = a, .in = bytes, .is_utc = is_utc };
    uint8_t tag;
    size_t fields;
    if (unpack_struct(&u, &tag, &fields, &other)) {
        value field;
        for (size_t i = 0; i < fields && unpack_value(&u, &field, &other); i++)
            ;
    }
    if (!write_again(a, bytes, is_utc, &once, &err))
        return 0;
    if (!write_again(a, once, is_utc, &twice, &err) || !str_eq(once, twice))
        abort();
    return 0;
}
