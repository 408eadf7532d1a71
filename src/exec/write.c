/* Operators that change a scratch graph. Each reads all of its input first, so that what is below
 * sees the graph as it was; rows that stand for several are taken apart, since each acts on its
 * own. */
#include "base/vec.h"
#include "exec/internal.h"

typedef struct kept_row {
    value *cells; /* of live slots */
} kept_row;

typedef struct writer {
    op base;
    VEC(kept_row) kept;
    size_t next;
    bool is_read;
    size_t room;       /* rows that the arrays of `base.out` hold: a statement of a thousand CREATEs
                          hands on one row a thousand times */
    plan_slots needed; /* what is read above, and by the operator itself */
} writer;

op *write_new(query *q)
{
    return &arena_new_of(q->arena, writer)->base;
}

static void writer_reset(op *self)
{
    writer *w = (writer *)self;
    w->kept.count = w->next = 0;
    w->is_read = false;
}

static void find_needed(writer *w)
{
    plan_slots set = { { 0 } };
    w->needed = w->base.plan->live;
    plan_op_reads((plan_op *)w->base.plan, &w->needed);
    plan_op_sets(w->base.plan, &set);
    for (size_t i = 0; i < ARRAY_LEN(set.words); i++)
        w->needed.words[i] &= ~set.words[i];
}

static bool read_all(writer *w, error *err)
{
    query *q = w->base.query;
    find_needed(w);
    for (rows *in;;) {
        TRY(op_next(w->base.input, &in, err));
        if (!in)
            break;
        for (size_t r = 0; r < in->count; r++)
            for (uint64_t times = in->bulk[r]; times > 0; times--) {
                kept_row row = { arena_array_of(q->arena, value, q->plan->slot_count) };
                for (plan_slot s = 1; s < q->plan->slot_count; s++)
                    if (plan_slots_has(&w->needed, s))
                        row.cells[s] = rows_value(q, in, s, r);
                vec_push(q->arena, &w->kept, row);
                if (w->kept.count % BATCH_ROWS == 0)
                    TRY(query_check(q, err));
            }
    }
    w->is_read = true;
    return true;
}

/* `room`: how many rows the slot's array will hold. */
static void put_cell(query *q, rows *out, size_t room, plan_slot s, const value *v)
{
    if (slot_is_ref(q, s)) {
        if (!out->refs[s])
            out->refs[s] = arena_array_of(q->arena, uint64_t, room);
        out->refs[s][out->count] = v->kind == VALUE_NULL ? NO_REF : v->ref;
    } else {
        if (!out->values[s])
            out->values[s] = arena_array_of(q->arena, value, room);
        out->values[s][out->count] = *v;
    }
}

/* The next kept rows as a block. */
static void fill_block(writer *w)
{
    query *q = w->base.query;
    rows *out = &w->base.out;
    if (w->room < w->kept.count && w->room < BATCH_ROWS) {
        w->room = w->kept.count < BATCH_ROWS ? w->kept.count : BATCH_ROWS;
        rows_init(q, out);
    }
    out->count = 0;
    for (; w->next < w->kept.count && out->count < BATCH_ROWS; w->next++) {
        for (plan_slot s = 1; s < q->plan->slot_count; s++)
            if (plan_slots_has(&w->needed, s))
                put_cell(q, out, w->room, s, &w->kept.items[w->next].cells[s]);
        out->bulk[out->count++] = 1;
    }
}

/* One kept row as a block of its own. */
static void fill_row(writer *w, rows *one)
{
    query *q = w->base.query;
    one->count = 0;
    for (plan_slot s = 1; s < q->plan->slot_count; s++)
        if (plan_slots_has(&w->needed, s))
            put_cell(q, one, 1, s, &w->kept.items[w->next].cells[s]);
    one->bulk[0] = 1;
    one->count = 1;
}

static bool eval_one(query *q, const plan_expr *e, const rows *one, value *ret, error *err)
{
    *ret = value_null();
    return e ? expr_eval(q, e, one, ret, err) : true;
}

static bool eager_next(op *self, rows **ret_rows, error *err)
{
    writer *w = (writer *)self;
    if (!w->is_read)
        TRY(read_all(w, err));
    fill_block(w);
    *ret_rows = self->out.count ? &self->out : NULL;
    return true;
}

/* Runs `act` on each kept row, in order, and hands out blocks of them. */
static bool act_on_rows(op *self, bool (*act)(writer *w, rows *one, error *err), rows **ret_rows,
                        error *err)
{
    writer *w = (writer *)self;
    query *q = self->query;
    rows *out = &self->out;
    if (!w->is_read) {
        rows one;
        TRY(read_all(w, err));
        rows_init(q, &one);
        for (w->next = 0; w->next < w->kept.count; w->next++) {
            if (w->next % 1024 == 0)
                TRY(query_check(q, err));
            fill_row(w, &one);
            TRY(act(w, &one, err));
        }
        w->next = 0;
        w->needed = self->plan->live;
    }
    fill_block(w);
    *ret_rows = out->count ? out : NULL;
    return true;
}

