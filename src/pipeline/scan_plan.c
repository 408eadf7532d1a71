/* Planning the tables of a query: DuckDB's parser says where they stand, its optimizer which
 * conditions reach them (each is replaced by a stand-in for that), Iceberg's metadata which files
 * are left. */
#include "pipeline/scan_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "column/stand_in.h"
#include "pipeline/execute_internal.h"
#include "worksheet/internal.h"

enum { NODE_DEPTH = 1000 };

/* ---- Where tables stand ---- */

typedef struct finder {
    scan_plan *plan;
    VEC(table_ref) refs;
    VEC(str) names; /* of common table expressions */
    strbuf others;
    catalog_entry *entries;
    size_t entry_count;
    bool is_lost; /* the text and DuckDB's reading of it do not agree */
} finder;

static size_t token_at(const scan_plan *p, int64_t offset)
{
    for (size_t i = 0; i + 1 < p->token_count; i++)
        if ((int64_t)p->tokens[i].span.from == offset)
            return i;
    return p->token_count - 1;
}

/* AT (unit => expression) that begins at token `i`. */
static bool read_at(const scan_plan *p, size_t i, table_ref *r)
{
    const token *t = p->tokens;
    int depth = 0;
    size_t end = i + 1;
    if (i + 5 >= p->token_count || !token_is_word(&t[i], "AT") || !token_is_symbol(&t[i + 1], "("))
        return false;
    for (; end + 1 < p->token_count; end++) {
        depth += token_is_symbol(&t[end], "(");
        depth -= token_is_symbol(&t[end], ")");
        if (depth == 0)
            break;
    }
    size_t first = token_is_symbol(&t[i + 3], "=>") ? i + 4 : i + 5;
    if (depth != 0 || first >= end)
        return false;
    r->is_at_time = token_is_word(&t[i + 2], "TIMESTAMP");
    r->at = (span){ t[i].span.from, t[end].span.to };
    r->at_expression = (span){ t[first].span.from, t[end - 1].span.to };
    return true;
}

/* Where the name and its AT clause stand in the text. */
static bool find_spans(const scan_plan *p, const json_t *node, table_ref *r)
{
    size_t i = token_at(p, json_int_or(node, "query_location", -1)), end = i;
    const token *t = p->tokens;
    if (!select_is_name(&t[i]))
        return false;
    while (end + 2 < p->token_count && token_is_symbol(&t[end + 1], ".") &&
           select_is_name(&t[end + 2]))
        end += 2;
    r->name = (span){ t[i].span.from, t[end].span.to };
    if (!str_eq_nocase(select_name_of(p->arena, &t[end]),
                       json_text_or(node, "table_name", STR(""))))
        return false;
    r->has_alias = json_text_or(node, "alias", STR("")).len > 0;
    if (!json_is_object(json_object_get(node, "at_clause")))
        return true;
    for (size_t k = end + 1; k <= end + 3 && k < p->token_count; k++)
        if (read_at(p, k, r))
            return true;
    return false;
}

static bool is_expression_name(const finder *f, str name)
{
    for (size_t i = 0; i < f->names.count; i++)
        if (str_eq_nocase(f->names.items[i], name))
            return true;
    return false;
}

/* Something in DuckDB's own main schema is found before tables of the catalog. */
static bool is_own_relation(const finder *f, str name)
{
    strbuf q = strbuf_new(f->plan->arena);
    int64_t count;
    error ignored = { 0 };
    strbuf_add_c(&q, "SELECT (SELECT count(*) FROM duckdb_tables() WHERE database_name IN "
                     "('memory', 'temp') AND lower(table_name) = lower(");
    strbuf_add_sql_text(&q, name);
    strbuf_add_c(&q, ")) + (SELECT count(*) FROM duckdb_views() WHERE database_name IN ('memory', "
                     "'temp') AND lower(view_name) = lower(");
    strbuf_add_sql_text(&q, name);
    strbuf_add_c(&q, "))");
    return !sql_query_int(f->plan->connection, strbuf_str(&q), &count, &ignored) || count > 0;
}

