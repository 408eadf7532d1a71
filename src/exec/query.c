/* Opening a plan as operators, and handing out its rows. */
#include "exec/query.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "exec/internal.h"

enum { DEFAULT_MEMORY_BYTES = 1 << 30 };

bool query_check(query *q, error *err)
{
    if (q->options.cancel && atomic_load_explicit(q->options.cancel, memory_order_relaxed))
        return fail(err, ERR_CANCELLED, "the query was cancelled");
    if (q->deadline_us && clock_monotonic_us() > q->deadline_us)
        return fail(err, ERR_LIMIT, "the query took longer than %llu ms",
                    (unsigned long long)q->options.deadline_ms);
    size_t used = arena_used_bytes(q->own.arena);
    if (q->held != &q->own)
        used += arena_used_bytes(q->held->arena);
    if (q->arena != q->held->arena)
        used += arena_used_bytes(q->arena);
    if (used > q->budget.limit_bytes)
        return fail(err, ERR_LIMIT, "the query needs more than %zu bytes of memory",
                    q->budget.limit_bytes);
    return true;
}

/* ---- Blocks of rows ---- */

void rows_init(query *q, rows *r)
{
    r->bulk = arena_array_of(q->arena, uint64_t, BATCH_ROWS);
    r->refs = arena_array_of(q->arena, uint64_t *, q->plan->slot_count);
    r->values = arena_array_of(q->arena, value *, q->plan->slot_count);
}

bool slot_is_ref(const query *q, plan_slot slot)
{
    return q->plan->slots[slot].kind != SLOT_VALUE;
}

uint64_t *rows_refs(query *q, rows *r, plan_slot slot)
{
    if (!r->refs[slot])
        r->refs[slot] = arena_array_of(q->arena, uint64_t, BATCH_ROWS);
    return r->refs[slot];
}

value *rows_values(query *q, rows *r, plan_slot slot)
{
    if (!r->values[slot])
        r->values[slot] = arena_array_of(q->arena, value, BATCH_ROWS);
    return r->values[slot];
}

void rows_append(query *q, const plan_slots *live, rows *to, const rows *from, size_t row)
{
    assert(to->count < BATCH_ROWS);
    for (plan_slot s = 1; s < q->plan->slot_count; s++) {
        if (!plan_slots_has(live, s))
            continue;
        if (from->refs[s])
            rows_refs(q, to, s)[to->count] = from->refs[s][row];
        else if (from->values[s])
            rows_values(q, to, s)[to->count] = from->values[s][row];
        else if (to->refs[s])
            to->refs[s][to->count] = NO_REF;
        else if (to->values[s])
            to->values[s][to->count] = value_null();
    }
    to->bulk[to->count++] = from->bulk[row];
}

size_t rows_repeat(query *q, const plan_slots *live, rows *to, const rows *from, size_t row,
                   size_t times)
{
    size_t at = to->count, end = at + times < BATCH_ROWS ? at + times : BATCH_ROWS;
    for (plan_slot s = 1; s < q->plan->slot_count; s++) {
        if (!plan_slots_has(live, s))
            continue;
        if (from->refs[s]) {
            uint64_t *refs = rows_refs(q, to, s);
            for (size_t i = at; i < end; i++)
                refs[i] = from->refs[s][row];
        } else if (from->values[s]) {
            value *values = rows_values(q, to, s);
            for (size_t i = at; i < end; i++)
                values[i] = from->values[s][row];
        }
    }
    for (size_t i = at; i < end; i++)
        to->bulk[i] = from->bulk[row];
    to->count = end;
    return end - at;
}

value rows_value(const query *q, const rows *r, plan_slot slot, size_t row)
{
    if (r->values[slot])
        return r->values[slot][row];
    if (!r->refs[slot] || r->refs[slot][row] == NO_REF)
        return value_null();
    return (value){ .kind = q->plan->slots[slot].kind == SLOT_VERTEX ? VALUE_VERTEX : VALUE_EDGE,
                    .ref = r->refs[slot][row] };
}

