/* One function for each kind of statement. */
#include "pipeline/execute_internal.h"

#include <limits.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/vec.h"
#include "pipeline/connection.h"
#include "pipeline/run_internal.h"
#include "worksheet/date_pattern.h"

bool execute_say(context *x, bool has_changed, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    x->result->message = str_vformat(x->arena, format, args);
    va_end(args);
    x->result->has_changed = has_changed;
    return true;
}

bool execute_answer(context *x, str query)
{
    x->result->is_query = true;
    x->result->query = query;
    return true;
}

bool execute_fail_absent(context *x, const char *what, str name, span at, error *err)
{
    worksheet_fail_at(x->worksheet, at, err, "there is no %s '" STR_FMT "'", what, STR_ARG(name));
    err->code = ERR_NOT_FOUND;
    return false;
}

bool execute_find_job(context *x, state_job *ret, error *err)
{
    bool is_found;
    TRY(state_job_get(home_state(x->home), x->arena, x->statement->name, ret, &is_found, err));
    return is_found
               ? true
               : execute_fail_absent(x, "job", x->statement->name, x->statement->name_span, err);
}

static bool fail_exists(context *x, const char *what, error *err)
{
    return worksheet_fail_at(x->worksheet, x->statement->name_span, err,
                             "%s '" STR_FMT
                             "' exists with another definition; DROP it first to change it",
                             what, STR_ARG(x->statement->name)) ||
           (err->code = ERR_CONFLICT, false);
}

/* ---- Connections ---- */

static bool absolute_folder(context *x, str path, span at, str *ret, error *err)
{
    char absolute[PATH_MAX];
    const char *joined =
        path.len && path.data[0] == '/'
            ? str_to_c(x->arena, path)
            : str_format(x->arena, STR_FMT "/" STR_FMT "%c", STR_ARG(x->folder), STR_ARG(path), 0)
                  .data;
    if (!realpath(joined, absolute))
        return worksheet_fail_at(x->worksheet, at, err, "there is no folder %s", joined);
    *ret = str_copy(x->arena, str_of(absolute));
    return true;
}

static bool create_connection(context *x, error *err)
{
    const statement *s = x->statement;
    str folder = STR("");
    bool has_changed;
    const option *root = option_find(s->options, "ROOT");
    if (str_eq(s->type, STR("FILE")))
        TRY(absolute_folder(x, root->text, root->span, &folder, err));
    if (!connection_create(x->home, s, x->text, folder, &has_changed, err)) {
        error why = *err;
        error_clear(err);
        worksheet_fail_at(x->worksheet, s->name_span, err, "%s", why.message);
        err->code = why.code;
        return false;
    }
    return has_changed
               ? execute_say(x, true, "created connection " STR_FMT, STR_ARG(s->name))
               : execute_say(x, false, "connection " STR_FMT ": unchanged", STR_ARG(s->name));
}

/* The first job whose text matches: what is dropped must not be in use. */
static bool check_unused(context *x, const char *what, str name, span at,
                         bool (*uses)(const statement *s, str name), error *err)
{
    state_job *jobs;
    size_t count;
    TRY(state_job_list(home_state(x->home), x->arena, &jobs, &count, err));
    for (size_t i = 0; i < count; i++) {
        worksheet *w;
        error ignored = { 0 };
        if (!worksheet_parse(x->arena, jobs[i].name, jobs[i].source_text, &w, &ignored) ||
            w->count != 1 || !uses(&w->statements[0], name))
            continue;
        worksheet_fail_at(x->worksheet, at, err,
                          "%s " STR_FMT " is used by job " STR_FMT "; DROP JOB first", what,
                          STR_ARG(name), STR_ARG(jobs[i].name));
        err->code = ERR_CONFLICT;
        return false;
    }
    return true;
}

static bool uses_connection(const statement *s, str name)
{
    return str_eq_nocase(s->connection, name);
}

static bool is_table(const table_name *t, str name)
{
    AUTO(arena_free) arena *scratch = arena_new();
    return t->name.len &&
           str_eq_nocase(str_format(scratch, STR_FMT "." STR_FMT "." STR_FMT,
                                    STR_ARG(t->catalog.len ? t->catalog : STR(HOME_CATALOG)),
                                    STR_ARG(t->namespace), STR_ARG(t->name)),
                         name);
}

static bool uses_table(const statement *s, str name)
{
    return is_table(&s->table, name) || is_table(&s->query.source, name);
}