/* Which table of which catalog is meant; false: none of ours, or more than one. */
static bool resolve(finder *f, const json_t *node, table_ref *r)
{
    str catalog = json_text_or(node, "catalog_name", STR("")),
        namespace = json_text_or(node, "schema_name", STR("")),
        name = json_text_or(node, "table_name", STR(""));
    arena *a = f->plan->arena;
    error ignored = { 0 };
    size_t found = 0;
    if (!catalog.len && !namespace.len && is_expression_name(f, name))
        return false;
    if (catalog.len && !str_eq_nocase(catalog, STR(HOME_CATALOG))) {
        r->catalog_name = str_copy(a, catalog);
        r->entry = (catalog_entry){ str_copy(a, namespace), str_copy(a, name) };
        return home_catalog(f->plan->home, catalog, &r->catalog, &ignored);
    }
    r->catalog_name = STR(HOME_CATALOG);
    r->catalog = home_embedded_catalog(f->plan->home);
    for (size_t i = 0; i < f->entry_count; i++)
        if (str_eq_nocase(f->entries[i].name, name) &&
            (!namespace.len || str_eq_nocase(f->entries[i].namespace, namespace))) {
            r->entry = f->entries[i];
            found++;
        }
    return found == 1 && (namespace.len || !is_own_relation(f, name));
}

static void note_table(finder *f, const json_t *node)
{
    static const char *const parts[] = { "catalog_name", "schema_name", "table_name" };
    table_ref r = { 0 };
    bool is_at = json_is_object(json_object_get(node, "at_clause"));
    if (!find_spans(f->plan, node, &r)) {
        f->is_lost = true;
        return;
    }
    if (resolve(f, node, &r)) {
        f->plan->has_as_of |= is_at;
        for (size_t i = 0; i < f->refs.count; i++)
            if (f->refs.items[i].name.from == r.name.from)
                return;
        vec_push(f->plan->arena, &f->refs, r);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        str part = json_text_or(node, parts[i], STR(""));
        if (!part.len)
            continue;
        strbuf_add_sql_name(&f->others, part);
        strbuf_add_char(&f->others, i + 1 < ARRAY_LEN(parts) ? '.' : ' ');
    }
}

/* Names of common table expressions first, wherever they are: none of them is a table. */
static void find_names(finder *f, const json_t *node, int depth)
{
    size_t i;
    const char *key;
    json_t *child;
    if (depth > NODE_DEPTH) {
        f->is_lost = true;
        return;
    }
    json_array_foreach(node, i, child) find_names(f, child, depth + 1);
    if (!json_is_object(node))
        return;
    str name = json_text_or(node, "cte_name", STR(""));
    if (name.len)
        vec_push(f->plan->arena, &f->names, name);
    json_array_foreach(json_object_get(json_object_get(node, "cte_map"), "map"), i, child)
        vec_push(f->plan->arena, &f->names, json_text_or(child, "key", STR("")));
    json_object_foreach((json_t *)node, key, child) find_names(f, child, depth + 1);
}

static void find_tables(finder *f, const json_t *node)
{
    size_t i;
    const char *key;
    json_t *child;
    json_array_foreach(node, i, child) find_tables(f, child);
    if (!json_is_object(node))
        return;
    str type = json_text_or(node, "type", STR(""));
    if (str_eq(type, STR("BASE_TABLE")) && json_object_get(node, "table_name"))
        note_table(f, node);
    /* functions may name tables in texts */
    f->plan->shows_all |= str_eq(type, STR("TABLE_FUNCTION")) || str_eq(type, STR("SHOW_REF"));
    json_object_foreach((json_t *)node, key, child) find_tables(f, child);
}

static int by_place(const void *x, const void *y)
{
    const table_ref *p = x, *q = y;
    return p->name.from < q->name.from ? -1 : p->name.from > q->name.from;
}

/* DuckDB's syntax tree; NULL: not a SELECT, or not one. Offsets that are not known are 2^64-1,
 * which no reader of JSON takes. */