/* ---- Create ---- */

/* Properties of a map, or of another vertex or edge. */
static bool as_map(query *q, value v, value *ret, error *err)
{
    *ret = v;
    if (v.kind != VALUE_VERTEX && v.kind != VALUE_EDGE)
        return v.kind == VALUE_MAP || v.kind == VALUE_NULL
                   ? true
                   : fail(err, ERR_INVALID, "properties are set from a map, a vertex or an edge");
    str *names;
    size_t count = element_key_names(q, v, &names);
    value *keys = arena_array_of(q->arena, value, count),
          *values = arena_array_of(q->arena, value, count);
    for (size_t i = 0; i < count; i++) {
        keys[i] = value_text(names[i]);
        TRY(element_property(q, v, names[i], &values[i], err));
    }
    *ret = (value){ .kind = VALUE_MAP, .map = { keys, values, count } };
    return true;
}

static bool set_all(query *q, bool is_vertex, graph_ref r, const value *map, error *err)
{
    for (size_t i = 0; map->kind == VALUE_MAP && i < map->map.count; i++) {
        if (map->map.keys[i].kind != VALUE_STRING)
            return fail(err, ERR_INVALID, "the name of a property is a text");
        TRY(graph_set_property(q->graph, is_vertex, r, map->map.keys[i].text, &map->map.values[i],
                               err));
    }
    return true;
}

static bool read_labels(query *q, const value *v, str **ret_labels, size_t *ret_count, error *err)
{
    bool is_list = v->kind == VALUE_LIST || v->kind == VALUE_SET;
    const value *items = is_list ? v->list.items : v;
    size_t count = v->kind == VALUE_NULL ? 0 : is_list ? v->list.count : 1;
    *ret_labels = arena_array_of(q->arena, str, count);
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind != VALUE_STRING || items[i].text.len == 0)
            return fail(err, ERR_INVALID, "a label is a text that is not empty");
        (*ret_labels)[i] = items[i].text;
    }
    *ret_count = count;
    return true;
}

static bool create_vertex(query *q, const value *label, const value *id, value *ret, error *err)
{
    str *labels;
    size_t count;
    TRY(read_labels(q, label, &labels, &count, err));
    ret->kind = VALUE_VERTEX;
    return graph_add_vertex(q->graph, labels, count, id->kind == VALUE_NULL ? NULL : id, &ret->ref,
                            err);
}

static bool create_edge(query *q, const plan_op *p, const rows *one, const value *label,
                        const value *id, value *ret, error *err)
{
    value from, to;
    TRY(eval_one(q, p->create.from, one, &from, err));
    TRY(eval_one(q, p->create.to, one, &to, err));
    if (from.kind != VALUE_VERTEX || to.kind != VALUE_VERTEX)
        return fail(err, ERR_INVALID, "an edge starts and ends at a vertex");
    if (label->kind != VALUE_STRING || label->text.len == 0)
        return fail(err, ERR_INVALID, "an edge has one label, a text that is not empty");
    ret->kind = VALUE_EDGE;
    return graph_add_edge(q->graph, label->text, from.ref, to.ref,
                          id->kind == VALUE_NULL ? NULL : id, &ret->ref, err);
}

static bool create_row(writer *w, rows *one, error *err)
{
    query *q = w->base.query;
    const plan_op *p = w->base.plan;
    value label, id, properties, element = { 0 };
    TRY(eval_one(q, p->create.label, one, &label, err));
    TRY(eval_one(q, p->create.id, one, &id, err));
    TRY(eval_one(q, p->create.properties, one, &properties, err));
    TRY(as_map(q, properties, &properties, err));
    TRY(p->kind == PLAN_CREATE_VERTEX ? create_vertex(q, &label, &id, &element, err)
                                      : create_edge(q, p, one, &label, &id, &element, err));
    if (p->create.slot)
        w->kept.items[w->next].cells[p->create.slot] = element;
    return set_all(q, p->kind == PLAN_CREATE_VERTEX, element.ref, &properties, err);
}

static bool create_next(op *self, rows **ret_rows, error *err)
{
    return act_on_rows(self, create_row, ret_rows, err);
}

/* ---- Set and remove ---- */

static bool replace_all(query *q, const value *of, const value *map, error *err)
{
    str *names;
    value null = value_null();
    size_t count = element_key_names(q, *of, &names);
    for (size_t i = 0; i < count; i++) {
        bool stays = false;
        for (size_t k = 0; map->kind == VALUE_MAP && k < map->map.count; k++)
            stays |=
                map->map.keys[k].kind == VALUE_STRING && str_eq(map->map.keys[k].text, names[i]);
        if (!stays)
            TRY(graph_set_property(q->graph, of->kind == VALUE_VERTEX, of->ref, names[i], &null,
                                   err));
    }
    return set_all(q, of->kind == VALUE_VERTEX, of->ref, map, err);
}