/* ---- Operators ---- */

void op_reset(op *self)
{
    for (; self; self = self->input)
        if (self->kind->reset)
            self->kind->reset(self);
}

static op *make(query *q, const plan_op *p)
{
    static op *(*const makers[PLAN_OP_COUNT_])(query *) = {
        [PLAN_SCAN_VERTICES] = scan_new,  [PLAN_SCAN_EDGES] = scan_new,
        [PLAN_EXPAND] = expand_new,       [PLAN_EDGE_END] = edge_end_new,
        [PLAN_FILTER] = filter_new,       [PLAN_LET] = filter_new,
        [PLAN_AGGREGATE] = aggregate_new, [PLAN_SORT] = sort_new,
        [PLAN_SLICE] = slice_new,         [PLAN_TAIL] = tail_new,
        [PLAN_DISTINCT] = distinct_new,   [PLAN_UNWIND] = unwind_new,
        [PLAN_NOTHING] = filter_new,      [PLAN_MERGE] = merge_new,
        [PLAN_CALL] = call_new,           [PLAN_TRAIL] = trail_new,
        [PLAN_FOREIGN] = foreign_new,     [PLAN_EAGER] = write_new,
        [PLAN_CREATE_VERTEX] = write_new, [PLAN_CREATE_EDGE] = write_new,
        [PLAN_SET] = write_new,           [PLAN_DELETE] = write_new,
    };
    if (p->kind == PLAN_UNION || p->kind == PLAN_APPLY)
        return branch_new(q, p);
    if (p->kind == PLAN_REPEAT)
        return repeat_new(q, p);
    return makers[p->kind] ? makers[p->kind](q) : NULL;
}

op *op_build(query *q, const plan_op *p, op *argument)
{
    static const op_kind *const kinds[PLAN_OP_COUNT_] = {
        [PLAN_SCAN_VERTICES] = &scan_kind,  [PLAN_SCAN_EDGES] = &scan_kind,
        [PLAN_EXPAND] = &expand_kind,       [PLAN_EDGE_END] = &edge_end_kind,
        [PLAN_FILTER] = &filter_kind,       [PLAN_LET] = &let_kind,
        [PLAN_AGGREGATE] = &aggregate_kind, [PLAN_SORT] = &sort_kind,
        [PLAN_SLICE] = &slice_kind,         [PLAN_TAIL] = &tail_kind,
        [PLAN_DISTINCT] = &distinct_kind,   [PLAN_UNWIND] = &unwind_kind,
        [PLAN_UNION] = &union_kind,         [PLAN_APPLY] = &apply_kind,
        [PLAN_NOTHING] = &nothing_kind,     [PLAN_MERGE] = &merge_kind,
        [PLAN_REPEAT] = &repeat_kind,       [PLAN_CALL] = &call_kind,
        [PLAN_TRAIL] = &trail_kind,         [PLAN_FOREIGN] = &foreign_kind,
        [PLAN_EAGER] = &eager_kind,         [PLAN_CREATE_VERTEX] = &create_kind,
        [PLAN_CREATE_EDGE] = &create_kind,  [PLAN_SET] = &set_kind,
        [PLAN_DELETE] = &delete_kind,
    };
    if (p->kind == PLAN_ARGUMENT || (p->kind == PLAN_ONE && argument)) {
        assert(argument);
        return argument;
    }
    op *o;
    if (p->kind == PLAN_ONE) {
        o = arena_new_of(q->arena, op);
        o->kind = &one_kind;
    } else {
        o = make(q, p);
        assert(o && kinds[p->kind]);
        o->kind = kinds[p->kind];
    }
    o->plan = p;
    o->query = q;
    vec_push(q->held->arena, &q->held->ops, o);
    rows_init(q, &o->out);
    if (p->input)
        o->input = op_build(q, p->input, argument);
    return o;
}

