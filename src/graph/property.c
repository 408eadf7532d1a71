/* Property columns: fetched by row number through a sink, brought into the order of ids or edges,
 * kept and cached. */
#include <stdatomic.h>
#include <stdlib.h>

#include "graph/internal.h"

/* A column of the whole table, by row number. */
typedef struct fetch {
    const source *source;
    column_type type;
    size_t width;
    char *data;
    uint64_t *valid;
} fetch;

static bool take_values(void *context, const batch *in, error *err)
{
    fetch *f = context;
    const int64_t *files = in->columns[1].data, *positions = in->columns[2].data;
    const column *values = &in->columns[0];
    for (size_t i = 0; i < in->rows; i++) {
        uint64_t row = f->source->bases[files[i]] + (uint64_t)positions[i];
        if (row >= f->source->row_limit)
            return fail(err, ERR_CORRUPT, "table " STR_FMT " has more rows than its metadata says",
                        STR_ARG(iceberg_table_name(f->source->table)));
        if (column_is_null(values, i))
            continue;
        atomic_fetch_or_explicit((_Atomic uint64_t *)&f->valid[row / 64], 1ull << (row % 64),
                                 memory_order_relaxed);
        if (f->type == COLUMN_STRING) {
            uint32_t code = (uint32_t)((const int64_t *)values->data)[i];
            memcpy(f->data + row * 4, &code, 4);
        } else {
            memcpy(f->data + row * f->width, (const char *)values->data + i * f->width, f->width);
        }
    }
    return true;
}

static bool fetch_column(graph *g, str column, interner *texts, fetch *f, error *err)
{
    static _Atomic int number;
    AUTO(arena_free) arena *a = arena_new();
    sql_connection *c;
    str rows;
    int64_t count;
    int n = atomic_fetch_add(&number, 1);
    column_type types[] = { f->type == COLUMN_STRING ? COLUMN_INT64 : f->type, COLUMN_INT64,
                            COLUMN_INT64 };
    const char *sink = str_format(a, "floe_values_%d%c", n, 0).data,
               *code = str_format(a, "floe_text_%d%c", n, 0).data;
    strbuf x = strbuf_new(a);
    TRY(graph_connection(g, &c, err)); /* starts the engine */
    strbuf_add_sql_name(&x, column);
    str expression = strbuf_str(&x);
    if (f->type == COLUMN_STRING) {
        bool is_text =
            iceberg_schema_find(iceberg_table_schema(f->source->table), column)->type->kind ==
            ICEBERG_STRING;
        expression = str_format(a, "%s(" STR_FMT "%s)", code, STR_ARG(expression),
                                is_text ? "" : "::VARCHAR");
        TRY(sql_register_encode(g->options.engine, code, interner_code, texts, err));
    } else if (f->type == COLUMN_TIMESTAMP) {
        expression = str_format(a, STR_FMT "::TIMESTAMP", STR_ARG(expression));
    }
    TRY(sql_register_sink(g->options.engine, sink, types, 3, take_values, f, err));
    TRY(source_sql(f->source, a, str_format(a, STR_FMT " AS x", STR_ARG(expression)), &rows, err));
    return sql_query_int(c,
                         str_format(a, "SELECT sum(%s(x, \"_file_index\", \"_pos\")) FROM " STR_FMT,
                                    sink, STR_ARG(rows)),
                         &count, err);
}

/* From row order to the order of `rows`. */
static void permute(graph *g, const fetch *f, const uint32_t *rows, uint64_t count,
                    graph_column *ret)
{
    size_t width = f->type == COLUMN_STRING ? 4 : f->width;
    char *data = arena_alloc(g->arena, count * width);
    uint64_t *valid = arena_alloc(g->arena, (count + 63) / 64 * 8), nulls = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t row = rows[i];
        bool is_valid = f->valid[row / 64] >> (row % 64) & 1;
        nulls += !is_valid;
        valid[i / 64] |= (uint64_t)is_valid << (i % 64);
        switch (width) {
        case 4:
            ((uint32_t *)(void *)data)[i] = ((const uint32_t *)(const void *)f->data)[row];
            break;
        case 8:
            ((uint64_t *)(void *)data)[i] = ((const uint64_t *)(const void *)f->data)[row];
            break;
        default: memcpy(data + i * width, f->data + row * width, width);
        }
    }
    *ret = (graph_column){
        .type = f->type, .count = count, .data = data, .valid = nulls ? valid : NULL
    };
}