static bool drop_connection(context *x, error *err)
{
    bool is_found;
    TRY(check_unused(x, "connection", x->statement->name, x->statement->name_span, uses_connection,
                     err));
    TRY(state_connection_drop(home_state(x->home), x->statement->name, &is_found, err));
    if (!is_found && !x->statement->if_exists)
        return worksheet_fail_at(x->worksheet, x->statement->name_span, err,
                                 "there is no connection '" STR_FMT "'",
                                 STR_ARG(x->statement->name));
    home_forget_catalog(x->home, x->statement->name);
    return execute_say(x, is_found,
                       is_found ? "dropped connection " STR_FMT
                                : "connection " STR_FMT ": there is none",
                       STR_ARG(x->statement->name));
}

/* ---- Tables ---- */

str execute_full_name(context *x, const table_name *t)
{
    return str_format(x->arena, STR_FMT "." STR_FMT "." STR_FMT,
                      STR_ARG(t->catalog.len ? t->catalog : STR(HOME_CATALOG)),
                      STR_ARG(t->namespace), STR_ARG(t->name));
}

bool execute_find_catalog(context *x, const table_name *t, catalog **ret, error *err)
{
    if (home_catalog(x->home, t->catalog.len ? t->catalog : STR(HOME_CATALOG), ret, err))
        return true;
    error why = *err;
    error_clear(err);
    return worksheet_fail_at(x->worksheet, t->span, err, "%s", why.message);
}

/* Columns as declared, and the system columns that partitions name. */
static bool make_schema(context *x, iceberg_schema *schema, error *err)
{
    const statement *s = x->statement;
    VEC(iceberg_field) fields = { 0 };
    VEC(int32_t) identifiers = { 0 };
    bool is_inferred = s->column_count == 0;
    for (size_t i = 0; i < s->column_count; i++) {
        const iceberg_type *type;
        if (!iceberg_type_of_sql(x->arena, s->columns[i].type, &type))
            return worksheet_fail_at(x->worksheet, s->columns[i].span, err,
                                     "type " STR_FMT
                                     " is not known: STRING, BIGINT, INT, DOUBLE, FLOAT, BOOLEAN, "
                                     "TIMESTAMP, DATE, TIME, DECIMAL(p, s), UUID, BINARY are",
                                     STR_ARG(s->columns[i].type));
        vec_push(x->arena, &fields,
                 (iceberg_field){ .id = (int32_t)i + 1, .name = s->columns[i].name, .type = type });
        for (size_t k = 0; k < i; k++)
            if (str_eq_nocase(s->columns[k].name, s->columns[i].name))
                return worksheet_fail_at(x->worksheet, s->columns[i].span, err,
                                         "column " STR_FMT " is declared twice",
                                         STR_ARG(s->columns[i].name));
    }
    if (is_inferred) {
        vec_push(x->arena, &fields,
                 (iceberg_field){ .id = 1,
                                  .name = STR("$event_date"),
                                  .type = iceberg_primitive(ICEBERG_DATE) });
        vec_push(x->arena, &fields,
                 (iceberg_field){ .id = 2,
                                  .name = STR("$event_time"),
                                  .type = iceberg_primitive(ICEBERG_TIMESTAMP) });
    }
    for (size_t i = 0; i < s->primary_key_count; i++) {
        iceberg_field *f = NULL;
        for (size_t k = 0; k < fields.count; k++)
            if (str_eq_nocase(fields.items[k].name, s->primary_key[i]))
                f = &fields.items[k];
        if (!f)
            return worksheet_fail_at(x->worksheet, s->table.span, err,
                                     "PRIMARY KEY " STR_FMT " is not a column of the table",
                                     STR_ARG(s->primary_key[i]));
        for (size_t k = 0; k < i; k++)
            if (str_eq_nocase(s->primary_key[k], s->primary_key[i]))
                return worksheet_fail_at(x->worksheet, s->table.span, err,
                                         "PRIMARY KEY names " STR_FMT " twice",
                                         STR_ARG(s->primary_key[i]));
        f->is_required = true; /* Iceberg spec, "Identifier Field IDs": they must be required */
        vec_push(x->arena, &identifiers, f->id);
    }
    *schema = (iceberg_schema){ .fields = fields.items,
                                .field_count = fields.count,
                                .identifier_ids = identifiers.items,
                                .identifier_count = identifiers.count };
    return true;
}

