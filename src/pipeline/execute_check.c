/* What can be told of a job before its first run: checked when it is created and when it is
 * altered, so that a mistake is an error of the statement and not of every run. */
#include <regex.h>

#include "pipeline/execute_internal.h"
#include "pipeline/run_internal.h"

typedef struct check {
    home *home;
    arena *arena;
    const worksheet *worksheet;
    const statement *statement;
    const iceberg_table *target, *source; /* source: of an INSERT */
} check;

static bool is_inferred(const iceberg_table *t)
{
    return str_eq(iceberg_table_property(t, STR("floe.columns"), STR("")), STR("inferred"));
}

/* Whether the source's columns are what they will be: a table that takes them from what is loaded
 * has none before. */
static bool is_source_known(const check *k)
{
    return !is_inferred(k->source) || iceberg_table_current(k->source);
}

static bool has_name(const str *names, size_t count, str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(names[i], name))
            return true;
    return false;
}

static bool selects_all(const statement *s)
{
    for (size_t i = 0; i < s->query.item_count; i++)
        if (str_ends_with(s->query.items[i].expression, STR("*")))
            return true;
    return false;
}

static bool selects(const statement *s, str name)
{
    for (size_t i = 0; i < s->query.item_count; i++)
        if (str_eq_nocase(s->query.items[i].name, name))
            return true;
    return false;
}

/* ---- INSERT and MERGE ---- */

/* INSERT INTO t (a, b): columns of the target, each once. */
static bool check_list(const check *k, error *err)
{
    const statement *s = k->statement;
    const iceberg_schema *schema = iceberg_table_schema(k->target);
    const option *adds = option_find(s->options, "ADD_MISSING_COLUMNS");
    bool may_add = (adds && adds->is_true) || is_inferred(k->target);
    for (size_t i = 0; i < s->target_column_count; i++) {
        if (has_name(s->target_columns, i, s->target_columns[i]))
            return worksheet_fail_at(k->worksheet, s->table.span, err,
                                     "the list names " STR_FMT " twice",
                                     STR_ARG(s->target_columns[i]));
        if (!may_add && !iceberg_schema_find(schema, s->target_columns[i]))
            return worksheet_fail_at(
                k->worksheet, s->table.span, err,
                "table " STR_FMT " has no column " STR_FMT "; ADD_MISSING_COLUMNS = TRUE adds it",
                STR_ARG(iceberg_table_name(k->target)), STR_ARG(s->target_columns[i]));
    }
    return true;
}

/* MAP_COLUMNS_BY_NAME: each name once, EXCEPT names what is there. */
static bool check_names(const check *k, error *err)
{
    const statement *s = k->statement;
    const iceberg_schema *source = iceberg_table_schema(k->source);
    for (size_t i = 0; i < s->query.item_count; i++)
        for (size_t n = 0; n < i; n++)
            if (s->query.items[i].name.len &&
                str_eq_nocase(s->query.items[i].name, s->query.items[n].name))
                return worksheet_fail_at(k->worksheet, s->query.span, err,
                                         "the SELECT has two columns " STR_FMT,
                                         STR_ARG(s->query.items[i].name));
    for (size_t i = 0; i < s->except_count; i++) {
        bool is_there =
            selects(s, s->except[i]) ||
            (selects_all(s) && (!is_source_known(k) || iceberg_schema_find(source, s->except[i])));
        if (!is_there)
            return worksheet_fail_at(k->worksheet, s->query.span, err,
                                     "EXCEPT " STR_FMT ": the SELECT has no such column",
                                     STR_ARG(s->except[i]));
    }
    return true;
}

static bool fills(const check *k, str column)
{
    const statement *s = k->statement;
    const iceberg_schema *target = iceberg_table_schema(k->target),
                         *source = iceberg_table_schema(k->source);
    if (s->target_column_count)
        return has_name(s->target_columns, s->target_column_count, column);
    if (s->maps_by_name || s->merge.is_given)
        return !has_name(s->except, s->except_count, column) &&
               (selects(s, column) ||
                (selects_all(s) && (!is_source_known(k) || iceberg_schema_find(source, column))));
    for (size_t i = 0; i < s->query.item_count && i < target->field_count; i++)
        if (str_eq_nocase(target->fields[i].name, column))
            return true;
    return false;
}

