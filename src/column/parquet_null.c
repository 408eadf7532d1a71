/* Text that stands for null, taken out of Parquet pages. */
#include "column/parquet_null.h"

#include "column/hybrid.h"

static bool next_text(str *plain, str *ret)
{
    uint32_t len;
    if (plain->len < sizeof len)
        return false;
    memcpy(&len, plain->data, sizeof len);
    if (len > plain->len - sizeof len)
        return false;
    *ret = str_slice(*plain, sizeof len, sizeof len + len);
    *plain = str_slice(*plain, sizeof len + len, plain->len);
    return true;
}

static bool fail_values(error *err)
{
    return fail(err, ERR_CORRUPT, "the values of a page are damaged");
}

static void note_bounds(null_text *n, str text)
{
    if (!n->min.data || str_compare(text, n->min) < 0)
        n->min = str_copy(n->texts, text);
    if (!n->max.data || str_compare(text, n->max) > 0)
        n->max = str_copy(n->texts, text);
}

bool null_text_dictionary(null_text *n, str raw, int64_t value_count, error *err)
{
    str rest = raw, text;
    n->entry = -1;
    for (int64_t i = 0; i < value_count; i++) {
        if (!next_text(&rest, &text))
            return fail_values(err);
        if (str_eq(text, n->text))
            n->entry = i;
        else
            note_bounds(n, text);
    }
    n->entry_count = (uint32_t)value_count;
    return true;
}

/* ---- Dictionary indexes ---- */

static bool indexes_without(null_text *n, arena *a, const uint32_t *levels, size_t count,
                            str values, uint32_t *new_levels, strbuf *out, int64_t *ret_taken,
                            error *err)
{
    size_t present = 0, kept = 0;
    for (size_t i = 0; i < count; i++)
        present += levels[i];
    uint32_t *indexes = arena_array_of(a, uint32_t, present + 1);
    if (values.len == 0 ? present > 0 : (uint8_t)values.data[0] > 32)
        return fail_values(err);
    int width = values.len ? (uint8_t)values.data[0] : 0;
    if (!hybrid_decode(str_slice(values, 1, values.len), width, present, indexes))
        return fail_values(err);
    uint32_t entry = n->entry >= 0 ? (uint32_t)n->entry : UINT32_MAX, most = 0;
    for (size_t i = 0, at = 0; i < count; i++) {
        new_levels[i] = levels[i];
        if (!levels[i])
            continue;
        uint32_t index = indexes[at++];
        most = index > most ? index : most;
        new_levels[i] = index != entry;
        indexes[kept] = index;
        kept += index != entry;
    }
    if (present && most >= n->entry_count)
        return fail_values(err);
    *ret_taken = (int64_t)(present - kept);
    if (*ret_taken) {
        strbuf_add_char(out, (char)width);
        hybrid_encode(out, indexes, kept, width);
    }
    return true;
}

/* ---- Plain texts ---- */

static bool plain_without(null_text *n, const uint32_t *levels, size_t count, str values,
                          uint32_t *new_levels, strbuf *out, int64_t *ret_taken, error *err)
{
    *ret_taken = 0;
    strbuf_reserve(out, values.len);
    for (size_t i = 0; i < count; i++) {
        str text;
        new_levels[i] = levels[i];
        if (!levels[i])
            continue;
        if (!next_text(&values, &text))
            return fail_values(err);
        if (str_eq(text, n->text)) {
            new_levels[i] = 0;
            ++*ret_taken;
            continue;
        }
        uint32_t len = (uint32_t)text.len;
        note_bounds(n, text);
        strbuf_add_bytes(out, &len, sizeof len);
        strbuf_add(out, text);
    }
    return true;
}

bool null_text_page_make(null_text *n, arena *a, str levels, str values, bool is_dictionary,
                         int64_t value_count, bool *ret_is_changed, null_text_page *ret, error *err)
{
    size_t count = (size_t)value_count;
    *ret_is_changed = false;
    if (is_dictionary && n->entry < 0)
        return true;
    uint32_t *old_levels = arena_array_of(a, uint32_t, count + 1),
             *new_levels = arena_array_of(a, uint32_t, count + 1);
    strbuf out = strbuf_new(a), level_bytes = strbuf_new(a);
    int64_t taken;
    if (!hybrid_decode(levels, 1, count, old_levels))
        return fail(err, ERR_CORRUPT, "the definition levels of a page are damaged");
    TRY(is_dictionary
            ? indexes_without(n, a, old_levels, count, values, new_levels, &out, &taken, err)
            : plain_without(n, old_levels, count, values, new_levels, &out, &taken, err));
    if (taken == 0)
        return true;
    hybrid_encode(&level_bytes, new_levels, count, 1);
    n->taken_out += taken;
    *ret = (null_text_page){ strbuf_str(&level_bytes), strbuf_str(&out), taken };
    *ret_is_changed = true;
    return true;
}
