/* Property columns: fetched by row number through a sink, brought into the order of ids or edges,
 * kept while there is room, and cached. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/pool.h"
#include "graph/internal.h"

/* ---- Fetching: cells by row number ---- */

typedef struct fetch {
    const source *source; /* that is being read */
    patience patience;
    const uint64_t *bases;
    uint64_t first, count; /* numbers of rows wanted: [first, first + count) */
    column_type type;
    size_t width;
    block data, valid;
} fetch;

static bool take_values(void *context, const batch *in, error *err)
{
    fetch *f = context;
    const int64_t *files = in->columns[1].data, *positions = in->columns[2].data;
    const column *values = &in->columns[0];
    char *data = f->data.data;
    uint64_t *valid = f->valid.data;
    TRY(patience_ask(&f->patience, err));
    for (size_t i = 0; i < in->rows; i++) {
        uint64_t row = f->bases[files[i]] + (uint64_t)positions[i] - f->first;
        if (row >= f->count)
            return fail(err, ERR_CORRUPT, "table " STR_FMT " has more rows than its metadata says",
                        STR_ARG(iceberg_table_name(f->source->table)));
        if (column_is_null(values, i))
            continue;
        atomic_fetch_or_explicit((_Atomic uint64_t *)&valid[row / 64], 1ull << (row % 64),
                                 memory_order_relaxed);
        if (f->type == COLUMN_STRING) {
            uint32_t code = (uint32_t)((const int64_t *)values->data)[i];
            memcpy(data + row * 4, &code, 4);
        } else {
            memcpy(data + row * f->width, (const char *)values->data + i * f->width, f->width);
        }
    }
    return true;
}

static bool fetch_source(graph *g, const source *s, const iceberg_scan *scan,
                         const schema_column *column, interner *texts, fetch *f, error *err)
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
    TRY(graph_connection(g, &c, err)); /* starts the engine */
    str expression = source_column_sql(a, column);
    if (f->type == COLUMN_STRING) {
        expression = str_format(a, "%s(" STR_FMT "%s)", code, STR_ARG(expression),
                                source_is_text(s, column) ? "" : "::VARCHAR");
        TRY(sql_register_encode(g->options.engine, code, interner_encode, texts, err));
    } else if (f->type == COLUMN_TIMESTAMP) {
        expression = str_format(a, STR_FMT "::TIMESTAMP", STR_ARG(expression));
    }
    source_note_read(g, s, scan);
    f->source = s;
    f->patience = patience_of_thread();
    TRY(sql_register_sink(g->options.engine, sink, types, 3, take_values, f, err));
    TRY(source_sql(s, a, scan, str_format(a, STR_FMT " AS x", STR_ARG(expression)), &rows, err));
    return sql_query_int(c,
                         str_format(a, "SELECT sum(%s(x, \"_file_index\", \"_pos\")) FROM " STR_FMT,
                                    sink, STR_ARG(rows)),
                         &count, err);
}

static bool fetch_cells(graph *g, const label_rows *rows, size_t property, str name,
                        bool only_added, interner *texts, fetch *f, error *err)
{
    f->first = only_added ? rows->first_added : 0;
    f->count = rows->row_limit - f->first;
    TRY(block_take(&g->memory, f->count * f->width, &f->data, err));
    TRY(block_take(&g->memory, (f->count + 63) / 64 * 8, &f->valid, err));
    for (size_t i = 0; i < rows->schema->source_count; i++) {
        AUTO(arena_free) arena *a = arena_new();
        const source *s = &rows->sources[i];
        const schema_column *c = source_property(rows, property, s, name);
        uint64_t *bases = arena_array_of(a, uint64_t, s->file_count);
        for (size_t k = 0; k < s->file_count; k++)
            bases[k] = s->files[k].base;
        f->bases = only_added ? s->added_bases : bases;
        if (!c || c->name.len == 0 || (only_added && s->added.file_count == 0))
            continue;
        iceberg_scan plain = source_without_deletes(a, only_added ? &s->added : &s->scan);
        TRY(fetch_source(g, s, &plain, c, texts, f, err));
    }
    return true;
}