/* What the transforms of PARTITIONED BY take; spec, "Partition Transforms". */
static const struct {
    const char *name, *suffix; /* of the partition field's name */
    iceberg_transform_kind kind;
    bool has_argument;
    uint32_t types;
} transforms[] = {
#define OF(kind) (1u << ICEBERG_##kind)
#define MOMENTS (OF(TIMESTAMP) | OF(TIMESTAMPTZ) | OF(TIMESTAMP_NS) | OF(TIMESTAMPTZ_NS))
    { "identity", NULL, TRANSFORM_IDENTITY, false, ~0u },
    { "year", "year", TRANSFORM_YEAR, false, OF(DATE) | MOMENTS },
    { "month", "month", TRANSFORM_MONTH, false, OF(DATE) | MOMENTS },
    { "day", "day", TRANSFORM_DAY, false, OF(DATE) | MOMENTS },
    { "hour", "hour", TRANSFORM_HOUR, false, MOMENTS },
    { "bucket", "bucket", TRANSFORM_BUCKET, true,
      OF(INT) | OF(LONG) | OF(DECIMAL) | OF(DATE) | OF(TIME) | MOMENTS | OF(STRING) | OF(UUID) |
          OF(FIXED) | OF(BINARY) },
    { "truncate", "trunc", TRANSFORM_TRUNCATE, true,
      OF(INT) | OF(LONG) | OF(DECIMAL) | OF(STRING) | OF(BINARY) },
#undef MOMENTS
#undef OF
};

static bool make_partition(context *x, const iceberg_schema *schema, const partition_item *p,
                           iceberg_partition_field *ret, error *err)
{
    const iceberg_field *source = iceberg_schema_find(schema, p->column);
    size_t k = 0;
    if (!source)
        return worksheet_fail_at(x->worksheet, p->span, err,
                                 "PARTITIONED BY " STR_FMT ": there is no such column",
                                 STR_ARG(p->column));
    while (!str_eq(p->transform, str_of(transforms[k].name)))
        k++; /* the parser lets no other pass */
    if (!(transforms[k].types & (1u << source->type->kind)))
        return worksheet_fail_at(x->worksheet, p->span, err, "%s does not take type " STR_FMT,
                                 transforms[k].name,
                                 STR_ARG(iceberg_type_text(x->arena, source->type)));
    if (transforms[k].has_argument ? p->argument < 1 || p->argument > INT32_MAX : p->argument != 0)
        return worksheet_fail_at(x->worksheet, p->span, err,
                                 transforms[k].has_argument
                                     ? "%s takes a number above 0 and a column: %s(16, column)"
                                     : "%s takes a column alone: %s(column)",
                                 transforms[k].name, transforms[k].name);
    ret->source_id = source->id;
    ret->transform = transforms[k].kind;
    ret->argument = (int32_t)p->argument;
    ret->name = transforms[k].suffix ? str_format(x->arena, STR_FMT "_%s", STR_ARG(source->name),
                                                  transforms[k].suffix)
                                     : source->name;
    return true;
}

static bool make_spec(context *x, const iceberg_schema *schema, iceberg_spec *spec, error *err)
{
    const statement *s = x->statement;
    iceberg_partition_field *fields =
        arena_array_of(x->arena, iceberg_partition_field, s->partition_count);
    for (size_t i = 0; i < s->partition_count; i++) {
        const partition_item *p = &s->partitions[i];
        fields[i].field_id = 1000 + (int32_t)i;
        TRY(make_partition(x, schema, p, &fields[i], err));
        for (size_t k = 0; k < i; k++)
            if (str_eq(fields[k].name, fields[i].name))
                return worksheet_fail_at(x->worksheet, p->span, err,
                                         "PARTITIONED BY names " STR_FMT " twice",
                                         STR_ARG(fields[i].name));
    }
    *spec = (iceberg_spec){ .fields = fields, .field_count = s->partition_count };
    return true;
}

/* A table with a STORAGE_CONNECTION: its files are reached through that, from now on. */
static bool serve_storage(context *x, str location, error *err)
{
    const option *storage = option_find(x->statement->options, "STORAGE_CONNECTION");
    if (!storage || store_is_local(location))
        return true;
    if (connection_serve(x->home, storage->text, location, true, err))
        return true;
    error why = *err;
    error_clear(err);
    return worksheet_fail_at(x->worksheet, storage->span, err, "%s", why.message);
}

/* Where files go is told whole. */
static bool check_storage(context *x, error *err)
{
    const option *storage = option_find(x->statement->options, "STORAGE_CONNECTION");
    if (storage && !option_find(x->statement->options, "STORAGE_LOCATION"))
        return worksheet_fail_at(x->worksheet, storage->span, err,
                                 "STORAGE_CONNECTION needs STORAGE_LOCATION = 's3://bucket/path/'");
    return true;
}

