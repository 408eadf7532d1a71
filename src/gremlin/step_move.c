/* Steps that start and move, and branches that give rows. */
#include "gremlin/internal.h"

/* ---- Sources and moves ---- */

static bool compile_scan(compiler *c, const step *s, plan_op_kind kind, const modulators *m)
{
    (void)m;
    plan_slot to;
    VEC(value) ids = { 0 };
    TRY(gremlin_new_slot(c, kind == PLAN_SCAN_VERTICES ? SLOT_VERTEX : SLOT_EDGE, &to));
    for (size_t i = 0; i < s->arg_count; i++) {
        if (s->args[i].kind != ARG_LITERAL)
            return gremlin_fail_step(c, s->args[i].offset,
                                     STR_FMT "() takes ids, e.g. 'label:::key'", STR_ARG(s->name));
        vec_push(c->arena, &ids, s->args[i].literal);
    }
    plan_op *op = gremlin_add_op(c, kind, s->offset);
    op->scan.labels.is_any = true;
    op->scan.to = to;
    op->scan.has_ids = ids.count > 0;
    if (ids.count)
        op->scan.ids =
            plan_literal(c->plan, (value){ .kind = VALUE_LIST, .list = { ids.items, ids.count } });
    c->current = to;
    return true;
}

bool gremlin_step_V(compiler *c, const step *s, const modulators *m)
{
    return compile_scan(c, s, PLAN_SCAN_VERTICES, m);
}

bool gremlin_step_E(compiler *c, const step *s, const modulators *m)
{
    return compile_scan(c, s, PLAN_SCAN_EDGES, m);
}

static bool edge_labels(compiler *c, const step *s, plan_labels *ret)
{
    ret->is_any = s->arg_count == 0;
    ret->items = arena_array_of(c->arena, uint32_t, s->arg_count);
    for (size_t i = 0; i < s->arg_count; i++) {
        str name;
        TRY(gremlin_need_text(c, s, i, "labels of edges", &name));
        int label = graph_find_edge_label(c->graph, name);
        if (label >= 0)
            ret->items[ret->count++] = (uint32_t)label;
    }
    return true;
}

static bool compile_expand(compiler *c, const step *s, plan_direction d, bool to_edges)
{
    plan_slot to;
    TRY(gremlin_need_element(c, s, SLOT_VERTEX));
    TRY(gremlin_new_slot(c, to_edges ? SLOT_EDGE : SLOT_VERTEX, &to));
    plan_op *op = gremlin_add_op(c, PLAN_EXPAND, s->offset);
    op->expand.from = c->current;
    op->expand.direction = d;
    TRY(edge_labels(c, s, &op->expand.labels));
    if (to_edges)
        op->expand.edge = to;
    else
        op->expand.to = to;
    c->came_from = to_edges ? c->current : PLAN_NO_SLOT;
    c->current = to;
    return true;
}

#define MOVE(name, direction, to_edges)                                                            \
    bool gremlin_step_##name(compiler *c, const step *s, const modulators *m)                      \
    {                                                                                              \
        (void)m;                                                                                   \
        return compile_expand(c, s, direction, to_edges);                                          \
    }
MOVE(out, DIRECTION_OUT, false)
MOVE(in, DIRECTION_IN, false)
MOVE(both, DIRECTION_BOTH, false)
MOVE(outE, DIRECTION_OUT, true)
MOVE(inE, DIRECTION_IN, true)
MOVE(bothE, DIRECTION_BOTH, true)

static bool compile_end(compiler *c, const step *s, plan_direction end)
{
    plan_slot to;
    TRY(gremlin_need_element(c, s, SLOT_EDGE));
    plan_op *last = c->op;
    bool is_far_end = last->kind == PLAN_EXPAND && last->expand.edge == c->current &&
                      !last->expand.to &&
                      ((end == DIRECTION_IN && last->expand.direction == DIRECTION_OUT) ||
                       (end == DIRECTION_OUT && last->expand.direction == DIRECTION_IN) ||
                       end == DIRECTION_OTHER);
    if (end == DIRECTION_OTHER && !c->came_from)
        return gremlin_fail_step(c, s->offset, "otherV() needs outE(), inE() or bothE() before it");
    TRY(gremlin_new_slot(c, SLOT_VERTEX, &to));
    if (is_far_end) { /* the expansion knows the neighbour already */
        last->expand.to = to;
        c->current = to;
        return true;
    }
    plan_op *op = gremlin_add_op(c, PLAN_EDGE_END, s->offset);
    op->edge_end.edge = c->current;
    op->edge_end.to = to;
    op->edge_end.end = end;
    op->edge_end.from = c->came_from;
    c->current = to;
    return true;
}