static json_t *syntax_tree(scan_plan *p)
{
    static const char unknown[] = "18446744073709551615";
    batch *rows;
    error ignored = { 0 };
    json_t *tree = NULL;
    strbuf q = strbuf_new(p->arena);
    strbuf_add_c(&q, "SELECT replace(json_serialize_sql(");
    strbuf_add_sql_text(&q, p->sql);
    strbuf_format(&q, ")::VARCHAR, '%s', '-1')", unknown);
    if (!sql_query_all(p->connection, p->arena, strbuf_str(&q), &rows, &ignored) ||
        !json_parse(column_text(&rows->columns[0], p->arena, 0), STR("query"), &tree, &ignored))
        return NULL;
    if (json_is_false(json_object_get(tree, "error")) &&
        json_array_size(json_object_get(tree, "statements")) == 1)
        return tree;
    json_release(tree);
    return NULL;
}

void scan_plan_find(home *h, sql_connection *c, arena *a, str sql, scan_plan *ret)
{
    error ignored = { 0 };
    token *tokens;
    *ret = (scan_plan){ .home = h, .connection = c, .arena = a, .sql = sql, .shows_all = true };
    finder f = { .plan = ret, .others = strbuf_new(a) };
    AUTO(json_release) json_t *tree = syntax_tree(ret);
    if (!tree || !lexer_run(a, STR("query"), sql, &tokens, &ret->token_count, &ignored) ||
        !catalog_list(home_embedded_catalog(h), a, &f.entries, &f.entry_count, &ignored))
        return;
    ret->tokens = tokens;
    ret->shows_all = false;
    find_names(&f, tree, 0);
    if (!f.is_lost)
        find_tables(&f, tree);
    if (f.is_lost) {
        ret->shows_all = true;
        return;
    }
    if (f.refs.count)
        qsort(f.refs.items, f.refs.count, sizeof *f.refs.items, by_place);
    ret->refs = f.refs.items;
    ret->ref_count = f.refs.count;
    ret->others = strbuf_str(&f.others);
}

/* ---- Planning ---- */

static str text_of(const scan_plan *p, span s)
{
    return str_slice(p->sql, s.from, s.to);
}

/* The text with each table replaced by its target. */
static str with_targets(const scan_plan *p)
{
    strbuf b = strbuf_new(p->arena);
    size_t done = 0;
    for (size_t i = 0; i < p->ref_count; i++) {
        const table_ref *r = &p->refs[i];
        strbuf_add(&b, str_slice(p->sql, done, r->name.from));
        strbuf_add(&b, r->target);
        done = r->name.to;
        if (!r->has_alias) {
            strbuf_add_c(&b, " AS ");
            strbuf_add_sql_name(&b, r->entry.name);
        }
        if (r->at.to) {
            strbuf_add(&b, str_slice(p->sql, done, r->at.from));
            done = r->at.to;
        }
    }
    strbuf_add(&b, str_slice(p->sql, done, p->sql.len));
    return strbuf_str(&b);
}

/* The snapshot that AT names. Its expression may be anything that is constant. */
static bool find_snapshot(scan_plan *p, table_ref *r, error *err)
{
    batch *rows;
    str text = text_of(p, r->at_expression);
    if (!r->at.to)
        return true;
    str q = str_format(p->arena, "SELECT CAST(CAST((" STR_FMT ") AS %s) AS VARCHAR)", STR_ARG(text),
                       r->is_at_time ? "TIMESTAMP" : "VARCHAR");
    if (!sql_query_all(p->connection, p->arena, q, &rows, err))
        return fail_while(err, "AS OF " STR_FMT, STR_ARG(text));
    str as_of = str_trim(column_text(&rows->columns[0], p->arena, 0));
    return r->is_at_time ? iceberg_table_as_of_time(r->table, as_of, &r->snapshot, err)
                         : iceberg_table_as_of(r->table, p->arena, as_of, &r->snapshot, err);
}

static str view_name(arena *a, size_t i)
{
    return str_format(a, "\"_floe_scan_%zu\"", i);
}

static bool make_view(scan_plan *p, size_t i, str relation, error *err)
{
    p->refs[i].target = view_name(p->arena, i);
    return sql_run(p->connection,
                   str_format(p->arena,
                              "CREATE OR REPLACE TEMP VIEW " STR_FMT " AS SELECT * FROM " STR_FMT,
                              STR_ARG(p->refs[i].target), STR_ARG(relation)),
                   err);
}

