/* The objects of one day of a COPY run, written to data files. */
#include "pipeline/copy_internal.h"
#include "pipeline/flow_field.h"

bool copy_day_open(copy *c, day_objects *d, error *err)
{
    static const str required[] = { STR_INIT("srcaddr"), STR_INIT("dstaddr") };
    size_t count = d->text_to - d->from;
    str *paths = arena_array_of(c->arena, str, count);
    for (size_t i = 0; i < count; i++)
        paths[i] = c->objects[d->from + i].path;
    text_options options = { .columns = flow_field_columns(),
                             .column_count = flow_field_count,
                             .delimiter = ' ',
                             .bare_header = STR(FLOW_DEFAULT_HEADER),
                             .null_text = STR("-"),
                             .required = required,
                             .required_count = ARRAY_LEN(required),
                             .packing = copy_packing(c->job),
                             .known_as = "flow-log field",
                             .passes_bad_lines = copy_passes_bad_lines(c->job) };
    TRY(text_scan_open(c->job->engine, &options, paths, count, &d->scan, err));
    for (size_t i = 0; i < count; i++)
        c->objects[d->from + i].first_line = text_scan_first_line(d->scan, i);
    return true;
}

/* Carry the scan's faults over; the number of new ones. */
size_t copy_day_note_faults(copy *c, const day_objects *d)
{
    size_t found = 0;
    for (size_t i = d->from; d->scan && i < d->text_to; i++) {
        str why = text_scan_fault(d->scan, i - d->from);
        if (why.len == 0 || !c->objects[i].is_good)
            continue;
        copy_set_fault(&c->objects[i], str_to_c(c->arena, why));
        found++;
    }
    return found;
}

/* The rows of one more part, as far as there is room for them. */
static bool preview_part(copy *c, str select, error *err)
{
    select = copy_checked_preview(c, select);
    str limited = str_format(c->arena, "SELECT * FROM (" STR_FMT ") LIMIT %lld", STR_ARG(select),
                             (long long)c->preview_limit);
    str made = str_format(
        c->arena, "CREATE TABLE IF NOT EXISTS " STR_FMT " AS SELECT * FROM (" STR_FMT ") LIMIT 0",
        STR_ARG(c->preview), STR_ARG(limited));
    return sql_run(c->job->connection, made, err) &&
           sql_run(c->job->connection,
                   str_format(c->arena, "INSERT INTO " STR_FMT " BY NAME " STR_FMT,
                              STR_ARG(c->preview), STR_ARG(limited)),
                   err);
}

static bool write_part(copy *c, const day_objects *d, const part *p, size_t number, error *err)
{
    const iceberg_spec *spec = iceberg_table_spec(c->table);
    str select = copy_part_select(c, p, d->day);
    if (c->preview.len)
        return preview_part(c, select, err);
    str name = str_format(c->arena, STR_FMT "-%d-%zu", STR_ARG(c->output_prefix), d->day, number);
    if (c->job->statement->expectation_count)
        TRY(copy_checked(c, select, !p->is_parquet, name, &select, err));
    bool is_by_day =
        spec->field_count == 1 && spec->fields[0].transform == TRANSFORM_IDENTITY &&
        str_eq(iceberg_schema_find_id(c->schema, spec->fields[0].source_id)->name, STR(EVENT_DATE));
    if (spec->field_count > 0 && !is_by_day) {
        str staged = STR("\"_staged\"");
        TRY(sql_run(c->job->connection,
                    str_format(c->arena, "CREATE OR REPLACE TEMP TABLE \"_staged\" AS " STR_FMT,
                               STR_ARG(select)),
                    err));
        bool works =
            writer_partitions(c->job, c->arena, c->table, c->schema, staged, name, &c->files, err);
        error ignored = { 0 };
        return sql_run(c->job->connection, STR("DROP TABLE IF EXISTS \"_staged\""),
                       works ? err : &ignored) &&
               works;
    }
    value *partition = arena_array_of(c->arena, value, 1);
    partition[0] = (value){ .kind = VALUE_DATE, .integer = d->day };
    iceberg_file file;
    bool has_rows;
    TRY(writer_file(c->job, c->arena, c->table, c->schema, select,
                    writer_uri(c->arena, c->table, partition, name), partition, &file, &has_rows,
                    err));
    if (has_rows)
        vec_push(c->arena, &c->files, file);
    return true;
}

bool copy_day_write(copy *c, day_objects *d, error *err)
{
    size_t number = 0;
    bool has_text = false;
    for (size_t i = d->from; i < d->text_to; i++)
        has_text |= c->objects[i].is_good;
    if (has_text) {
        part p = copy_text_part(c, d->scan, d->from);
        text_scan_forget_bad_lines(d->scan);
        str name = str_format(c->arena, STR_FMT "-%d-t", STR_ARG(c->output_prefix), d->day);
        TRY(copy_fast_can_write_text(c, d->scan)
                ? copy_fast_write_text(c, d->day, d->scan, d->from, d->text_to - d->from, name, err)
                : write_part(c, d, &p, number++, err));
        TRY(copy_bad_lines_write(c, d, name, err));
    }
    for (size_t s = 0; s < c->shapes.count; s++) {
        size_t *objects = arena_array_of(c->arena, size_t, d->to - d->text_to), count = 0;
        for (size_t i = d->text_to; i < d->to; i++)
            if (c->objects[i].is_good && c->objects[i].shape == s)
                objects[count++] = i;
        if (count == 0)
            continue;
        size_t fast = c->preview.len || c->replay.len || c->shapes.items[s].raw_names
                          ? 0
                          : copy_fast_find(c, objects, count);
        str name = str_format(c->arena, STR_FMT "-%d-p%zu", STR_ARG(c->output_prefix), d->day, s);
        if (fast)
            TRY(copy_fast_write(c, d->day, objects, fast, name, err));
        if (fast == count)
            continue;
        part p = copy_shape_part(c, s, objects + fast, count - fast);
        TRY(write_part(c, d, &p, number++, err));
        TRY(copy_bad_records_write(c, objects, count, name, err));
    }
    return true;
}
