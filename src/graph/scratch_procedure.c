/* Procedures of a scratch graph that queries define: tables, called by their first columns. */
#include "graph/scratch.h"

enum { MOST_PROCEDURES = 10000, MOST_FIELDS = 64 };

static const struct {
    const char *name;
    uint64_t kinds; /* of values, as bits */
} types[] = {
    { "ANY", UINT64_MAX },
    { "BOOLEAN", 1ull << VALUE_BOOL },
    { "INTEGER", 1ull << VALUE_INT },
    { "FLOAT", 1ull << VALUE_DOUBLE | 1ull << VALUE_INT },
    { "NUMBER", 1ull << VALUE_DOUBLE | 1ull << VALUE_INT },
    { "STRING", 1ull << VALUE_STRING },
    { "LIST", 1ull << VALUE_LIST },
    { "MAP", 1ull << VALUE_MAP },
    { "DATE", 1ull << VALUE_DATE },
    { "DATETIME", 1ull << VALUE_DATETIME },
    { "DURATION", 1ull << VALUE_DURATION },
};

/* ---- Signatures: name(argument :: TYPE?, …) :: (column :: TYPE?, …) ---- */

static bool fail_signature(str all, str rest, const char *expected, error *err)
{
    return fail(err, ERR_INVALID,
                "the signature '" STR_FMT "': expected %s at character %zu; one reads like "
                "f(a :: INTEGER, b :: STRING?) :: (c :: FLOAT)",
                STR_ARG(all), expected, all.len - rest.len + 1);
}

static bool take(str *rest, const char *symbol)
{
    *rest = str_trim(*rest);
    if (!str_starts_with(*rest, str_of(symbol)))
        return false;
    *rest = str_slice(*rest, strlen(symbol), rest->len);
    return true;
}

static str take_name(str *rest, bool has_dots)
{
    size_t n = 0;
    *rest = str_trim(*rest);
    while (n < rest->len) {
        unsigned char c = (unsigned char)rest->data[n];
        bool is_letter = c == '_' || c >= 0x80 || (c >= '0' && c <= '9') ||
                         ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!is_letter && !(has_dots && c == '.'))
            break;
        n++;
    }
    str name = str_slice(*rest, 0, n);
    *rest = str_slice(*rest, n, rest->len);
    return name;
}

static const char *find_type(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq_nocase(name, str_of(types[i].name)))
            return types[i].name;
    return NULL;
}

static bool read_fields(arena *a, str all, str *rest, graph_procedure *p, size_t *ret, error *err)
{
    size_t before = p->argument_count + p->column_count;
    *ret = 0;
    if (!take(rest, "("))
        return fail_signature(all, *rest, "'('", err);
    while (!take(rest, ")")) {
        if (*ret && !take(rest, ","))
            return fail_signature(all, *rest, "',' or ')'", err);
        str name = take_name(rest, false);
        if (!name.len)
            return fail_signature(all, *rest, "a name", err);
        if (!take(rest, "::"))
            return fail_signature(all, *rest, "'::'", err);
        str before_type = *rest;
        const char *type = find_type(take_name(rest, false));
        if (!type)
            return fail_signature(all, str_trim(before_type),
                                  "a type (ANY, BOOLEAN, INTEGER, FLOAT, NUMBER, STRING, LIST, "
                                  "MAP, DATE, DATETIME, DURATION)",
                                  err);
        take(rest, "?");
        if (before + *ret == MOST_FIELDS)
            return fail(err, ERR_LIMIT, "a procedure has at most %d arguments and columns",
                        MOST_FIELDS);
        p->fields[before + (*ret)++] = (graph_procedure_field){ str_copy(a, name), type };
    }
    return true;
}