bool execute_is_date(const iceberg_field *f)
{
    return f && (f->type->kind == ICEBERG_DATE || f->type->kind == ICEBERG_TIMESTAMP ||
                 f->type->kind == ICEBERG_TIMESTAMPTZ);
}

/* Rows are retired by whole partitions of a day: which column says the day must be known. */
static bool check_retention(context *x, const iceberg_schema *schema, error *err)
{
    const statement *s = x->statement;
    const option *days = option_find(s->options, "TABLE_DATA_RETENTION"),
                 *by = option_find(s->options, "RETENTION_DATE_PARTITION");
    size_t dates = 0;
    bool is_partition = false;
    for (size_t i = 0; i < s->partition_count; i++) {
        bool counts = execute_is_date(iceberg_schema_find(schema, s->partitions[i].column));
        dates += counts;
        is_partition |= by && counts && str_eq_nocase(s->partitions[i].column, by->text);
    }
    if (by && !is_partition)
        return worksheet_fail_at(x->worksheet, by->span, err,
                                 "RETENTION_DATE_PARTITION " STR_FMT
                                 " is no date that the table is partitioned by",
                                 STR_ARG(by->text));
    if (days && dates == 0)
        return worksheet_fail_at(x->worksheet, days->span, err,
                                 "TABLE_DATA_RETENTION needs PARTITIONED BY a date: rows are "
                                 "retired by whole partitions");
    if (days && dates > 1 && !by)
        return worksheet_fail_at(x->worksheet, days->span, err,
                                 "the table is partitioned by %zu dates; RETENTION_DATE_PARTITION "
                                 "= column says which one retires rows",
                                 dates);
    return true;
}

static bool create_table(context *x, error *err)
{
    const statement *s = x->statement;
    catalog *c;
    iceberg_schema schema;
    iceberg_spec spec;
    iceberg_table *t;
    str name = execute_full_name(x, &s->table);
    TRY(execute_find_catalog(x, &s->table, &c, err));
    TRY(make_schema(x, &schema, err));
    TRY(make_spec(x, &schema, &spec, err));
    str keys[64] = { STR("floe.statement"), STR("floe.columns"),
                     STR("write.parquet.compression-codec") };
    str values[64] = { x->text, s->column_count ? STR("declared") : STR("inferred"), STR("zstd") };
    const option *codec = option_find(s->options, "COMPRESSION");
    size_t first = codec ? 2 : 3, /* the option has its own */
        property_count = first + execute_option_properties(x->arena, s->options, x->worksheet->text,
                                                           keys + first, values + first);
    TRY(check_storage(x, err));
    TRY(check_retention(x, &schema, err));
    iceberg_definition d = { .schema = &schema,
                             .spec = &spec,
                             .property_keys = keys,
                             .property_values = values,
                             .property_count = property_count };
    const option *version = option_find(s->options, "FORMAT_VERSION");
    if (version)
        d.format_version = version->number == 3 ? 3 : version->number == 2 ? 2 : -1;
    const option *location = option_find(s->options, "STORAGE_LOCATION");
    if (location)
        d.location = location->text.len && str_contains(location->text, STR("://"))
                         ? location->text
                         : store_uri_of_path(x->arena, location->text);
    while (str_ends_with(d.location, STR("/")))
        d.location.len--;
    TRY(serve_storage(x, d.location, err));
    if (catalog_create(c, x->arena, s->table.namespace, s->table.name, &d, &t, err))
        return execute_say(x, true, "created table " STR_FMT, STR_ARG(name));
    if (err->code != ERR_CONFLICT)
        return false;
    error_clear(err);
    TRY(catalog_load(c, x->arena, s->table.namespace, s->table.name, &t, err));
    if (s->if_exists || str_eq(iceberg_table_property(t, STR("floe.statement"), STR("")), x->text))
        return execute_say(x, false, "table " STR_FMT ": unchanged", STR_ARG(name));
    worksheet_fail_at(x->worksheet, s->table.span, err,
                      "table " STR_FMT
                      " exists with another definition; DROP it first to change it",
                      STR_ARG(name));
    err->code = ERR_CONFLICT;
    return false;
}