#define END(name, direction)                                                                       \
    bool gremlin_step_##name(compiler *c, const step *s, const modulators *m)                      \
    {                                                                                              \
        (void)m;                                                                                   \
        return compile_end(c, s, direction);                                                       \
    }
END(outV, DIRECTION_OUT)
END(inV, DIRECTION_IN)
END(bothV, DIRECTION_BOTH)
END(otherV, DIRECTION_OTHER)

/* ---- Branches that give rows ---- */

bool gremlin_compile_branches(compiler *c, const step *s, plan_op_kind kind, plan_apply_mode mode)
{
    compiler *inner = arena_array_of(c->arena, compiler, s->arg_count);
    TRY(gremlin_fix_path(c, s->offset));
    if (s->arg_count == 0)
        return gremlin_fail_step(c, s->offset, STR_FMT "() takes traversals", STR_ARG(s->name));
    for (size_t i = 0; i < s->arg_count; i++) {
        if (s->args[i].kind != ARG_TRAVERSAL)
            return gremlin_fail_step(c, s->args[i].offset, STR_FMT "() takes traversals",
                                     STR_ARG(s->name));
        TRY(gremlin_compile_branch(c, s->args[i].traversal, &inner[i]));
    }
    plan_slot_kind common = gremlin_current_kind(&inner[0]);
    for (size_t i = 1; i < s->arg_count; i++)
        common = gremlin_current_kind(&inner[i]) == common ? common : SLOT_VALUE;
    if (mode == APPLY_OPTIONAL && kind == PLAN_APPLY && gremlin_current_kind(c) != common)
        common = SLOT_VALUE;
    plan_slot to;
    TRY(gremlin_new_slot(c, common, &to));
    plan_op *op = gremlin_add_op(c, kind, s->offset);
    op->branches.mode = mode;
    op->branches.to = to;
    op->branches.items = arena_array_of(c->arena, plan_op *, s->arg_count);
    op->branches.count = s->arg_count;
    op->branches.otherwise =
        mode == APPLY_OPTIONAL && kind == PLAN_APPLY ? gremlin_current(c) : NULL;
    for (size_t i = 0; i < s->arg_count; i++) {
        plan_op *last = gremlin_add_op(&inner[i], PLAN_LET, s->offset);
        last->let.to = to;
        last->let.expr = gremlin_current(&inner[i]);
        if (c->path) {
            plan_op *path = gremlin_add_op(&inner[i], PLAN_LET, s->offset);
            path->let.to = c->path;
            path->let.expr = gremlin_path(&inner[i]);
            last = path;
        }
        op->branches.items[i] = last;
    }
    c->current = to;
    c->is_one_map = false;
    c->is_passed = c->path != PLAN_NO_SLOT; /* the branch has put it there */
    return true;
}

bool gremlin_step_union(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return gremlin_compile_branches(c, s, PLAN_UNION, APPLY_EACH);
}

bool gremlin_step_coalesce(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return gremlin_compile_branches(c, s, PLAN_APPLY, APPLY_COALESCE);
}

bool gremlin_step_optional(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return s->arg_count == 1 ? gremlin_compile_branches(c, s, PLAN_APPLY, APPLY_OPTIONAL)
                             : gremlin_fail_step(c, s->offset, "optional() takes one traversal");
}

bool gremlin_step_local(compiler *c, const step *s, const modulators *m)
{
    (void)m;
    return s->arg_count == 1 ? gremlin_compile_branches(c, s, PLAN_UNION, APPLY_EACH)
                             : gremlin_fail_step(c, s->offset, STR_FMT "() takes one traversal",
                                                 STR_ARG(s->name));
}
