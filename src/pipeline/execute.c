/* One function for each kind of statement. */
#include "pipeline/execute.h"

#include <limits.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/vec.h"
#include "pipeline/connection.h"

typedef struct context {
    home *home;
    arena *arena;
    const worksheet *worksheet;
    const statement *statement;
    str folder, text;
    execution *result;
} context;

static bool say(context *x, bool has_changed, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    x->result->message = str_vformat(x->arena, format, args);
    va_end(args);
    x->result->has_changed = has_changed;
    return true;
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
    return has_changed ? say(x, true, "created connection " STR_FMT, STR_ARG(s->name))
                       : say(x, false, "connection " STR_FMT ": unchanged", STR_ARG(s->name));
}

static bool drop_connection(context *x, error *err)
{
    bool is_found;
    TRY(state_connection_drop(home_state(x->home), x->statement->name, &is_found, err));
    if (!is_found && !x->statement->if_exists)
        return worksheet_fail_at(x->worksheet, x->statement->name_span, err,
                                 "there is no connection '" STR_FMT "'",
                                 STR_ARG(x->statement->name));
    home_forget_catalog(x->home, x->statement->name);
    return say(x, is_found, "dropped connection " STR_FMT, STR_ARG(x->statement->name));
}

/* ---- Tables ---- */

static str full_name(context *x, const table_name *t)
{
    return str_format(x->arena, STR_FMT "." STR_FMT "." STR_FMT,
                      STR_ARG(t->catalog.len ? t->catalog : STR(HOME_CATALOG)),
                      STR_ARG(t->namespace), STR_ARG(t->name));
}

static bool find_catalog(context *x, const table_name *t, catalog **ret, error *err)
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
        f->is_required = true; /* Iceberg spec, "Identifier Field IDs": they must be required */
        vec_push(x->arena, &identifiers, f->id);
    }
    *schema = (iceberg_schema){ .fields = fields.items,
                                .field_count = fields.count,
                                .identifier_ids = identifiers.items,
                                .identifier_count = identifiers.count };
    return true;
}

