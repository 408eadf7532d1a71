/* Scans: every vertex or edge of the wanted labels, or those with given ids, for each input row. */
#include <assert.h>

#include "base/vec.h"
#include "exec/internal.h"

typedef struct scan {
    op base;
    rows *in;
    size_t row;    /* of `in` */
    bool is_begun; /* the current row's walk */
    size_t label;
    uint64_t next, limit, piece_end; /* of the current label */
    const uint32_t *table_rows;      /* of its vertices: some have none; NULL: all have */
    const graph_range *ranges;       /* that its ids are wanted from, if there are */
    size_t range_count;
    const uint32_t *edge_numbers; /* of its edges; NULL: as they come */
    ref_list found;               /* by id */
    size_t at;
} scan;

op *scan_new(query *q)
{
    return &arena_new_of(q->arena, scan)->base;
}

static bool is_vertices(const scan *s)
{
    return s->base.plan->kind == PLAN_SCAN_VERTICES;
}

static size_t label_count(const scan *s)
{
    graph *g = s->base.query->graph;
    return is_vertices(s) ? graph_vertex_label_count(g) : graph_edge_label_count(g);
}

static bool find_key(query *q, bool is_vertex, size_t label, str key, ref_list *found, error *err)
{
    uint64_t number;
    bool is_found;
    TRY(is_vertex ? graph_vertex_find(q->graph, label, key, &number, &is_found, err)
                  : graph_edge_find(q->graph, label, key, &number, &is_found, err));
    if (is_found)
        vec_push(q->arena, found, graph_ref_of(label, number));
    return true;
}

static bool is_wanted(const plan_labels *l, size_t label)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i] == label)
            return true;
    return l->is_any;
}

bool refs_find(query *q, bool is_vertex, const plan_labels *labels, str text, ref_list *found,
               error *err)
{
    graph *g = q->graph;
    ptrdiff_t bracket = str_find_char(text, '['), colons = str_find(text, STR(":::"));
    str label = STR(""), key = text;
    if (bracket > 0 && str_ends_with(text, STR("]"))) {
        label = str_slice(text, 0, (size_t)bracket);
        key = str_slice(text, (size_t)bracket + 1, text.len - 1);
    } else if (colons > 0) {
        label = str_slice(text, 0, (size_t)colons);
        key = str_slice(text, (size_t)colons + 3, text.len);
    }
    int named = label.len == 0 ? -1
                : is_vertex    ? graph_find_vertex_label(g, label)
                               : graph_find_edge_label(g, label);
    if (named >= 0)
        return is_wanted(labels, (size_t)named)
                   ? find_key(q, is_vertex, (size_t)named, key, found, err)
                   : true;
    size_t count = is_vertex ? graph_vertex_label_count(g) : graph_edge_label_count(g);
    for (size_t i = 0; i < count; i++)
        if (is_wanted(labels, i))
            TRY(find_key(q, is_vertex, i, text, found, err));
    return true;
}

static bool find_text(scan *s, str text, error *err)
{
    return refs_find(s->base.query, is_vertices(s), &s->base.plan->scan.labels, text, &s->found,
                     err);
}

/* Of a scratch graph: ids are values. */
static void find_scratch(scan *s, const value *id)
{
    query *q = s->base.query;
    graph_ref r;
    bool is_element = id->kind == (is_vertices(s) ? VALUE_VERTEX : VALUE_EDGE);
    bool is_found = is_element ? !graph_is_deleted(q->graph, is_vertices(s), id->ref)
                               : graph_scratch_find(q->graph, is_vertices(s), id, &r);
    if (is_found)
        vec_push(q->arena, &s->found, is_element ? id->ref : r);
}

/* A look-up that stands for a test: each once. */
static void drop_repeats(ref_list *found)
{
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++) {
        bool is_repeat = false;
        for (size_t k = 0; k < kept && !is_repeat; k++)
            is_repeat = found->items[k] == found->items[i];
        if (!is_repeat)
            found->items[kept++] = found->items[i];
    }
    found->count = kept;
}

static bool find_value(scan *s, const value *v, error *err)
{
    query *q = s->base.query;
    if (graph_is_scratch(q->graph) && v->kind != VALUE_LIST) {
        find_scratch(s, v);
        return true;
    }
    if (v->kind == VALUE_LIST) {
        for (size_t i = 0; i < v->list.count; i++)
            TRY(find_value(s, &v->list.items[i], err));
        return true;
    }
    if (v->kind == (is_vertices(s) ? VALUE_VERTEX : VALUE_EDGE))
        vec_push(q->arena, &s->found, v->ref);
    if (v->kind == VALUE_INT)
        return find_text(s, str_format(q->arena, "%lld", (long long)v->integer), err);
    return v->kind == VALUE_STRING || v->kind == VALUE_UUID ? find_text(s, v->text, err) : true;
}

/* Vertices of a scratch graph carry any of the labels; others stand where their label is scanned.
 */
static bool carries_label(const scan *s, graph_ref r)
{
    const plan_labels *l = &s->base.plan->scan.labels;
    graph *g = s->base.query->graph;
    bool carries = l->is_any || !is_vertices(s) || !graph_is_scratch(g);
    for (size_t i = 0; !carries && i < l->count; i++)
        carries = graph_vertex_has_label(g, r, l->items[i]);
    return carries;
}