/* ---- From row order to the order of ids or edges ---- */

typedef struct permutation {
    const fetch *from;
    const edge_part *edges; /* or: */
    const vertex_part *vertices;
    uint64_t count;
    char *data;
    uint64_t *valid;
    _Atomic uint64_t nulls;
} permutation;

enum { PERMUTE_PIECE = 1 << 18 }; /* a multiple of 64 */

static bool permute_piece(void *context, size_t piece)
{
    permutation *p = context;
    const uint64_t *from_valid = p->from->valid.data;
    const char *from = p->from->data.data;
    size_t width = p->from->width;
    uint64_t begin = piece * PERMUTE_PIECE, end = begin + PERMUTE_PIECE, nulls = 0;
    for (uint64_t i = begin; i < end && i < p->count; i++) {
        uint64_t row =
            p->edges ? packed_get(&p->edges->row_of, i) : p->vertices->dictionary.rows[i];
        bool is_valid = row < p->from->count && (from_valid[row / 64] >> (row % 64) & 1);
        nulls += !is_valid;
        p->valid[i / 64] |= (uint64_t)is_valid << (i % 64);
        if (is_valid && width == 4)
            memcpy(p->data + i * 4, from + row * 4, 4);
        else if (is_valid && width == 8)
            memcpy(p->data + i * 8, from + row * 8, 8);
        else if (is_valid)
            memcpy(p->data + i * width, from + row * width, width);
    }
    atomic_fetch_add(&p->nulls, nulls);
    return true;
}

/* `is_whole`: every cell will be written. */
static bool take_column(graph *g, uint64_t count, size_t width, bool is_whole, cached_column *c,
                        error *err)
{
    columns_evict(g, count * width);
    TRY((is_whole ? block_take_unset : block_take)(&g->memory, count * width, &c->data, err));
    return block_take(&g->memory, (count + 63) / 64 * 8, &c->valid, err);
}

static bool permute(graph *g, const fetch *f, const edge_part *edges, const vertex_part *vertices,
                    cached_column *ret, error *err)
{
    permutation p = { .from = f, .edges = edges, .vertices = vertices };
    p.count = edges ? edges->adjacency.edge_count : vertices->dictionary.count;
    TRY(take_column(g, p.count, f->width, false, ret, err));
    p.data = ret->data.data;
    p.valid = ret->valid.data;
    pool_each((p.count + PERMUTE_PIECE - 1) / PERMUTE_PIECE, permute_piece, &p);
    ret->column = (graph_column){
        .type = f->type, .count = p.count, .data = p.data, .valid = p.nulls ? p.valid : NULL
    };
    return true;
}

static void take_dictionary(cached_column *c, interner *texts)
{
    c->texts = arena_new();
    c->column.dictionary_count = interner_count(texts);
    c->column.dictionary = interner_texts(texts, c->texts);
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
    ret->texts = arena_new();
    str *dictionary = arena_array_of(ret->texts, str, n[2]);
    for (uint64_t i = 0; i < n[2]; i++) {
        if (offsets[i] > offsets[i + 1] || offsets[i + 1] > s[4].bytes)
            return false;
        dictionary[i] = (str){ (const char *)s[4].data + offsets[i], offsets[i + 1] - offsets[i] };
    }
    ret->column = (graph_column){ type,       count,         s[1].data, n[3] ? s[2].data : NULL,
                                  dictionary, (uint32_t)n[2] };
    size_t bytes = count * width;
    error ignored = { 0 };
    columns_evict(g, bytes);
    ret->bytes = budget_take(&g->memory.budget, bytes, &ignored) ? bytes : 0;
    return true;
}

/* ---- Loading ---- */

static void fetch_free(graph *g, fetch *f)
{
    block_give(&g->memory, &f->data);
    block_give(&g->memory, &f->valid);
}

static size_t width_of(column_type type)
{
    return type == COLUMN_STRING ? 4 : column_type_bytes(type);
}

static str name_of(const graph_label *l, size_t property)
{
    return l->properties[property].name;
}