static bool read_signature(arena *a, str text, graph_procedure *p, error *err)
{
    str rest = text;
    p->fields = arena_array_of(a, graph_procedure_field, MOST_FIELDS);
    p->name = str_copy(a, take_name(&rest, true));
    p->signature = str_copy(a, text);
    if (!p->name.len)
        return fail_signature(text, rest, "a name", err);
    TRY(read_fields(a, text, &rest, p, &p->argument_count, err));
    if (!take(&rest, "::"))
        return fail_signature(text, rest, "'::'", err);
    TRY(read_fields(a, text, &rest, p, &p->column_count, err));
    return str_trim(rest).len ? fail_signature(text, rest, "the end", err) : true;
}

/* ---- Rows ---- */

static bool fits(const char *type, const value *v)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].name == type)
            return v->kind == VALUE_NULL || (types[i].kinds >> v->kind & 1);
    return false;
}

static bool holds_elements(const value *v)
{
    bool is_list = v->kind == VALUE_LIST || v->kind == VALUE_SET;
    for (size_t i = 0; is_list && i < v->list.count; i++)
        if (holds_elements(&v->list.items[i]))
            return true;
    for (size_t i = 0; v->kind == VALUE_MAP && i < v->map.count; i++)
        if (holds_elements(&v->map.values[i]))
            return true;
    return v->kind == VALUE_VERTEX || v->kind == VALUE_EDGE || v->kind == VALUE_PATH;
}

static bool read_rows(arena *a, const value *rows, graph_procedure *p, error *err)
{
    size_t width = p->argument_count + p->column_count;
    if (rows->kind != VALUE_LIST)
        return fail(err, ERR_INVALID, "rows is a list of lists");
    for (size_t i = 0; i < rows->list.count; i++) {
        const value *row = &rows->list.items[i];
        if (row->kind != VALUE_LIST || row->list.count != width)
            return fail(err, ERR_INVALID, "row %zu is no list of %zu cells", i + 1, width);
        for (size_t k = 0; k < width; k++)
            if (!fits(p->fields[k].type, &row->list.items[k]) ||
                holds_elements(&row->list.items[k]))
                return fail(err, ERR_INVALID, "row %zu: the cell of " STR_FMT " is no %s", i + 1,
                            STR_ARG(p->fields[k].name), p->fields[k].type);
    }
    p->rows = value_copy(a, rows);
    return true;
}

bool graph_define_procedure(graph *g, str signature, const value *rows, error *err)
{
    struct scratch *s = g->scratch;
    if (!s)
        return fail(err, ERR_INVALID,
                    "this graph is read-only: procedures are defined on graphs "
                    "in memory");
    AUTO(arena_free) arena *a = arena_new();
    graph_procedure p = { 0 };
    TRY(read_signature(a, signature, &p, err));
    TRY(read_rows(a, rows, &p, err));
    scratch_lock(s);
    bool has_room = s->procedures.count < MOST_PROCEDURES &&
                    arena_used_bytes(s->names) + arena_used_bytes(a) < s->limit_bytes;
    if (has_room) {
        graph_procedure *kept = arena_copy(s->names, &p, sizeof p);
        kept->name = str_copy(s->names, p.name);
        kept->signature = str_copy(s->names, p.signature);
        kept->rows = value_copy(s->names, &p.rows);
        kept->fields =
            arena_copy(s->names, p.fields, (p.argument_count + p.column_count) * sizeof *p.fields);
        for (size_t i = 0; i < p.argument_count + p.column_count; i++)
            kept->fields[i].name = str_copy(s->names, p.fields[i].name);
        map_set(&s->procedures, kept->name, kept);
    }
    scratch_unlock(s);
    return has_room ? true : fail(err, ERR_LIMIT, "the graph has no room for more procedures");
}

void graph_drop_procedure(graph *g, str name)
{
    if (!g->scratch)
        return;
    scratch_lock(g->scratch);
    if (map_has(&g->scratch->procedures, name))
        map_set(&g->scratch->procedures, str_copy(g->scratch->names, name), NULL);
    scratch_unlock(g->scratch);
}

const graph_procedure *graph_find_procedure(const graph *g, str name)
{
    if (!g->scratch)
        return NULL;
    scratch_lock(g->scratch);
    const graph_procedure *p = map_get(&g->scratch->procedures, name);
    scratch_unlock(g->scratch);
    return p;
}