static const iceberg_schema *schema_of(const table_ref *r)
{
    return r->snapshot ? iceberg_table_schema_of(r->table, r->snapshot)
                       : iceberg_table_schema(r->table);
}

static bool make_stand_in(scan_plan *p, size_t i, error *err)
{
    const iceberg_schema *s = schema_of(&p->refs[i]);
    str *names = arena_array_of(p->arena, str, s->field_count),
        *types = arena_array_of(p->arena, str, s->field_count);
    for (size_t k = 0; k < s->field_count; k++) {
        names[k] = s->fields[k].name;
        types[k] = iceberg_type_sql(p->arena, s->fields[k].type);
    }
    return make_view(p, i, stand_in_sql(p->arena, i, names, types, s->field_count), err);
}

static bool can_stand_in(const scan_plan *p, size_t i)
{
    return i < STAND_INS && schema_of(&p->refs[i])->field_count > 0;
}

/* The view of the files that are left. A table that is local and read as it is, whole, has a view
 * that serves every query. */
static bool make_scan(scan_plan *p, size_t i, const json_t *plan, error *err)
{
    table_ref *r = &p->refs[i];
    iceberg_predicate *where = NULL;
    str rows;
    if (plan && can_stand_in(p, i))
        plan_conditions(p->arena, plan, i, schema_of(r), &where, &r->condition_count);
    if (plan && r->condition_count == 0 && !r->snapshot &&
        store_is_local(iceberg_table_metadata_uri(r->table)))
        return execute_show_table(p->home, p->connection, p->arena, r->catalog, r->catalog_name,
                                  &r->entry, &r->target, err);
    TRY(iceberg_table_scan_as_of(r->table, p->arena, r->snapshot, where, r->condition_count,
                                 &r->scan, err));
    r->is_pruned = true;
    TRY(iceberg_scan_sql(r->table, p->arena, &r->scan, NULL, 0, false, &rows, err));
    return make_view(p, i, rows, err);
}

/* What DuckDB makes of the query over stand-ins. */
static bool explain(scan_plan *p, json_t **ret, error *err)
{
    batch *rows;
    TRY(sql_query_all(
        p->connection, p->arena,
        str_format(p->arena, "EXPLAIN (FORMAT json) " STR_FMT, STR_ARG(with_targets(p))), &rows,
        err));
    return json_parse(column_text(&rows->columns[1], p->arena, 0), STR("plan"), ret, err);
}

bool scan_plan_make(scan_plan *p, str *ret_sql, error *err)
{
    AUTO(json_release) json_t *plan = NULL;
    for (size_t i = 0; i < p->ref_count; i++) {
        table_ref *r = &p->refs[i];
        TRY(catalog_load(r->catalog, p->arena, r->entry.namespace, r->entry.name, &r->table, err));
        TRY(find_snapshot(p, r, err));
        TRY(can_stand_in(p, i) ? make_stand_in(p, i, err) : make_scan(p, i, NULL, err));
    }
    TRY(explain(p, &plan, err));
    for (size_t i = 0; i < p->ref_count; i++)
        if (can_stand_in(p, i))
            TRY(make_scan(p, i, plan, err));
    *ret_sql = with_targets(p);
    return true;
}

str scan_plan_text(const scan_plan *p, size_t i)
{
    const table_ref *r = &p->refs[i];
    const iceberg_scan *s = &r->scan;
    size_t all = s->file_count + s->files_skipped + (size_t)s->files_in_skipped_manifests;
    strbuf b = strbuf_new(p->arena);
    if (!r->is_pruned)
        return STR("reads all files: no condition reaches it");
    strbuf_format(&b, "reads %zu of %zu files (%zu conditions)", s->file_count, all,
                  r->condition_count);
    if (s->manifests_skipped)
        strbuf_format(&b, ", %zu of %zu manifests", s->manifest_count - s->manifests_skipped,
                      s->manifest_count);
    if (r->snapshot)
        strbuf_format(&b, ", snapshot %lld", (long long)r->snapshot->id);
    return strbuf_str(&b);
}