static bool drop_table(context *x, error *err)
{
    const statement *s = x->statement;
    catalog *c;
    iceberg_table *t;
    TRY(execute_find_catalog(x, &s->table, &c, err));
    if (!catalog_load(c, x->arena, s->table.namespace, s->table.name, &t, err)) {
        if (err->code != ERR_NOT_FOUND || !s->if_exists)
            return false;
        error_clear(err);
        return execute_say(x, false, "table " STR_FMT ": there is none",
                           STR_ARG(execute_full_name(x, &s->table)));
    }
    TRY(check_unused(x, "table", execute_full_name(x, &s->table), s->table.span, uses_table, err));
    TRY(catalog_drop(c, s->table.namespace, s->table.name, !s->keeps_data, err));
    return execute_say(x, true, "dropped table " STR_FMT, STR_ARG(execute_full_name(x, &s->table)));
}

/* ---- Jobs ---- */

bool execute_find_table(context *x, const table_name *name, iceberg_table **ret, error *err)
{
    catalog *c;
    TRY(execute_find_catalog(x, name, &c, err));
    if (catalog_load(c, x->arena, name->namespace, name->name, ret, err))
        return true;
    if (err->code != ERR_NOT_FOUND)
        return false;
    error why = *err;
    error_clear(err);
    return worksheet_fail_at(x->worksheet, name->span, err, "%s", why.message);
}

static bool check_copy(context *x, const iceberg_table *target, error *err)
{
    state_connection c;
    bool is_found;
    const statement *s = x->statement;
    TRY(state_connection_get(home_state(x->home), x->arena, s->connection, &c, &is_found, err));
    if (!is_found)
        return worksheet_fail_at(x->worksheet, s->connection_span, err,
                                 "there is no connection '" STR_FMT "'", STR_ARG(s->connection));
    if (!str_eq(c.type, s->type))
        return worksheet_fail_at(x->worksheet, s->connection_span, err,
                                 "connection '" STR_FMT "' is of type " STR_FMT ", not " STR_FMT,
                                 STR_ARG(s->connection), STR_ARG(c.type), STR_ARG(s->type));
    if (!str_eq(c.type, STR("FILE")) && !str_eq(c.type, STR("S3")))
        return worksheet_fail_at(x->worksheet, s->connection_span, err,
                                 "this version reads through FILE and S3 connections; " STR_FMT
                                 " connections can be made, but not read yet",
                                 STR_ARG(c.type));
    const option *pattern = option_find(s->options, "DATE_PATTERN");
    error why = { 0 };
    if (pattern && !date_pattern_check(pattern->text, &why))
        return worksheet_fail_at(x->worksheet, pattern->span, err, "%s", why.message);
    TRY(copy_source_check(x->worksheet, s, err));
    if (iceberg_table_schema(target)->identifier_count)
        return worksheet_fail_at(x->worksheet, s->table.span, err,
                                 "a COPY job's target has no PRIMARY KEY: load the rows as they "
                                 "are, then INSERT them into this table");
    return true;
}

static bool check_merge(context *x, const iceberg_table *target, error *err)
{
    const statement *s = x->statement;
    const iceberg_schema *schema = iceberg_table_schema(target);
    if (schema->identifier_count == 0)
        return worksheet_fail_at(x->worksheet, s->table.span, err,
                                 "MERGE INTO needs a table with a PRIMARY KEY");
    for (size_t i = 0; i < s->merge.key_count; i++) {
        const iceberg_field *f = iceberg_schema_find(schema, s->merge.target_keys[i]);
        bool is_key = false;
        for (size_t k = 0; f && k < schema->identifier_count; k++)
            is_key |= schema->identifier_ids[k] == f->id;
        if (!is_key)
            return worksheet_fail_at(x->worksheet, s->table.span, err,
                                     "ON compares " STR_FMT
                                     ", which is no column of the target's PRIMARY KEY",
                                     STR_ARG(s->merge.target_keys[i]));
    }
    return true;
}

/* A predicate sees one row: no aggregates. */
static bool check_expectations(context *x, error *err)
{
    static const char *const aggregates[] = { "count", "sum", "avg", "min", "max", "count_if" };
    for (size_t i = 0; i < x->statement->expectation_count; i++)
        for (size_t k = 0; k < ARRAY_LEN(aggregates); k++) {
            str lower = str_lower(x->arena, x->statement->expectations[i].predicate);
            str call = str_format(x->arena, "%s(", aggregates[k]);
            if (str_starts_with(lower, call) ||
                str_contains(lower, str_format(x->arena, " %s(", aggregates[k])))
                return worksheet_fail_at(x->worksheet, x->statement->name_span, err,
                                         "expectation " STR_FMT
                                         " aggregates; it is asked of each row by itself",
                                         STR_ARG(x->statement->expectations[i].name));
        }
    return true;
}

