/* The summary of a snapshot: what it added and took out, and the totals after it. Source: Iceberg
 * spec, "Optional Snapshot Summary Fields". */
#include <stdio.h>

#include "base/map.h"
#include "iceberg/internal.h"

bool iceberg_file_is_vector(const iceberg_file *f)
{
    return f->content == ICEBERG_POSITION_DELETES && str_eq_nocase(f->format, STR("PUFFIN"));
}

void file_totals_add(file_totals *t, const iceberg_file *f)
{
    t->bytes += f->size_bytes;
    switch (f->content) {
    case ICEBERG_DATA:
        t->data_files++;
        t->rows += f->row_count;
        return;
    case ICEBERG_POSITION_DELETES:
        t->delete_files++;
        t->vectors += iceberg_file_is_vector(f);
        t->position_files += !iceberg_file_is_vector(f);
        t->position_deletes += f->row_count;
        return;
    case ICEBERG_EQUALITY_DELETES:
        t->delete_files++;
        t->equality_files++;
        t->equality_deletes += f->row_count;
        return;
    }
}

str iceberg_partition_key(const iceberg_table *t, arena *a, const iceberg_file *f)
{
    const iceberg_spec *spec = iceberg_table_spec_by_id(t, f->spec_id);
    strbuf key = strbuf_new(a);
    strbuf_format(&key, "%d", f->spec_id);
    for (size_t k = 0; k < spec->field_count; k++) {
        str bytes = { 0 };
        if (f->partition[k].kind == VALUE_NULL) {
            strbuf_add_c(&key, "/-");
            continue;
        }
        if (!bounds_encode(a, partition_type(t->schema, &spec->fields[k]), &f->partition[k],
                           &bytes))
            bytes = f->partition[k].kind == VALUE_STRING ? f->partition[k].text : STR("");
        strbuf_format(&key, "/%zu:", bytes.len);
        strbuf_add(&key, bytes);
    }
    return strbuf_str(&key);
}

static size_t changed_partitions(const iceberg_table *t, arena *a, const iceberg_change *change)
{
    map seen = map_new(a);
    for (size_t i = 0; i < change->added_count; i++)
        map_set(&seen, iceberg_partition_key(t, a, &change->added[i]), a);
    return seen.count;
}

static int64_t before(const iceberg_snapshot *s, const char *key)
{
    int64_t n = 0;
    return s && str_to_i64(iceberg_snapshot_summary(s, str_of(key)), &n) ? n : 0;
}

static void set_number(json_t *summary, const char *key, int64_t number)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", (long long)number);
    json_object_set_new(summary, key, json_string(digits));
}

json_t *summary_make(const iceberg_table *t, arena *a, const iceberg_change *change,
                     const iceberg_snapshot *parent, const file_totals *added,
                     const file_totals *removed)
{
    json_t *s = json_object();
    json_object_set_new(s, "operation",
                        json_stringn(change->operation.data, change->operation.len));
    for (size_t i = 0; i < change->summary_count; i++)
        json_object_set_new(
            s, str_to_c(a, change->summary_keys[i]),
            json_stringn(change->summary_values[i].data, change->summary_values[i].len));
    const struct {
        const char *key;
        int64_t number;
    } changes[] = {
        { "added-data-files", added->data_files },
        { "added-records", added->rows },
        { "added-files-size", added->bytes },
        { "added-delete-files", added->delete_files },
        { "added-position-delete-files", added->position_files },
        { "added-equality-delete-files", added->equality_files },
        { "added-dvs", added->vectors },
        { "added-position-deletes", added->position_deletes },
        { "added-equality-deletes", added->equality_deletes },
        { "deleted-data-files", removed->data_files },
        { "deleted-records", removed->rows },
        { "removed-files-size", removed->bytes },
        { "removed-delete-files", removed->delete_files },
        { "removed-position-delete-files", removed->position_files },
        { "removed-equality-delete-files", removed->equality_files },
        { "removed-dvs", removed->vectors },
        { "removed-position-deletes", removed->position_deletes },
        { "removed-equality-deletes", removed->equality_deletes },
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++)
        if (changes[i].number)
            set_number(s, changes[i].key, changes[i].number);
    set_number(s, "changed-partition-count", (int64_t)changed_partitions(t, a, change));
    const struct {
        const char *key;
        int64_t difference;
    } totals[] = {
        { "total-data-files", added->data_files - removed->data_files },
        { "total-records", added->rows - removed->rows },
        { "total-files-size", added->bytes - removed->bytes },
        { "total-delete-files", added->delete_files - removed->delete_files },
        { "total-position-deletes", added->position_deletes - removed->position_deletes },
        { "total-equality-deletes", added->equality_deletes - removed->equality_deletes },
    };
    for (size_t i = 0; i < ARRAY_LEN(totals); i++)
        set_number(s, totals[i].key, before(parent, totals[i].key) + totals[i].difference);
    return s;
}
