/* The topology on disk: one cache file a label, and with it the numbering of its tables' rows. */
#include <dirent.h>
#include <stdlib.h>

#include "graph/internal.h"

static str cache_name(str cache_key, arena *a, char kind, size_t label)
{
    return str_format(a, STR_FMT "-%c%zu.cache", STR_ARG(cache_key), kind, label);
}

enum {
    FILES_SECTION,
    COUNTS_SECTION,
    VERTEX_ROWS = 2,
    VERTEX_RUNS,
    VERTEX_IPS,
    VERTEX_OFFSETS,
    VERTEX_HEAP,
    VERTEX_SECTIONS,
    EDGE_SECTIONS = 9
};

/* ---- The numbering of rows: for each source its snapshot and files ---- */

static str write_files(arena *a, const label_rows *rows)
{
    strbuf b = strbuf_new(a);
    strbuf_format(&b, "%llu\n", (unsigned long long)rows->row_limit);
    for (size_t i = 0; i < rows->schema->source_count; i++) {
        const source *s = &rows->sources[i];
        strbuf_format(&b, "%zu\n", s->file_count);
        for (size_t k = 0; k < s->file_count; k++)
            strbuf_format(&b, "%llu %llu %llu " STR_FMT "\n", (unsigned long long)s->files[k].base,
                          (unsigned long long)s->files[k].rows,
                          (unsigned long long)s->files[k].deletes, STR_ARG(s->files[k].uri));
    }
    return strbuf_str(&b);
}

static bool next_word(str *text, char end, str *ret)
{
    ptrdiff_t at = str_find_char(*text, end);
    if (at < 0)
        return false;
    *ret = str_slice(*text, 0, (size_t)at);
    *text = str_slice(*text, (size_t)at + 1, text->len);
    return true;
}

static bool next_number(str *text, char end, uint64_t *ret)
{
    str word;
    return next_word(text, end, &word) && str_to_u64(word, ret);
}

static bool read_files(arena *a, str text, label_rows *rows)
{
    TRY(next_number(&text, '\n', &rows->row_limit));
    for (size_t i = 0; i < rows->schema->source_count; i++) {
        source *s = &rows->sources[i];
        uint64_t count;
        if (!next_number(&text, '\n', &count) || count > text.len)
            return false;
        s->files = arena_array_of(a, source_file, count);
        s->file_count = count;
        for (size_t k = 0; k < count; k++) {
            source_file *f = &s->files[k];
            if (!next_number(&text, ' ', &f->base) || !next_number(&text, ' ', &f->rows) ||
                !next_number(&text, ' ', &f->deletes) || !next_word(&text, '\n', &f->uri))
                return false;
        }
    }
    return text.len == 0;
}

/* ---- Writing ---- */

static void write_vertices(const graph *g, arena *a, size_t i)
{
    const vertex_part *v = &g->vertices[i];
    const dictionary *d = &v->dictionary;
    str files = write_files(a, &v->rows);
    uint64_t counts[] = { d->count, d->row_count, d->run_count };
    uint64_t *runs = arena_array_of(a, uint64_t, d->run_count * 2);
    strbuf ips = strbuf_new(a), offsets = strbuf_new(a), heap = strbuf_new(a);
    for (size_t k = 0; k < d->run_count; k++) {
        const key_run *r = &d->runs[k];
        runs[k * 2] = r->ip_count;
        runs[k * 2 + 1] = r->text_count;
        strbuf_add(&ips, (str){ (const char *)r->ips, r->ip_count * 4ull });
        strbuf_add(&offsets, (str){ (const char *)r->offsets, (r->text_count + 1ull) * 8 });
        strbuf_add(&heap, (str){ r->heap, r->offsets[r->text_count] });
    }
    cache_section s[VERTEX_SECTIONS] = {
        { files.data, files.len },   { counts, sizeof counts }, { d->rows, d->count * 4 },
        { runs, d->run_count * 16 }, { ips.data, ips.len },     { offsets.data, offsets.len },
        { heap.data, heap.len },
    };
    cache_file_write(g->options.cache_folder, cache_name(g->cache_key, a, 'v', i), s,
                     VERTEX_SECTIONS);
}