bool property_load(graph *g, const label_rows *rows, size_t property, column_type type,
                   const edge_part *edges, const vertex_part *vertices, str cache_name,
                   cached_column *ret, error *err)
{
    if (ret->is_loaded)
        return true;
    fetch f = { .type = type, .width = width_of(type) };
    uint64_t count = edges ? edges->adjacency.edge_count : vertices->dictionary.count;
    if (map_column(g, cache_name, type, count, f.width, ret)) {
        ret->is_loaded = true;
        return true;
    }
    column_free(g, ret);
    str name = name_of(edges ? &edges->label : &vertices->label, property);
    columns_evict(g, rows->row_limit * f.width);
    interner *texts = interner_new();
    bool works = fetch_cells(g, rows, property, name, false, texts, &f, err) &&
                 permute(g, &f, edges, vertices, ret, err);
    fetch_free(g, &f);
    if (works) {
        take_dictionary(ret, texts);
        write_column(g, cache_name, &ret->column, f.width);
        ret->is_loaded = true;
    } else {
        column_free(g, ret);
    }
    interner_free(texts);
    return works ? true : fail_while(err, "reading property column " STR_FMT, STR_ARG(name));
}

/* Cells of the old column in order, and between them those of added edges. */
typedef struct interleaving {
    const edge_part *edges;
    const graph_column *old;
    const fetch *added;
    char *data;
    uint64_t *valid, count;
    _Atomic uint64_t nulls;
} interleaving;