/* ---- What a query holds ---- */

void query_free_later(query *q, void *memory)
{
    vec_push(q->held->arena, &q->held->owned, memory);
}

void holdings_free(holdings *h)
{
    for (size_t i = 0; i < h->workers.count; i++)
        query_close(h->workers.items[i]);
    for (size_t i = 0; i < h->owned.count; i++)
        free(h->owned.items[i]);
    arena_free(h->arena);
    *h = (holdings){ 0 };
}

static size_t find_property(const graph_label *l, str key)
{
    size_t i = 0;
    while (i < l->property_count && !str_eq(l->properties[i].name, key))
        i++;
    return i;
}

bool query_column(query *q, bool is_vertex, size_t label, str key, const graph_column **ret,
                  error *err)
{
    const graph_label *l =
        is_vertex ? graph_vertex_label(q->graph, label) : graph_edge_label(q->graph, label);
    size_t property = find_property(l, key), first = 0;
    *ret = NULL;
    if (property == l->property_count)
        return true;
    for (size_t i = 0; i < label; i++)
        first += (is_vertex ? graph_vertex_label(q->graph, i) : graph_edge_label(q->graph, i))
                     ->property_count;
    const graph_column **known = &q->columns[is_vertex][first + property];
    if (!*known)
        TRY(is_vertex ? graph_vertex_column(q->graph, label, property, known, err)
                      : graph_edge_column(q->graph, label, property, known, err));
    *ret = *known;
    return true;
}

static query *query_new(graph *g, const plan *p, const query_options *options)
{
    query *q = memory_alloc(sizeof *q);
    q->arena = q->own.arena = arena_new();
    q->held = &q->own;
    q->graph = g;
    q->plan = p;
    q->options = *options;
    q->budget = (budget){ .what = "the query",
                          .limit_bytes = options->memory_bytes ? options->memory_bytes
                                                               : DEFAULT_MEMORY_BYTES };
    size_t counts[2] = { 0 };
    for (size_t i = 0; i < graph_edge_label_count(g); i++)
        counts[0] += graph_edge_label(g, i)->property_count;
    for (size_t i = 0; i < graph_vertex_label_count(g); i++)
        counts[1] += graph_vertex_label(g, i)->property_count;
    for (int i = 0; i < 2; i++)
        q->columns[i] = arena_array_of(q->arena, const graph_column *, counts[i]);
    q->ticket = graph_enter(g);
    if (options->is_profiled)
        q->reads = graph_reads_so_far(g);
    return q;
}

query *query_worker(query *q, morsels *m)
{
    query *w = query_new(q->graph, q->plan, &q->options);
    w->deadline_us = q->deadline_us;
    w->morsels = m;
    vec_push(q->held->arena, &q->held->workers, w);
    return w;
}

/* ---- Profile ---- */

bool op_next_timed(op *self, rows **ret_rows, error *err)
{
    uint64_t started = clock_monotonic_us();
    if (!query_check(self->query, err) || !self->kind->next(self, ret_rows, err))
        return false;
    self->time_us += clock_monotonic_us() - started;
    self->rows_out += *ret_rows ? (*ret_rows)->count : 0;
    self->calls++;
    return true;
}

static void add_up(const query *q, const plan_op *p, op *sum);

static void add_held(const holdings *h, const plan_op *p, op *sum)
{
    for (size_t i = 0; i < h->ops.count; i++)
        if (h->ops.items[i]->plan == p) {
            sum->rows_out += h->ops.items[i]->rows_out;
            sum->calls += h->ops.items[i]->calls;
            if (h->ops.items[i]->time_us > sum->time_us)
                sum->time_us = h->ops.items[i]->time_us;
        }
    for (size_t i = 0; i < h->workers.count; i++)
        add_up(h->workers.items[i], p, sum);
}