void topology_write(const graph *g)
{
    AUTO(arena_free) arena *a = arena_new();
    for (size_t i = 0; i < g->schema.vertex_count; i++)
        write_vertices(g, a, i);
    for (size_t i = 0; i < g->schema.edge_count; i++) {
        const edge_part *e = &g->edges[i];
        const graph_adjacency *x = &e->adjacency;
        str files = write_files(a, &e->rows);
        uint64_t counts[] = { x->source_count, x->target_count, x->pair_count, x->edge_count,
                              e->row_of.bits };
        cache_section s[EDGE_SECTIONS] = {
            { files.data, files.len },
            { counts, sizeof counts },
            { x->out_offsets, (x->source_count + 1) * 8 },
            { x->out_targets, x->pair_count * 4 },
            { x->edge_offsets, (x->pair_count + 1) * 4 },
            { x->in_offsets, (x->target_count + 1) * 8 },
            { x->in_sources, x->pair_count * 4 },
            { x->in_pairs, x->pair_count * 4 },
            { e->row_of.words, (x->edge_count * e->row_of.bits / 64 + 2) * 8 },
        };
        cache_file_write(g->options.cache_folder, cache_name(g->cache_key, a, 'e', i), s,
                         EDGE_SECTIONS);
    }
}

/* ---- Reading ---- */

static bool map_vertices(graph *g, str name, vertex_part *v)
{
    cache_section s[VERTEX_SECTIONS];
    if (!cache_file_open(g->options.cache_folder, name, s, VERTEX_SECTIONS, &v->map) ||
        s[COUNTS_SECTION].bytes != 24 ||
        !read_files(g->arena, (str){ s[FILES_SECTION].data, s[FILES_SECTION].bytes }, &v->rows))
        return false;
    const uint64_t *n = s[COUNTS_SECTION].data, *runs = s[VERTEX_RUNS].data;
    if (s[VERTEX_ROWS].bytes != n[0] * 4 || s[VERTEX_RUNS].bytes != n[2] * 16)
        return false;
    key_run *out = arena_array_of(g->arena, key_run, n[2]);
    const char *ips = s[VERTEX_IPS].data, *offsets = s[VERTEX_OFFSETS].data,
               *heap = s[VERTEX_HEAP].data;
    uint64_t first = 0, ip_bytes = 0, offset_bytes = 0, heap_bytes = 0;
    for (size_t i = 0; i < n[2]; i++) {
        uint64_t ip_count = runs[i * 2], text_count = runs[i * 2 + 1];
        if (ip_bytes + ip_count * 4 > s[VERTEX_IPS].bytes ||
            offset_bytes + (text_count + 1) * 8 > s[VERTEX_OFFSETS].bytes)
            return false;
        out[i] = (key_run){ first,
                            (uint32_t)ip_count,
                            (uint32_t)text_count,
                            (const void *)(ips + ip_bytes),
                            (const void *)(offsets + offset_bytes),
                            heap + heap_bytes };
        first += ip_count + text_count;
        ip_bytes += ip_count * 4;
        offset_bytes += (text_count + 1) * 8;
        heap_bytes += out[i].offsets[text_count];
    }
    v->dictionary = (dictionary){ out, n[2], n[0], n[1], s[VERTEX_ROWS].data };
    return first == n[0] && heap_bytes == s[VERTEX_HEAP].bytes;
}

static bool map_edges(graph *g, str name, edge_part *e)
{
    cache_section s[EDGE_SECTIONS];
    if (!cache_file_open(g->options.cache_folder, name, s, EDGE_SECTIONS, &e->map) ||
        s[COUNTS_SECTION].bytes != 40 ||
        !read_files(g->arena, (str){ s[FILES_SECTION].data, s[FILES_SECTION].bytes }, &e->rows))
        return false;
    const uint64_t *n = s[COUNTS_SECTION].data;
    if (s[2].bytes != (n[0] + 1) * 8 || s[3].bytes != n[2] * 4 || s[4].bytes != (n[2] + 1) * 4 ||
        s[5].bytes != (n[1] + 1) * 8 || s[6].bytes != n[2] * 4 || s[7].bytes != n[2] * 4 ||
        s[8].bytes != (n[3] * n[4] / 64 + 2) * 8)
        return false;
    e->adjacency = (graph_adjacency){ n[0],      n[1],      n[2],      n[3],      s[2].data,
                                      s[3].data, s[4].data, s[5].data, s[6].data, s[7].data };
    e->row_of = (packed){ s[8].data, (unsigned)n[4] };
    return true;
}