static bool create_job(context *x, error *err)
{
    const statement *s = x->statement;
    state_job there;
    bool is_found;
    iceberg_table *target, *source;
    TRY(state_job_get(home_state(x->home), x->arena, s->name, &there, &is_found, err));
    if (is_found && (s->if_exists || str_eq(there.statement, x->text)))
        return execute_say(x, false, "job " STR_FMT ": unchanged", STR_ARG(s->name));
    if (is_found)
        return fail_exists(x, "job", err);
    TRY(execute_find_table(x, &s->table, &target, err));
    if (s->kind == STATEMENT_CREATE_COPY_JOB)
        TRY(check_copy(x, target, err));
    else
        TRY(execute_find_table(x, &s->query.source, &source, err));
    if (s->merge.is_given)
        TRY(check_merge(x, target, err));
    if (s->expectation_count)
        TRY(check_expectations(x, err));
    state_job made = { .name = s->name,
                       .uuid = uuid_v4(x->arena),
                       .statement = x->text,
                       .folder = x->folder,
                       .target = execute_full_name(x, &s->table),
                       .source_text = str_slice(x->worksheet->text, s->span.from, s->span.to) };
    worksheet alone = { x->worksheet->source_name, x->worksheet->text, s, 1 };
    TRY(execute_check_job(x, &made, &alone, err));
    TRY(state_job_add(home_state(x->home), &made, err));
    return execute_say(x, true, "created job " STR_FMT, STR_ARG(s->name));
}

static bool change_job(context *x, error *err)
{
    const statement *s = x->statement;
    state *state = home_state(x->home);
    bool is_found, works;
    works = s->kind == STATEMENT_DROP_JOB
                ? state_job_drop(state, s->name, &is_found, err)
                : state_job_pause(state, s->name, s->kind == STATEMENT_PAUSE_JOB, &is_found, err);
    if (!works)
        return false;
    if (!is_found && !s->if_exists)
        return worksheet_fail_at(x->worksheet, s->name_span, err, "there is no job '" STR_FMT "'",
                                 STR_ARG(s->name));
    const char *what = s->kind == STATEMENT_DROP_JOB    ? "dropped"
                       : s->kind == STATEMENT_PAUSE_JOB ? "paused"
                                                        : "resumed";
    return is_found ? execute_say(x, true, "%s job " STR_FMT, what, STR_ARG(s->name))
                    : execute_say(x, false, "job " STR_FMT ": there is none", STR_ARG(s->name));
}

bool execute_statement(home *h, arena *a, const worksheet *w, const statement *s, str folder,
                       execution *ret, error *err)
{
    *ret = (execution){ 0 };
    context x = { h, a, w, s, folder, statement_text(a, w, s), ret };
    switch (s->kind) {
    case STATEMENT_CREATE_CONNECTION: return create_connection(&x, err);
    case STATEMENT_DROP_CONNECTION: return drop_connection(&x, err);
    case STATEMENT_CREATE_TABLE: return create_table(&x, err);
    case STATEMENT_DROP_TABLE: return drop_table(&x, err);
    case STATEMENT_CREATE_COPY_JOB:
    case STATEMENT_CREATE_INSERT_JOB: return create_job(&x, err);
    case STATEMENT_DROP_JOB:
    case STATEMENT_PAUSE_JOB:
    case STATEMENT_RESUME_JOB: return change_job(&x, err);
    case STATEMENT_ALTER_CONNECTION: return execute_alter_connection(&x, err);
    case STATEMENT_ALTER_TABLE: return execute_alter_table(&x, err);
    case STATEMENT_ALTER_JOB: return execute_alter_job(&x, err);
    case STATEMENT_CREATE_VIEW: return execute_create_view(&x, err);
    case STATEMENT_ALTER_VIEW: return execute_alter_view(&x, err);
    case STATEMENT_DROP_VIEW: return execute_drop_view(&x, err);
    case STATEMENT_REPLAY_JOB: return execute_replay_job(&x, err);
    case STATEMENT_EXPLAIN_JOB: return execute_explain_job(&x, err);
    case STATEMENT_PREVIEW_JOB: return execute_preview_job(&x, err);
    case STATEMENT_SHOW_CREATE: return execute_show_create(&x, err);
    case STATEMENT_QUERY: return execute_answer(&x, s->query.text);
    }
    return true;
}