/* Keys and partitions are filled. */
static bool check_filled(const check *k, error *err)
{
    const iceberg_schema *schema = iceberg_table_schema(k->target);
    const iceberg_spec *spec = iceberg_table_spec(k->target);
    for (size_t i = 0; i < schema->identifier_count; i++) {
        str name = iceberg_schema_find_id(schema, schema->identifier_ids[i])->name;
        if (!fills(k, name))
            return worksheet_fail_at(k->worksheet, k->statement->table.span, err,
                                     "the job does not fill " STR_FMT
                                     ", which is in the target's PRIMARY KEY",
                                     STR_ARG(name));
    }
    for (size_t i = 0; i < spec->field_count; i++) {
        const iceberg_field *f = iceberg_schema_find_id(schema, spec->fields[i].source_id);
        if (f && !fills(k, f->name))
            return worksheet_fail_at(k->worksheet, k->statement->table.span, err,
                                     "the job does not fill " STR_FMT
                                     ", by which the target is partitioned",
                                     STR_ARG(f->name));
    }
    return true;
}

/* ON compares each key with what fills it. */
static bool check_merge_keys(const check *k, error *err)
{
    const statement *s = k->statement;
    const iceberg_schema *schema = iceberg_table_schema(k->target);
    for (size_t i = 0; i < s->merge.key_count; i++) {
        str key = s->merge.target_keys[i], filled_from = key;
        for (size_t n = 0; n < s->merge.value_count; n++)
            if (str_eq_nocase(s->target_columns[n], key))
                filled_from = s->merge.values[n];
        if (!str_eq_nocase(filled_from, s->merge.source_keys[i]))
            return worksheet_fail_at(
                k->worksheet, s->table.span, err,
                "ON compares " STR_FMT " with " STR_FMT ", but it is filled from " STR_FMT,
                STR_ARG(key), STR_ARG(s->merge.source_keys[i]), STR_ARG(filled_from));
    }
    for (size_t i = 0; s->merge.key_count && i < schema->identifier_count; i++) {
        str name = iceberg_schema_find_id(schema, schema->identifier_ids[i])->name;
        if (!has_name(s->merge.target_keys, s->merge.key_count, name))
            return worksheet_fail_at(
                k->worksheet, s->table.span, err,
                "ON leaves out " STR_FMT ", which is in the target's PRIMARY KEY", STR_ARG(name));
    }
    return true;
}

/* The SELECT over no rows: names, functions and types are what they should be. */
static bool check_select(const check *k, const state_job *record, error *err)
{
    AUTO(job_close) job *j = NULL;
    error why = { 0 };
    if (!is_source_known(k))
        return true;
    TRY(job_open(k->home, record, &(job_limits){ .is_look_only = true }, &j, err));
    if (insert_check(j, k->arena, &why))
        return true;
    if (why.code != ERR_INVALID && why.code != ERR_NOT_FOUND) {
        *err = why;
        return false;
    }
    str text = str_of(why.message); /* DuckDB quotes a statement of ours */
    ptrdiff_t quoted = str_find(text, STR("\nLINE "));
    text = str_trim(quoted < 0 ? text : str_slice(text, 0, (size_t)quoted));
    return worksheet_fail_at(k->worksheet, k->statement->query.span, err, STR_FMT, STR_ARG(text));
}

static bool check_insert(const check *k, const state_job *record, error *err)
{
    const statement *s = k->statement;
    if (str_eq(iceberg_table_location(k->source), iceberg_table_location(k->target)))
        return worksheet_fail_at(k->worksheet, s->query.source.span, err,
                                 "the job would read what it writes itself, without end");
    TRY(check_list(k, err));
    if (s->maps_by_name)
        TRY(check_names(k, err));
    TRY(check_filled(k, err));
    if (s->merge.is_given)
        TRY(check_merge_keys(k, err));
    return check_select(k, record, err);
}

/* ---- COPY ---- */

static bool check_file_pattern(const check *k, error *err)
{
    const option *o = option_find(k->statement->options, "FILE_PATTERN");
    regex_t compiled;
    if (!o)
        return true;
    if (regcomp(&compiled, str_to_c(k->arena, o->text), REG_EXTENDED | REG_NOSUB) != 0)
        return worksheet_fail_at(k->worksheet, o->span, err,
                                 "FILE_PATTERN '" STR_FMT "' is not a regular expression",
                                 STR_ARG(o->text));
    regfree(&compiled);
    return true;
}