static label_rows *rows_at(graph *g, size_t i)
{
    size_t vertices = g->schema.vertex_count;
    return i < vertices ? &g->vertices[i].rows : &g->edges[i - vertices].rows;
}

/* What the tables said of their sources. */
static source **sources_save(graph *g, arena *a)
{
    size_t count = g->schema.vertex_count + g->schema.edge_count;
    source **saved = arena_array_of(a, source *, count);
    for (size_t i = 0; i < count; i++) {
        const label_rows *rows = rows_at(g, i);
        saved[i] = arena_array_of(a, source, rows->schema->source_count);
        memcpy(saved[i], rows->sources, rows->schema->source_count * sizeof(source));
    }
    return saved;
}

/* Nothing may point into the maps any more: the names of files do, when some files were good. */
static void unmap(graph *g, source **saved)
{
    for (size_t i = 0; i < g->schema.vertex_count + g->schema.edge_count; i++) {
        label_rows *rows = rows_at(g, i);
        memcpy(rows->sources, saved[i], rows->schema->source_count * sizeof(source));
    }
    for (size_t i = 0; i < g->schema.vertex_count; i++) {
        file_map_close(g->vertices[i].map);
        g->vertices[i].map = NULL;
    }
    for (size_t i = 0; i < g->schema.edge_count; i++) {
        file_map_close(g->edges[i].map);
        g->edges[i].map = NULL;
    }
}

bool topology_map(graph *g, str cache_key)
{
    AUTO(arena_free) arena *a = arena_new();
    source **saved = sources_save(g, a);
    bool works = g->options.cache_folder.len > 0;
    for (size_t i = 0; works && i < g->schema.vertex_count; i++)
        works = map_vertices(g, cache_name(cache_key, a, 'v', i), &g->vertices[i]);
    for (size_t i = 0; works && i < g->schema.edge_count; i++)
        works = map_edges(g, cache_name(cache_key, a, 'e', i), &g->edges[i]);
    if (!works)
        unmap(g, saved);
    return works;
}

/* ---- Other snapshots ---- */

/* A graph without tables, to be filled from cache files. */
static graph *without_tables(const graph *like)
{
    graph *g = memory_alloc(sizeof *g);
    g->arena = arena_new();
    pthread_mutex_init(&g->lock, NULL);
    g->options = like->options;
    g->schema = like->schema;
    g->vertices = arena_array_of(g->arena, vertex_part, g->schema.vertex_count);
    g->edges = arena_array_of(g->arena, edge_part, g->schema.edge_count);
    for (size_t i = 0; i < g->schema.vertex_count + g->schema.edge_count; i++) {
        size_t vertices = g->schema.vertex_count;
        label_rows *rows = rows_at(g, i);
        rows->schema = i < vertices ? &g->schema.vertices[i] : &g->schema.edges[i - vertices];
        rows->sources = arena_array_of(g->arena, source, rows->schema->source_count);
    }
    return g;
}

graph *topology_find_older(const graph *g)
{
    AUTO(arena_free) arena *a = arena_new();
    DIR *dir = g->options.cache_folder.len ? opendir(str_to_c(a, g->options.cache_folder)) : NULL;
    graph *found = NULL;
    for (struct dirent *e; dir && !found && (e = readdir(dir));) {
        str name = str_of(e->d_name);
        if (!str_starts_with(name, g->schema_key) || !str_ends_with(name, STR("-e0.cache")))
            continue;
        graph *older = without_tables(g);
        if (topology_map(older, str_slice(name, 0, name.len - STR("-e0.cache").len)))
            found = older;
        else
            graph_close(older);
    }
    if (dir)
        closedir(dir);
    return found;
}