static bool begin_label(scan *s, error *err)
{
    query *q = s->base.query;
    bool has_label_sets = is_vertices(s) && graph_is_scratch(q->graph);
    s->next = s->limit = s->piece_end = 0;
    s->table_rows = s->edge_numbers = NULL;
    s->ranges = NULL;
    if (!has_label_sets && !is_wanted(&s->base.plan->scan.labels, s->label))
        return true;
    if (s->base.plan->scan.is_collapsed)
        return is_vertices(s) ? graph_vertex_count(q->graph, s->label, &s->limit, err)
                              : graph_edge_count(q->graph, s->label, &s->limit, err);
    if (is_vertices(s) && s->base.plan->scan.block) {
        graph_range *ranges;
        bool has_ranges;
        TRY(block_ranges(q, s->base.plan->scan.block, s->label, &ranges, &s->range_count,
                         &has_ranges, err));
        s->ranges = has_ranges ? ranges : NULL;
    }
    if (is_vertices(s))
        return graph_vertex_id_limit(q->graph, s->label, &s->limit, err) &&
               graph_vertex_rows(q->graph, s->label, &s->table_rows, err);
    const graph_adjacency *x;
    TRY(graph_adjacency_get(q->graph, s->label, &x, err));
    s->limit = x->edge_count;
    s->edge_numbers = x->edge_numbers;
    return true;
}

static bool begin_row(scan *s, error *err)
{
    value ids;
    s->is_begun = true;
    s->at = 0;
    s->found.count = 0;
    s->label = 0;
    if (!s->base.plan->scan.has_ids)
        return label_count(s) ? begin_label(s, err) : true;
    rows one = {
        .count = s->in->count, .bulk = s->in->bulk, .refs = s->in->refs, .values = s->in->values
    };
    value *all = arena_array_of(s->base.query->arena, value, one.count);
    TRY(expr_eval(s->base.query, s->base.plan->scan.ids, &one, all, err));
    ids = all[s->row];
    TRY(find_value(s, &ids, err));
    if (s->base.plan->scan.is_distinct)
        drop_repeats(&s->found);
    return true;
}

static bool push(scan *s, uint64_t ref, uint64_t times, error *err)
{
    rows *out = &s->base.out;
    rows_refs(s->base.query, out, s->base.plan->scan.to);
    rows_append(s->base.query, &s->base.plan->live, out, s->in, s->row);
    out->refs[s->base.plan->scan.to][out->count - 1] = ref;
    return bulk_multiply(&out->bulk[out->count - 1], times, err);
}

/* Whether there is a next number; workers take theirs in pieces. */
static bool next_piece(scan *s)
{
    morsels *m = s->base.query->morsels;
    if (!m || s->next < s->piece_end)
        return s->next < s->limit;
    uint64_t size = is_vertices(s) ? MORSEL_VERTICES : MORSEL_EDGES;
    s->next = atomic_fetch_add(&m->next[s->label], size);
    s->piece_end = s->next + size;
    return s->next < s->limit;
}

/* Whether the next number is wanted; else the next is the last before the range that follows. */
static bool is_in_range(scan *s)
{
    if (!s->ranges)
        return true;
    uint64_t from = s->limit;
    for (size_t i = 0; i < s->range_count; i++) {
        if (s->next >= s->ranges[i].from && s->next < s->ranges[i].to)
            return true;
        if (s->ranges[i].from > s->next && s->ranges[i].from < from)
            from = s->ranges[i].from;
    }
    if (s->base.query->morsels && from > s->piece_end)
        from = s->piece_end; /* others have what is between */
    s->next = from - 1;
    return false;
}

/* Rows of the current input row, as many as fit; false when it is done. */
static bool fill(scan *s, bool *ret_has_more, error *err)
{
    rows *out = &s->base.out;
    *ret_has_more = true;
    if (s->base.plan->scan.has_ids) {
        for (; s->at < s->found.count && out->count < BATCH_ROWS; s->at++)
            if (carries_label(s, s->found.items[s->at]))
                TRY(push(s, s->found.items[s->at], 1, err));
        *ret_has_more = s->at < s->found.count;
        return true;
    }
    while (s->label < label_count(s)) {
        if (s->base.plan->scan.is_collapsed && s->limit) {
            if (out->count == BATCH_ROWS)
                return true;
            TRY(push(s, graph_ref_of(s->label, 0), s->limit, err));
            s->next = s->limit;
        }
        for (; next_piece(s); s->next++) {
            if (!is_in_range(s) || (s->table_rows && s->table_rows[s->next] == GRAPH_NO_ROW))
                continue;
            if (out->count == BATCH_ROWS)
                return true;
            uint64_t number = s->edge_numbers ? s->edge_numbers[s->next] : s->next;
            if (carries_label(s, graph_ref_of(s->label, number)))
                TRY(push(s, graph_ref_of(s->label, number), 1, err));
        }
        if (++s->label < label_count(s))
            TRY(begin_label(s, err));
    }
    *ret_has_more = false;
    return true;
}

static bool scan_next(op *self, rows **ret_rows, error *err)
{
    scan *s = (scan *)self;
    rows *out = &self->out;
    out->count = 0;
    *ret_rows = NULL;
    while (out->count < BATCH_ROWS) {
        bool has_more;
        if (!s->in || s->row == s->in->count) {
            if (out->count)
                break;
            TRY(op_next(self->input, &s->in, err));
            s->row = 0;
            if (!s->in)
                return true;
        }
        if (!s->is_begun)
            TRY(begin_row(s, err));
        TRY(fill(s, &has_more, err));
        if (!has_more) {
            s->is_begun = false;
            s->row++;
        }
    }
    *ret_rows = out;
    return true;
}

static void scan_reset(op *self)
{
    scan *s = (scan *)self;
    s->in = NULL;
    s->is_begun = false;
}

const op_kind scan_kind = { scan_next, scan_reset };