static bool make_spec(context *x, const iceberg_schema *schema, iceberg_spec *spec, error *err)
{
    static const struct {
        const char *name;
        iceberg_transform_kind kind;
    } transforms[] = { { "identity", TRANSFORM_IDENTITY },
                       { "year", TRANSFORM_YEAR },
                       { "month", TRANSFORM_MONTH },
                       { "day", TRANSFORM_DAY },
                       { "hour", TRANSFORM_HOUR } };
    const statement *s = x->statement;
    iceberg_partition_field *fields =
        arena_array_of(x->arena, iceberg_partition_field, s->partition_count);
    for (size_t i = 0; i < s->partition_count; i++) {
        const partition_item *p = &s->partitions[i];
        const iceberg_field *source = iceberg_schema_find(schema, p->column);
        bool is_known = false;
        if (!source)
            return worksheet_fail_at(x->worksheet, p->span, err,
                                     "PARTITIONED BY " STR_FMT ": there is no such column",
                                     STR_ARG(p->column));
        fields[i] = (iceberg_partition_field){ .source_id = source->id,
                                               .field_id = 1000 + (int32_t)i,
                                               .name = source->name };
        for (size_t k = 0; k < ARRAY_LEN(transforms); k++)
            if (str_eq(p->transform, str_of(transforms[k].name))) {
                fields[i].transform = transforms[k].kind;
                is_known = true;
            }
        if (!is_known)
            return worksheet_fail_at(
                x->worksheet, p->span, err,
                "partitioning by " STR_FMT
                " cannot be written by this version; a column, year, month, day and hour can",
                STR_ARG(p->transform));
        if (fields[i].transform != TRANSFORM_IDENTITY)
            fields[i].name = str_format(x->arena, STR_FMT "_" STR_FMT, STR_ARG(source->name),
                                        STR_ARG(p->transform));
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

static bool create_table(context *x, error *err)
{
    const statement *s = x->statement;
    catalog *c;
    iceberg_schema schema;
    iceberg_spec spec;
    iceberg_table *t;
    str name = full_name(x, &s->table);
    TRY(find_catalog(x, &s->table, &c, err));
    TRY(make_schema(x, &schema, err));
    TRY(make_spec(x, &schema, &spec, err));
    str keys[] = { STR("floe.statement"), STR("floe.columns"),
                   STR("write.parquet.compression-codec") };
    str values[] = { x->text, s->column_count ? STR("declared") : STR("inferred"), STR("zstd") };
    iceberg_definition d = { .schema = &schema,
                             .spec = &spec,
                             .property_keys = keys,
                             .property_values = values,
                             .property_count = 3 };
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
        return say(x, true, "created table " STR_FMT, STR_ARG(name));
    if (err->code != ERR_CONFLICT)
        return false;
    error_clear(err);
    TRY(catalog_load(c, x->arena, s->table.namespace, s->table.name, &t, err));
    if (s->if_exists || str_eq(iceberg_table_property(t, STR("floe.statement"), STR("")), x->text))
        return say(x, false, "table " STR_FMT ": unchanged", STR_ARG(name));
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
    TRY(find_catalog(x, &s->table, &c, err));
    if (!catalog_load(c, x->arena, s->table.namespace, s->table.name, &t, err)) {
        if (err->code != ERR_NOT_FOUND || !s->if_exists)
            return false;
        error_clear(err);
        return say(x, false, "table " STR_FMT ": there is none", STR_ARG(full_name(x, &s->table)));
    }
    TRY(catalog_drop(c, s->table.namespace, s->table.name, true, err));
    return say(x, true, "dropped table " STR_FMT, STR_ARG(full_name(x, &s->table)));
}

/* ---- Jobs ---- */

static bool check_table(context *x, const table_name *name, iceberg_table **ret, error *err)
{
    catalog *c;
    TRY(find_catalog(x, name, &c, err));
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
    if (iceberg_table_schema(target)->identifier_count)
        return worksheet_fail_at(x->worksheet, s->table.span, err,
                                 "a COPY job's target has no PRIMARY KEY: load the rows as they "
                                 "are, then INSERT them into this table");
    return true;
}

static bool create_job(context *x, error *err)
{
    const statement *s = x->statement;
    state_job there;
    bool is_found;
    iceberg_table *target, *source;
    TRY(state_job_get(home_state(x->home), x->arena, s->name, &there, &is_found, err));
    if (is_found && str_eq(there.statement, x->text))
        return say(x, false, "job " STR_FMT ": unchanged", STR_ARG(s->name));
    if (is_found)
        return fail_exists(x, "job", err);
    TRY(check_table(x, &s->table, &target, err));
    if (s->kind == STATEMENT_CREATE_COPY_JOB)
        TRY(check_copy(x, target, err));
    else
        TRY(check_table(x, &s->query.source, &source, err));
    state_job made = { .name = s->name,
                       .uuid = uuid_v4(x->arena),
                       .statement = x->text,
                       .folder = x->folder,
                       .target = full_name(x, &s->table),
                       .source_text = str_slice(x->worksheet->text, s->span.from, s->span.to) };
    TRY(state_job_add(home_state(x->home), &made, err));
    return say(x, true, "created job " STR_FMT, STR_ARG(s->name));
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
    return say(x, is_found, "%s job " STR_FMT, what, STR_ARG(s->name));
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
    case STATEMENT_QUERY: ret->is_query = true; return true;
    }
    return true;
}

/* ---- Queries ---- */

static bool mentions(str text, str name)
{
    AUTO(arena_free) arena *scratch = arena_new();
    return str_contains(str_lower(scratch, text), str_lower(scratch, name));
}

static bool make_view(home *h, sql_connection *c, arena *a, const catalog_entry *e, error *err)
{
    iceberg_table *t;
    iceberg_scan scan;
    str rows;
    strbuf b = strbuf_new(a);
    TRY(catalog_load(home_embedded_catalog(h), a, e->namespace, e->name, &t, err));
    TRY(iceberg_table_scan(t, a, -1, &scan, err));
    TRY(iceberg_scan_sql(t, a, &scan, NULL, 0, false, &rows, err));
    strbuf_add_c(&b, "CREATE SCHEMA IF NOT EXISTS " HOME_CATALOG ".");
    strbuf_add_sql_name(&b, e->namespace);
    strbuf_add_c(&b, "; CREATE OR REPLACE VIEW " HOME_CATALOG ".");
    strbuf_add_sql_name(&b, e->namespace);
    strbuf_add_char(&b, '.');
    strbuf_add_sql_name(&b, e->name);
    strbuf_format(&b, " AS SELECT * FROM " STR_FMT, STR_ARG(rows));
    return sql_run(c, strbuf_str(&b), err);
}

bool execute_prepare_query(home *h, sql_connection *c, str query, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    catalog_entry *entries;
    size_t count;
    strbuf path = strbuf_new(a);
    TRY(catalog_list(home_embedded_catalog(h), a, &entries, &count, err));
    TRY(sql_run(c, STR("ATTACH IF NOT EXISTS ':memory:' AS " HOME_CATALOG), err));
    strbuf_add_c(&path, "memory.main");
    for (size_t i = 0; i < count; i++) {
        if (!mentions(query, entries[i].name))
            continue;
        if (!make_view(h, c, a, &entries[i], err))
            return fail_while(err, "table " STR_FMT "." STR_FMT, STR_ARG(entries[i].namespace),
                              STR_ARG(entries[i].name));
        strbuf_format(&path, "," HOME_CATALOG "." STR_FMT, STR_ARG(entries[i].namespace));
    }
    str set = str_format(a, "SET search_path = '" STR_FMT "'", STR_ARG(strbuf_str(&path)));
    error ignored = {
        0
    }; /* a namespace whose name the path cannot hold is reached by its full name */
    if (!sql_run(c, set, &ignored))
        error_clear(&ignored);
    return true;
}