static void add_up(const query *q, const plan_op *p, op *sum)
{
    holdings *inner;
    add_held(&q->own, p, sum);
    for (size_t i = 0; inner_query_held(q, i, &inner); i++)
        add_held(inner, p, sum);
}

static void note(void *context, const plan_op *p, strbuf *out)
{
    op sum = { 0 };
    add_up(context, p, &sum);
    strbuf_format(out, "  [%llu rows in %llu blocks, %.3f ms]", (unsigned long long)sum.rows_out,
                  (unsigned long long)sum.calls, (double)sum.time_us / 1e3);
}

static void add_columns(const query *q, bool is_vertex, strbuf *out)
{
    graph *g = q->graph;
    size_t at = 0;
    for (size_t i = 0; i < (is_vertex ? graph_vertex_label_count(g) : graph_edge_label_count(g));
         i++) {
        const graph_label *l = is_vertex ? graph_vertex_label(g, i) : graph_edge_label(g, i);
        for (size_t k = 0; k < l->property_count; k++, at++) {
            const graph_column *c = q->columns[is_vertex][at];
            if (!c)
                continue;
            size_t width = c->type == COLUMN_STRING ? 4 : column_type_bytes(c->type);
            strbuf_format(out, "column " STR_FMT "." STR_FMT ": %llu cells, %llu bytes\n",
                          STR_ARG(l->name), STR_ARG(l->properties[k].name),
                          (unsigned long long)c->count, (unsigned long long)(c->count * width));
        }
    }
}

static void add_reads(const query *q, strbuf *out)
{
    graph_reads now = graph_reads_so_far(q->graph), before = q->reads;
    strbuf_format(out,
                  "tables: %llu scans, %llu files of %llu bytes and %llu row groups read, %llu "
                  "files passed over\n",
                  (unsigned long long)(now.scans - before.scans),
                  (unsigned long long)(now.files - before.files),
                  (unsigned long long)(now.bytes - before.bytes),
                  (unsigned long long)(now.row_groups - before.row_groups),
                  (unsigned long long)(now.files_passed_over - before.files_passed_over));
}

bool query_profile(query *q, arena *a, str *ret_text, error *err)
{
    uint64_t rows = 0, started = clock_monotonic_us();
    for (batch *b;;) {
        TRY(query_next(q, &b, err));
        if (!b)
            break;
        rows += b->rows;
    }
    strbuf b = strbuf_new(a);
    strbuf_add(&b, plan_explain_with(q->plan, a, q->graph, note, q));
    add_columns(q, true, &b);
    add_columns(q, false, &b);
    if (!graph_is_scratch(q->graph))
        add_reads(q, &b);
    strbuf_format(&b, "%llu rows, %.3f ms, %zu bytes of the query's own\n",
                  (unsigned long long)rows, (double)(clock_monotonic_us() - started) / 1e3,
                  arena_used_bytes(q->arena));
    *ret_text = strbuf_str(&b);
    return true;
}

bool query_open(graph *g, const plan *p, const query_options *options, query **ret_query,
                error *err)
{
    if (plan_changes_graph(p) && !graph_is_scratch(g))
        return fail(err, ERR_INVALID,
                    "this graph is read-only: its vertices and edges are rows of tables; a scratch "
                    "graph can be changed");
    query *q = query_new(g, p, options);
    q->deadline_us = options->deadline_ms ? clock_monotonic_us() + options->deadline_ms * 1000 : 0;
    q->root = op_build(q, p->root, NULL);
    q->result.column_count = p->column_count + 1;
    q->result.columns = arena_array_of(q->arena, column, p->column_count + 1);
    q->cells = arena_array_of(q->arena, value *, p->column_count);
    *ret_query = q;
    return true;
}

/* Everything a query on a scratch graph gives, made while it had the graph for itself. */
struct ready_rows {
    VEC(batch) batches;
    size_t next;
};

static bool next_batch(query *q, batch **ret_batch, error *err);