static bool change_labels(query *q, const plan_change *c, graph_ref vertex, const value *v,
                          error *err)
{
    str *labels;
    size_t count;
    TRY(read_labels(q, v, &labels, &count, err));
    for (size_t i = 0; i < count; i++)
        TRY(c->kind == CHANGE_ADD_LABELS ? graph_add_label(q->graph, vertex, labels[i], err)
                                         : graph_remove_label(q->graph, vertex, labels[i], err));
    return true;
}

/* Of openCypher, properties are plain values or lists of such. */
static bool check_property(query *q, const value *v, error *err)
{
    bool is_plain = v->kind != VALUE_MAP && v->kind != VALUE_VERTEX && v->kind != VALUE_EDGE &&
                    v->kind != VALUE_PATH;
    for (size_t i = 0; v->kind == VALUE_LIST && i < v->list.count; i++)
        is_plain &= v->list.items[i].kind != VALUE_MAP && v->list.items[i].kind != VALUE_VERTEX &&
                    v->list.items[i].kind != VALUE_EDGE && v->list.items[i].kind != VALUE_PATH;
    return is_plain || !q->plan->is_cypher
               ? true
               : fail_type(err, "TypeError: InvalidPropertyType",
                           "a property holds a plain value or a list of plain values");
}

static bool change(query *q, const plan_change *c, const rows *one, error *err)
{
    value of, key, v;
    TRY(eval_one(q, c->of, one, &of, err));
    if (of.kind == VALUE_NULL)
        return true;
    if (of.kind != VALUE_VERTEX && of.kind != VALUE_EDGE)
        return fail(err, ERR_INVALID, "only vertices and edges have properties that can be set");
    bool is_vertex = of.kind == VALUE_VERTEX;
    TRY(eval_one(q, c->value, one, &v, err));
    switch (c->kind) {
    case CHANGE_PROPERTY:
        TRY(eval_one(q, c->key, one, &key, err));
        if (key.kind != VALUE_STRING)
            return fail(err, ERR_INVALID, "the name of a property is a text");
        TRY(check_property(q, &v, err));
        return graph_set_property(q->graph, is_vertex, of.ref, key.text, &v, err);
    case CHANGE_REPLACE_ALL: return as_map(q, v, &v, err) && replace_all(q, &of, &v, err);
    case CHANGE_MERGE: return as_map(q, v, &v, err) && set_all(q, is_vertex, of.ref, &v, err);
    case CHANGE_ADD_LABELS:
    case CHANGE_REMOVE_LABELS:
        return is_vertex ? change_labels(q, c, of.ref, &v, err)
                         : fail(err, ERR_INVALID, "the label of an edge cannot be changed");
    }
    return true;
}

static bool set_row(writer *w, rows *one, error *err)
{
    const plan_op *p = w->base.plan;
    for (size_t i = 0; i < p->set.count; i++)
        TRY(change(w->base.query, &p->set.items[i], one, err));
    return true;
}

static bool set_next(op *self, rows **ret_rows, error *err)
{
    return act_on_rows(self, set_row, ret_rows, err);
}

/* ---- Delete ---- */

static bool delete_value(query *q, const plan_op *p, bool is_vertex, const value *v, error *err)
{
    switch (v->kind) {
    case VALUE_NULL: return true;
    case VALUE_VERTEX:
        return is_vertex ? graph_delete(q->graph, true, v->ref, p->delete.is_detached, err) : true;
    case VALUE_EDGE: return is_vertex ? true : graph_delete(q->graph, false, v->ref, false, err);
    case VALUE_LIST:
    case VALUE_SET:
    case VALUE_PATH:
        for (size_t i = 0; i < v->list.count; i++)
            TRY(delete_value(q, p, is_vertex, &v->list.items[i], err));
        return true;
    default: return fail(err, ERR_INVALID, "only vertices, edges and paths can be deleted");
    }
}

/* The vertices that the rows name, or the edges. */
static bool delete_all(writer *w, bool is_vertex, rows *one, error *err)
{
    const plan_op *p = w->base.plan;
    for (w->next = 0; w->next < w->kept.count; w->next++) {
        fill_row(w, one);
        for (size_t i = 0; i < p->delete.count; i++) {
            value v;
            TRY(eval_one(w->base.query, p->delete.items[i], one, &v, err));
            TRY(delete_value(w->base.query, p, is_vertex, &v, err));
        }
    }
    return true;
}

/* Edges of all rows go before the first vertex, which may then be without any. */
static bool delete_next(op *self, rows **ret_rows, error *err)
{
    writer *w = (writer *)self;
    if (!w->is_read) {
        rows one;
        TRY(read_all(w, err));
        rows_init(self->query, &one);
        TRY(delete_all(w, false, &one, err));
        TRY(delete_all(w, true, &one, err));
        w->next = 0;
        w->needed = self->plan->live;
    }
    fill_block(w);
    *ret_rows = self->out.count ? &self->out : NULL;
    return true;
}

const op_kind eager_kind = { eager_next, writer_reset };
const op_kind create_kind = { create_next, writer_reset };
const op_kind set_kind = { set_next, writer_reset };
const op_kind delete_kind = { delete_next, writer_reset };