/* Added edges whose place is below `at`. */
static uint64_t added_before(const edge_part *e, uint64_t at)
{
    uint64_t low = 0, high = e->added_count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (e->added[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline void set_valid(uint64_t *valid, uint64_t i, bool is_valid)
{
    if (is_valid)
        valid[i / 64] |= 1ull << (i % 64);
}

static bool interleave_piece(void *context, size_t piece)
{
    interleaving *x = context;
    const edge_part *e = x->edges;
    const graph_column *old = x->old;
    const uint64_t *added_valid = x->added->valid.data;
    const char *added_data = x->added->data.data;
    size_t width = x->added->width;
    uint64_t at = piece * PERMUTE_PIECE, end = at + PERMUTE_PIECE, nulls = 0;
    end = end < x->count ? end : x->count;
    uint64_t next = added_before(e, at), from = at - next;
    while (at < end) {
        uint64_t to = next < e->added_count && e->added[next] < end ? e->added[next] : end,
                 run = to - at;
        memcpy(x->data + at * width, (const char *)old->data + from * width, run * width);
        for (uint64_t i = 0; i < run; i++) {
            bool is_valid = !old->valid || (old->valid[(from + i) / 64] >> ((from + i) % 64) & 1);
            nulls += !is_valid;
            set_valid(x->valid, at + i, is_valid);
        }
        from += run;
        at = to;
        if (at == end)
            break;
        uint64_t row = packed_get(&e->row_of, at) - e->rows.first_added;
        bool is_valid = added_valid[row / 64] >> (row % 64) & 1;
        nulls += !is_valid;
        set_valid(x->valid, at, is_valid);
        memcpy(x->data + at * width, added_data + row * width, width);
        at++;
        next++;
    }
    atomic_fetch_add(&x->nulls, nulls);
    return true;
}

static void interleave(const edge_part *e, const graph_column *old, const fetch *f,
                       cached_column *ret)
{
    interleaving x = { .edges = e, .old = old, .added = f, .count = e->adjacency.edge_count };
    x.data = ret->data.data;
    x.valid = ret->valid.data;
    pool_each((x.count + PERMUTE_PIECE - 1) / PERMUTE_PIECE, interleave_piece, &x);
    ret->column = (graph_column){
        .type = old->type, .count = x.count, .data = x.data, .valid = x.nulls ? x.valid : NULL
    };
}

bool property_carry(graph *g, edge_part *e, size_t property, const cached_column *old,
                    cached_column *ret, error *err)
{
    enum { MOST_TEXTS = 1 << 20 }; /* more are as quick to read again */
    if (!old->is_loaded || !e->added || old->column.dictionary_count > MOST_TEXTS)
        return true;
    fetch f = { .type = old->column.type, .width = width_of(old->column.type) };
    interner *texts = interner_new();
    for (uint32_t i = 0; i < old->column.dictionary_count; i++) /* codes stay what they were */
        interner_code(texts, old->column.dictionary[i]);
    bool works =
        fetch_cells(g, &e->rows, property, name_of(&e->label, property), true, texts, &f, err) &&
        take_column(g, e->adjacency.edge_count, f.width, true, ret, err);
    if (works) {
        interleave(e, &old->column, &f, ret);
        take_dictionary(ret, texts);
        ret->is_loaded = true;
    }
    fetch_free(g, &f);
    interner_free(texts);
    return works;
}

/* ---- One cell ---- */

static bool find_place(const label_rows *rows, uint64_t row, const source **ret_source,
                       size_t *ret_file)
{
    for (size_t i = 0; i < rows->schema->source_count; i++)
        for (size_t k = 0; k < rows->sources[i].file_count; k++) {
            const source_file *f = &rows->sources[i].files[k];
            if (row < f->base || row - f->base >= f->rows)
                continue;
            *ret_source = &rows->sources[i];
            *ret_file = k;
            return true;
        }
    return false;
}

bool property_fetch_one(graph *g, const label_rows *rows, size_t property, str name, uint64_t row,
                        arena *a, str *ret, error *err)
{
    const source *s;
    size_t file;
    AUTO(arena_free) arena *scratch = arena_new();
    *ret = STR("");
    if (!find_place(rows, row, &s, &file))
        return true;
    const schema_column *c = source_property(rows, property, s, name);
    if (!c || c->name.len == 0)
        return true;
    size_t *order = arena_array_of(scratch, size_t, s->file_count);
    iceberg_scan_order(&s->scan, order);
    iceberg_scan_file one = s->scan.files[order[file]];
    one.delete_count = 0; /* the row is known to be live */
    iceberg_scan scan = { .files = &one, .file_count = 1 };
    source_note_read(g, s, &scan);
    sql_connection *connection;
    batch *answer;
    str from;
    TRY(graph_connection(g, &connection, err));
    TRY(source_sql(
        s, scratch, &scan,
        str_format(scratch, "(" STR_FMT ")::VARCHAR AS x", STR_ARG(source_column_sql(scratch, c))),
        &from, err));
    TRY(sql_query_all(connection, scratch,
                      str_format(scratch, "SELECT x FROM " STR_FMT " WHERE \"_pos\" = %llu",
                                 STR_ARG(from), (unsigned long long)(row - s->files[file].base)),
                      &answer, err));
    if (answer->rows && !column_is_null(&answer->columns[0], 0))
        *ret = str_copy(a, ((const str *)answer->columns[0].data)[0]);
    return true;
}

/* ---- Room ---- */

void column_free(graph *g, cached_column *c)
{
    block_give(&g->memory, &c->data);
    block_give(&g->memory, &c->valid);
    if (c->bytes)
        budget_give(&g->memory.budget, c->bytes);
    file_map_close(c->map);
    arena_free(c->texts);
    *c = (cached_column){ 0 };
}

static void find_oldest(cached_column *columns, size_t count, cached_column **oldest)
{
    for (size_t i = 0; i < count; i++)
        if (columns[i].is_loaded && (!*oldest || columns[i].last_use < (*oldest)->last_use))
            *oldest = &columns[i];
}

void columns_evict(graph *g, size_t bytes)
{
    uint64_t first_reader = UINT64_MAX;
    for (size_t i = 0; i < g->readers.count; i++)
        first_reader = g->readers.items[i] < first_reader ? g->readers.items[i] : first_reader;
    while (g->memory.budget.used_bytes + bytes > g->memory.budget.limit_bytes) {
        cached_column *oldest = NULL;
        for (size_t i = 0; i < g->schema.vertex_count; i++)
            find_oldest(g->vertices[i].columns, g->vertices[i].label.property_count, &oldest);
        for (size_t i = 0; i < g->schema.edge_count; i++)
            find_oldest(g->edges[i].columns, g->edges[i].label.property_count, &oldest);
        if (!oldest || oldest->last_use >= first_reader)
            return;
        column_free(g, oldest);
    }
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
