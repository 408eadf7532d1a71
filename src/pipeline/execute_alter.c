/* ALTER and SHOW CREATE. */
#include "base/vec.h"
#include "pipeline/connection.h"
#include "pipeline/execute_internal.h"
#include "pipeline/run_internal.h"

static str option_text(context *x, const option *o)
{
    return str_trim(str_slice(
        x->worksheet->text,
        o->span.from +
            (size_t)str_find_char(str_slice(x->worksheet->text, o->span.from, o->span.to), '=') + 1,
        o->span.to));
}

/* ---- Connections and jobs: another text of their CREATE ---- */

static bool parse_one(arena *a, str name, str text, worksheet **ret, error *err)
{
    TRY(worksheet_parse(a, name, text, ret, err));
    return (*ret)->count == 1
               ? true
               : fail(err, ERR_CORRUPT, STR_FMT " is not one statement", STR_ARG(name));
}

static bool with_options(context *x, str name, str text, str *ret, error *err)
{
    for (size_t i = 0; i < x->statement->options.count; i++) {
        worksheet *w;
        const option *o = &x->statement->options.items[i];
        TRY(parse_one(x->arena, name, text, &w, err));
        text = statement_with_option(x->arena, text, &w->statements[0], o->name, option_text(x, o));
    }
    *ret = text;
    return true;
}

bool execute_alter_connection(context *x, error *err)
{
    state_connection c;
    bool is_found;
    str text;
    worksheet *w;
    const statement *s = x->statement;
    TRY(state_connection_get(home_state(x->home), x->arena, s->name, &c, &is_found, err));
    if (!is_found)
        return execute_fail_absent(x, "connection", s->name, s->name_span, err);
    if (s->type.len && !str_eq(s->type, c.type))
        return worksheet_fail_at(x->worksheet, s->name_span, err,
                                 "connection '" STR_FMT "' is of type " STR_FMT ", not " STR_FMT,
                                 STR_ARG(s->name), STR_ARG(c.type), STR_ARG(s->type));
    TRY(with_options(x, c.name, c.statement, &text, err));
    TRY(parse_one(x->arena, c.name, text, &w, err));
    c.statement = text;
    TRY(connection_alter(x->home, &c, err));
    return execute_say(x, true, "altered connection " STR_FMT, STR_ARG(s->name));
}

static bool add_expectation(context *x, const state_job *j, str *ret, error *err)
{
    worksheet *w;
    const statement *s = x->statement;
    TRY(parse_one(x->arena, j->name, j->source_text, &w, err));
    const statement *made = &w->statements[0];
    bool is_there = false;
    str name = s->expectation_count ? s->expectations[0].name : s->dropped_expectation;
    for (size_t i = 0; i < made->expectation_count; i++)
        is_there |= str_eq_nocase(made->expectations[i].name, name);
    if (s->expectation_count && is_there)
        return worksheet_fail_at(x->worksheet, s->name_span, err,
                                 "job " STR_FMT " has an expectation " STR_FMT " already",
                                 STR_ARG(j->name), STR_ARG(name));
    if (!s->expectation_count && !is_there)
        return worksheet_fail_at(x->worksheet, s->name_span, err,
                                 "job " STR_FMT " has no expectation " STR_FMT, STR_ARG(j->name),
                                 STR_ARG(name));
    *ret = statement_with_expectation(x->arena, j->source_text, made,
                                      s->expectation_count ? &s->expectations[0] : NULL,
                                      s->dropped_expectation);
    return true;
}

bool execute_alter_job(context *x, error *err)
{
    state_job j;
    str text;
    worksheet *w;
    TRY(execute_find_job(x, &j, err));
    TRY(copy_source_check(x->worksheet, x->statement, err));
    if (x->statement->options.count)
        TRY(with_options(x, j.name, j.source_text, &text, err));
    else
        TRY(add_expectation(x, &j, &text, err));
    if (str_eq(text, j.source_text))
        return execute_say(x, false, "job " STR_FMT ": unchanged", STR_ARG(j.name));
    TRY(parse_one(x->arena, j.name, text, &w, err));
    j.source_text = text;
    TRY(execute_check_job(x, &j, w, err));
    value parameters[] = { value_text(text), value_int(j.id) };
    TRY(state_execute(home_state(x->home), "UPDATE floe_jobs SET source_text = ? WHERE id = ?",
                      parameters, 2, err));
    return execute_say(x, true, "altered job " STR_FMT, STR_ARG(j.name));
}

/* ---- Tables: properties ---- */