static bool make_ready(query *q, error *err)
{
    for (batch *b;;) {
        TRY(next_batch(q, &b, err));
        if (!b)
            return true;
        batch copy = *b;
        copy.columns = arena_copy(q->arena, b->columns, b->column_count * sizeof *b->columns);
        column *bulk = &copy.columns[b->column_count - 1];
        bulk->data = arena_copy(q->arena, bulk->data, b->rows * sizeof(uint64_t));
        vec_push(q->arena, &q->ready->batches, copy);
    }
}

static bool run_statement(query *q, error *err)
{
    q->ready = arena_new_of(q->arena, struct ready_rows);
    graph_statement_begin(q->graph, q->options.transaction);
    bool is_done = make_ready(q, err);
    if (is_done)
        q->changes = graph_statement_changes(q->graph);
    graph_statement_end(q->graph, is_done);
    return is_done;
}

static bool ask(void *context, error *err)
{
    return query_check(context, err);
}

void query_be_patient(query *q)
{
    graph_set_patience(q ? ask : NULL, q);
}

bool query_next(query *q, batch **ret_batch, error *err)
{
    if (!graph_is_scratch(q->graph)) {
        query_be_patient(q);
        bool works = next_batch(q, ret_batch, err);
        query_be_patient(NULL);
        error why = { 0 };
        if (!works && !query_check(q, &why)) /* said plainly, wherever it was noticed */
            *err = why;
        return works;
    }
    if (!q->ready)
        TRY(run_statement(q, err));
    bool has_more = q->ready->next < q->ready->batches.count;
    *ret_batch = has_more ? &q->ready->batches.items[q->ready->next++] : NULL;
    return true;
}

graph_changes query_changes(const query *q)
{
    return q->changes;
}

static bool next_batch(query *q, batch **ret_batch, error *err)
{
    rows *r;
    TRY(op_next(q->root, &r, err));
    *ret_batch = NULL;
    if (!r)
        return true;
    for (size_t i = 0; i < q->plan->column_count; i++) {
        value *cells = q->cells[i];
        if (!cells || graph_is_scratch(q->graph)) /* which keeps all batches */
            cells = arena_array_of(q->arena, value, BATCH_ROWS);
        q->cells[i] = cells;
        for (size_t k = 0; k < r->count; k++)
            cells[k] = rows_value(q, r, q->plan->columns[i].slot, k);
        q->result.columns[i] = (column){ .type = COLUMN_VALUE, .data = cells };
    }
    q->result.columns[q->plan->column_count] = (column){ .type = COLUMN_INT64, .data = r->bulk };
    q->result.rows = r->count;
    *ret_batch = &q->result;
    return true;
}

void query_close(query *q)
{
    if (!q)
        return;
    holdings *inner;
    for (size_t i = 0; inner_query_held(q, i, &inner); i++)
        holdings_free(inner);
    graph_leave(q->graph, q->ticket);
    holdings_free(&q->own);
    free(q);
}

bool query_element_id(graph *g, value v, arena *a, str *ret_id, error *err)
{
    size_t label = graph_ref_label(v.ref);
    uint64_t number = graph_ref_number(v.ref);
    bool is_vertex = v.kind == VALUE_VERTEX;
    if (graph_is_scratch(g))
        return is_vertex ? graph_vertex_key(g, label, number, a, ret_id, err)
                         : graph_edge_key(g, label, number, a, ret_id, err);
    str key,
        name = is_vertex ? graph_vertex_label(g, label)->name : graph_edge_label(g, label)->name;
    TRY(is_vertex ? graph_vertex_key(g, label, number, a, &key, err)
                  : graph_edge_key(g, label, number, a, &key, err));
    strbuf b = strbuf_new(a);
    strbuf_reserve(&b, name.len + key.len + 2);
    strbuf_add(&b, name);
    strbuf_add_char(&b, '[');
    strbuf_add(&b, key);
    strbuf_add_char(&b, ']');
    *ret_id = strbuf_str(&b);
    return true;
}