/* Whether DuckDB can parse it; which names there are shows with the files. */
static bool check_expression(const check *k, str what, str text, error *err)
{
    AUTO(sql_disconnect) sql_connection *c = NULL;
    sql_engine *e;
    batch *found;
    strbuf q = strbuf_new(k->arena);
    strbuf_add_c(&q, "SELECT json_extract_string(json_serialize_sql(");
    strbuf_add_sql_text(&q, str_format(k->arena, "SELECT (" STR_FMT ")",
                                       STR_ARG(expression_to_sql(k->arena, text))));
    strbuf_add_c(&q, "), '$.error_message')");
    TRY(home_engine(k->home, &e, err));
    TRY(sql_connect(e, &c, err));
    TRY(sql_query_all(c, k->arena, strbuf_str(&q), &found, err));
    if (found->rows == 0 || column_is_null(&found->columns[0], 0))
        return true;
    return worksheet_fail_at(k->worksheet, k->statement->name_span, err,
                             STR_FMT ": " STR_FMT " is no expression: " STR_FMT, STR_ARG(what),
                             STR_ARG(text), STR_ARG(column_text(&found->columns[0], k->arena, 0)));
}

/* Where a job reads. */
static bool check_place(const check *k, const state_job *record, error *err)
{
    AUTO(job_close) job *j = NULL;
    error why = { 0 };
    const option *location = option_find(k->statement->source_options, "LOCATION");
    bool is_s3 = str_eq(k->statement->type, STR("S3"));
    if (is_s3 && !location && !option_find(k->statement->source_options, "BUCKET"))
        return worksheet_fail_at(k->worksheet, k->statement->connection_span, err,
                                 "COPY FROM S3 needs LOCATION = 's3://bucket/prefix/'");
    if (is_s3 && location && !str_starts_with(location->text, STR("s3://")))
        return worksheet_fail_at(k->worksheet, location->span, err,
                                 "LOCATION is 's3://bucket/prefix/', not '" STR_FMT "'",
                                 STR_ARG(location->text));
    if (is_s3)
        return true;
    TRY(job_open(k->home, record, &(job_limits){ .is_look_only = true }, &j, err));
    return copy_source_open(j, &why) ||
           worksheet_fail_at(k->worksheet, k->statement->connection_span, err, "%s", why.message);
}

static bool check_copy(const check *k, const state_job *record, error *err)
{
    const statement *s = k->statement;
    const option *changes = option_find(s->options, "COLUMN_TRANSFORMATIONS");
    TRY(check_file_pattern(k, err));
    TRY(check_place(k, record, err));
    for (size_t i = 0; changes && i < changes->assignments.count; i++) {
        const assignment *x = &changes->assignments.items[i];
        for (size_t n = 0; n < i; n++)
            if (str_eq_nocase(changes->assignments.items[n].column, x->column))
                return worksheet_fail_at(k->worksheet, changes->span, err,
                                         "COLUMN_TRANSFORMATIONS gives " STR_FMT " twice",
                                         STR_ARG(x->column));
        TRY(check_expression(k, x->column, x->expression, err));
    }
    return true;
}

/* ---- Both ---- */

static bool check_times(const check *k, error *err)
{
    const option *start = option_find(k->statement->options, "START_FROM"),
                 *end = option_find(k->statement->options, "END_AT");
    if (start && end && start->kind == OPTION_TIMESTAMP && end->kind == OPTION_TIMESTAMP &&
        end->us <= start->us)
        return worksheet_fail_at(k->worksheet, end->span, err,
                                 "END_AT is not after START_FROM: the job would load nothing");
    return true;
}

bool execute_check_job(context *x, const state_job *record, const worksheet *w, error *err)
{
    check k = { x->home, x->arena, w, &w->statements[0], NULL, NULL };
    iceberg_table *target, *source;
    context of = *x;
    of.worksheet = w;
    of.statement = k.statement;
    TRY(execute_find_table(&of, &k.statement->table, &target, err));
    k.target = target;
    TRY(check_times(&k, err));
    for (size_t i = 0; i < k.statement->expectation_count; i++)
        TRY(check_expression(&k,
                             str_format(x->arena, "expectation " STR_FMT,
                                        STR_ARG(k.statement->expectations[i].name)),
                             k.statement->expectations[i].predicate, err));
    if (k.statement->kind == STATEMENT_CREATE_COPY_JOB)
        return check_copy(&k, record, err);
    TRY(execute_find_table(&of, &k.statement->query.source, &source, err));
    k.source = source;
    return check_insert(&k, record, err);
}