/* ---- On disk: [counts, data, validity, text offsets, text heap] ---- */

enum { SECTIONS = 5 };

static void write_column(graph *g, str name, const graph_column *c, size_t width)
{
    AUTO(arena_free) arena *a = arena_new();
    uint64_t counts[] = { c->type, c->count, c->dictionary_count, c->valid != NULL };
    uint64_t *offsets = arena_array_of(a, uint64_t, c->dictionary_count + 1);
    strbuf heap = strbuf_new(a);
    for (uint32_t i = 0; i < c->dictionary_count; i++) {
        strbuf_add(&heap, c->dictionary[i]);
        offsets[i + 1] = heap.len;
    }
    cache_section s[SECTIONS] = { { counts, sizeof counts },
                                  { c->data, c->count * width },
                                  { c->valid, c->valid ? (c->count + 63) / 64 * 8 : 0 },
                                  { offsets, (c->dictionary_count + 1ull) * 8 },
                                  { heap.data, heap.len } };
    cache_file_write(g->options.cache_folder, name, s, SECTIONS);
}

static bool map_column(graph *g, str name, column_type type, uint64_t count, size_t width,
                       cached_column *ret)
{
    cache_section s[SECTIONS];
    if (!cache_file_open(g->options.cache_folder, name, s, SECTIONS, &ret->map) || s[0].bytes != 32)
        return false;
    const uint64_t *n = s[0].data, *offsets = s[3].data;
    if (n[0] != type || n[1] != count || s[1].bytes != count * width ||
        s[3].bytes != (n[2] + 1) * 8 || (n[3] && s[2].bytes != (count + 63) / 64 * 8))
        return false;
    str *dictionary = arena_array_of(g->arena, str, n[2]);
    for (uint64_t i = 0; i < n[2]; i++) {
        if (offsets[i] > offsets[i + 1] || offsets[i + 1] > s[4].bytes)
            return false;
        dictionary[i] = (str){ (const char *)s[4].data + offsets[i], offsets[i + 1] - offsets[i] };
    }
    ret->column = (graph_column){ type,       count,         s[1].data, n[3] ? s[2].data : NULL,
                                  dictionary, (uint32_t)n[2] };
    return true;
}

bool property_load(graph *g, const source *s, str column, column_type type, const uint32_t *rows,
                   uint64_t count, str cache_name, cached_column *ret, error *err)
{
    size_t width = type == COLUMN_STRING ? 4 : column_type_bytes(type);
    if (ret->is_loaded)
        return true;
    if (!map_column(g, cache_name, type, count, width, ret)) {
        fetch f = { .source = s, .type = type, .width = width };
        TRY(budget_take(&g->budget, (s->row_limit + count) * (width + 1), err));
        f.data = memory_alloc(s->row_limit * width);
        f.valid = memory_alloc((s->row_limit + 63) / 64 * 8);
        interner *texts = interner_new();
        bool works = fetch_column(g, column, texts, &f, err);
        if (works) {
            permute(g, &f, rows, count, &ret->column);
            ret->column.dictionary_count = interner_count(texts);
            ret->column.dictionary = interner_texts(texts, g->arena);
            write_column(g, cache_name, &ret->column, width);
        }
        budget_give(&g->budget, s->row_limit * (width + 1));
        interner_free(texts);
        free(f.data);
        free(f.valid);
        if (!works)
            return fail_while(err, "reading property column " STR_FMT, STR_ARG(column));
    }
    ret->is_loaded = true;
    return true;
}

value graph_column_value(const graph_column *c, uint64_t i, arena *a)
{
    if (c->valid && !(c->valid[i / 64] >> (i % 64) & 1))
        return (value){ .kind = VALUE_NULL };
    if (c->type == COLUMN_STRING)
        return (value){ .kind = VALUE_STRING,
                        .text = c->dictionary[((const uint32_t *)c->data)[i]] };
    column plain = { .type = c->type, .data = c->data };
    return column_value(&plain, a, i);
}