size_t execute_option_properties(arena *a, option_list options, str text, str *keys, str *values)
{
    size_t count = 0;
    for (size_t i = 0; i < options.count; i++) {
        const option *o = &options.items[i];
        str written = str_slice(text, o->span.from, o->span.to);
        keys[count] = str_eq(o->name, STR("COMMENT"))
                          ? STR("comment")
                          : str_format(a, "floe.option." STR_FMT, STR_ARG(str_lower(a, o->name)));
        values[count] = o->kind == OPTION_TEXT || o->kind == OPTION_WORD
                            ? o->text
                            : str_trim(str_slice(written, (size_t)(str_find_char(written, '=') + 1),
                                                 written.len));
        count++;
        if (str_eq(o->name, STR("COMPRESSION"))) {
            keys[count] = STR("write.parquet.compression-codec");
            values[count++] =
                str_eq_nocase(o->text, STR("NONE")) ? STR("uncompressed") : str_lower(a, o->text);
        }
        if (str_eq(o->name, STR("TABLE_DATA_RETENTION"))) {
            keys[count] = STR("floe.retention.days");
            values[count++] = str_format(a, "%lld", (long long)(o->us / 86400000000ll));
        }
        if (str_eq(o->name, STR("RETENTION_DATE_PARTITION"))) {
            keys[count] = STR("floe.retention.column");
            values[count++] = o->text;
        }
    }
    return count;
}

static bool add_table_columns(context *x, const iceberg_table *t, iceberg_change *change,
                              error *err)
{
    const statement *s = x->statement;
    VEC(iceberg_field) added = { 0 };
    int32_t last_id = iceberg_table_last_column_id(t);
    for (size_t i = 0; i < s->column_count; i++) {
        const iceberg_type *type;
        if (!iceberg_type_of_sql(x->arena, s->columns[i].type, &type))
            return worksheet_fail_at(x->worksheet, s->columns[i].span, err,
                                     "type " STR_FMT " is not known", STR_ARG(s->columns[i].type));
        if (iceberg_schema_find(iceberg_table_schema(t), s->columns[i].name))
            return worksheet_fail_at(x->worksheet, s->columns[i].span, err,
                                     "the table has a column " STR_FMT " already",
                                     STR_ARG(s->columns[i].name));
        vec_push(x->arena, &added, (iceberg_field){ .name = s->columns[i].name, .type = type });
    }
    change->schema_base = t;
    change->schema =
        iceberg_schema_with(x->arena, iceberg_table_schema(t), added.items, added.count, &last_id);
    return true;
}

/* Rows are retired by whole partitions of a day. */
static bool check_retention(context *x, const iceberg_table *t, error *err)
{
    const option *days = option_find(x->statement->options, "TABLE_DATA_RETENTION");
    const iceberg_spec *spec = iceberg_table_spec(t);
    bool is_by_day = days == NULL;
    for (size_t i = 0; !is_by_day && i < spec->field_count; i++)
        is_by_day = execute_is_date(
            iceberg_schema_find_id(iceberg_table_schema(t), spec->fields[i].source_id));
    return is_by_day || worksheet_fail_at(x->worksheet, days->span, err,
                                          "TABLE_DATA_RETENTION needs a table that is PARTITIONED "
                                          "BY a date: rows are retired by whole partitions");
}

bool execute_alter_table(context *x, error *err)
{
    enum { MOST_ATTEMPTS = 20 };
    const statement *s = x->statement;
    catalog *c;
    iceberg_table *t, *after;
    str keys[64], values[64];
    TRY(execute_find_catalog(x, &s->table, &c, err));
    TRY(execute_find_table(x, &s->table, &t, err));
    TRY(check_retention(x, t, err));
    iceberg_change change = { .operation = STR(""),
                              .only_after_snapshot_id = ICEBERG_ANY_SNAPSHOT };
    if (s->options.count > 30)
        return fail(err, ERR_LIMIT, "more than 30 options at once");
    change.property_count =
        execute_option_properties(x->arena, s->options, x->worksheet->text, keys, values);
    change.property_keys = keys;
    change.property_values = values;
    for (int number = 0;; number++) {
        if (s->column_count)
            TRY(add_table_columns(x, t, &change, err));
        if (catalog_commit(c, x->arena, s->table.namespace, s->table.name, &change, &after, err))
            break;
        if (err->code != ERR_CONFLICT || number >= MOST_ATTEMPTS)
            return false;
        error_clear(err); /* others gave it columns meanwhile */
        TRY(execute_find_table(x, &s->table, &t, err));
    }
    return execute_say(x, true, "altered table " STR_FMT, STR_ARG(execute_full_name(x, &s->table)));
}

/* ---- SHOW CREATE ---- */

/* Secrets are not shown. */
static str masked(arena *a, str text)
{
    static const char *const secrets[] = { "AWS_SECRET_ACCESS_KEY", "SESSION_TOKEN", "PASSWORD",
                                           "ENCRYPTION_CUSTOMER_MANAGED_KEY" };
    worksheet *w;
    error ignored = { 0 };
    if (!worksheet_parse(a, STR("connection"), text, &w, &ignored) || w->count != 1)
        return text;
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        if (!option_find(w->statements[0].options, secrets[i]))
            continue;
        text = statement_with_option(a, text, &w->statements[0], str_of(secrets[i]), STR("'***'"));
        if (!worksheet_parse(a, STR("connection"), text, &w, &ignored))
            return STR("");
    }
    return text;
}

static const char *transform_name(iceberg_transform_kind kind)
{
    switch (kind) {
    case TRANSFORM_YEAR: return "year";
    case TRANSFORM_MONTH: return "month";
    case TRANSFORM_DAY: return "day";
    case TRANSFORM_HOUR: return "hour";
    case TRANSFORM_BUCKET: return "bucket";
    case TRANSFORM_TRUNCATE: return "truncate";
    default: return NULL;
    }
}

static void add_partitions(strbuf *b, const iceberg_table *t)
{
    const iceberg_spec *spec = iceberg_table_spec(t);
    for (size_t i = 0; i < spec->field_count; i++) {
        const iceberg_partition_field *f = &spec->fields[i];
        const iceberg_field *source = iceberg_schema_find_id(iceberg_table_schema(t), f->source_id);
        const char *transform = transform_name(f->transform);
        strbuf_add_c(b, i ? ", " : "\nPARTITIONED BY ");
        if (transform && f->argument)
            strbuf_format(b, "%s(%d, ", transform, f->argument);
        else if (transform)
            strbuf_format(b, "%s(", transform);
        strbuf_add_sql_name(b, source ? source->name : f->name);
        if (transform)
            strbuf_add_char(b, ')');
    }
}

static bool table_text(context *x, str *ret, error *err)
{
    iceberg_table *t;
    TRY(execute_find_table(x, &x->statement->table, &t, err));
    const iceberg_schema *s = iceberg_table_schema(t);
    strbuf b = strbuf_new(x->arena);
    bool is_inferred =
        str_eq(iceberg_table_property(t, STR("floe.columns"), STR("")), STR("inferred"));
    strbuf_format(&b, "CREATE ICEBERG TABLE " STR_FMT "%s",
                  STR_ARG(execute_full_name(x, &x->statement->table)),
                  is_inferred ? "()  -- columns are found in what is loaded; now:\n/*" : "\n(");
    for (size_t i = 0; i < s->field_count; i++) {
        strbuf_add_c(&b, i ? ",\n  " : "\n  ");
        strbuf_add_sql_name(&b, s->fields[i].name);
        strbuf_format(&b, " " STR_FMT, STR_ARG(iceberg_type_text(x->arena, s->fields[i].type)));
    }
    strbuf_add_c(&b, is_inferred ? "\n*/" : "\n)");
    add_partitions(&b, t);
    for (size_t i = 0; i < s->identifier_count; i++) {
        strbuf_add_c(&b, i ? ", " : "\nPRIMARY KEY ");
        strbuf_add_sql_name(&b, iceberg_schema_find_id(s, s->identifier_ids[i])->name);
    }
    static const char *const numbers[] = { "COMPRESSION", "COMPACTION_PROCESSES",
                                           "DISABLE_COMPACTION", "TABLE_DATA_RETENTION",
                                           "RETENTION_DATE_PARTITION" };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        str key = str_format(x->arena, "floe.option." STR_FMT,
                             STR_ARG(str_lower(x->arena, str_of(numbers[i]))));
        str v = iceberg_table_property(t, key, STR(""));
        if (v.len)
            strbuf_format(&b, "\n%s = " STR_FMT, numbers[i], STR_ARG(v));
    }
    str comment = iceberg_table_property(t, STR("comment"), STR(""));
    if (comment.len) {
        strbuf_add_c(&b, "\nCOMMENT = ");
        strbuf_add_sql_text(&b, comment);
    }
    *ret = strbuf_str(&b);
    return true;
}

bool execute_show_create(context *x, error *err)
{
    const statement *s = x->statement;
    state_connection c;
    state_job j;
    bool is_found = true;
    str text = { 0 };
    if (str_eq(s->type, STR("TABLE"))) {
        TRY(table_text(x, &text, err));
    } else if (str_eq(s->type, STR("JOB"))) {
        TRY(execute_find_job(x, &j, err));
        text = j.source_text;
    } else if (str_eq(s->type, STR("CONNECTION"))) {
        TRY(state_connection_get(home_state(x->home), x->arena, s->name, &c, &is_found, err));
        if (!is_found)
            return execute_fail_absent(x, "connection", s->name, s->name_span, err);
        text = masked(x->arena, c.statement);
    } else {
        str name = execute_full_name(x, &s->table);
        TRY(execute_view_text(x->home, x->arena, name, &text, &is_found, err));
        if (!is_found)
            return execute_fail_absent(x, "materialized view", name, s->table.span, err);
    }
    strbuf b = strbuf_new(x->arena);
    strbuf_add_c(&b, "SELECT ");
    strbuf_add_sql_text(&b, text);
    strbuf_add_c(&b, " AS \"statement\"");
    return execute_answer(x, strbuf_str(&b));
}
