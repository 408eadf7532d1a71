/* A plan as text. */
#include "plan/plan.h"

#include "column/batch.h"

static void add_slot(const plan *p, plan_slot slot, strbuf *out)
{
    str name = p->slots[slot].name;
    if (name.len)
        strbuf_add(out, name);
    else
        strbuf_format(out, "$%u", slot);
}

static void each_text(const plan *p, const plan_expr *e, strbuf *out)
{
    static const char *const names[] = { "map", "all", "any", "none", "single", "reduce" };
    const plan_expr *parts[] = { e->each.start, e->each.list, e->each.where, e->each.body };
    strbuf_format(out, "%s(", names[e->each.kind]);
    add_slot(p, e->each.item, out);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i]) {
            strbuf_add_c(out, ", ");
            plan_expr_text(p, parts[i], out);
        }
    strbuf_add_char(out, ')');
}

void plan_expr_text(const plan *p, const plan_expr *e, strbuf *out)
{
    switch (e->kind) {
    case EXPR_LITERAL: {
        column c = { .type = COLUMN_VALUE, .data = &e->literal };
        bool is_text = e->literal.kind == VALUE_STRING;
        if (is_text)
            strbuf_add_sql_text(out, e->literal.text);
        else
            strbuf_add(out, e->literal.kind == VALUE_NULL ? STR("null")
                                                          : column_text(&c, out->arena, 0));
        return;
    }
    case EXPR_SLOT: add_slot(p, e->slot, out); return;
    case EXPR_PROPERTY:
        plan_expr_text(p, e->property.of, out);
        strbuf_format(out, "." STR_FMT, STR_ARG(e->property.key));
        return;
    case EXPR_EACH: each_text(p, e, out); return;
    case EXPR_QUERY: strbuf_add_c(out, e->query.result ? "query()" : "exists()"); return;
    case EXPR_CALL: break;
    }
    const plan_function_info *info = plan_function_get(e->call.function);
    bool is_infix = info->is_infix && e->call.arg_count == 2;
    strbuf_format(out, "%s(", is_infix ? "" : e->call.name ? e->call.name : info->name);
    for (size_t i = 0; i < e->call.arg_count; i++) {
        if (i)
            strbuf_format(out, is_infix ? " %s " : ", ", info->name);
        plan_expr_text(p, e->call.args[i], out);
    }
    strbuf_add_char(out, ')');
}

static void add_labels(const plan_labels *l, const graph *g, bool is_edge, strbuf *out)
{
    for (size_t i = 0; !l->is_any && i < l->count; i++)
        strbuf_format(out, "%s" STR_FMT, i ? "|" : ":",
                      STR_ARG(is_edge ? graph_edge_label(g, l->items[i])->name
                                      : graph_vertex_label(g, l->items[i])->name));
}

static void add_keys(const plan *p, const plan_key *keys, size_t count, strbuf *out)
{
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(out, i ? ", " : " ");
        plan_expr_text(p, keys[i].expr, out);
        strbuf_add_c(out, keys[i].is_descending ? " desc" : "");
    }
}

static void add_aggregate(const plan *p, const plan_op *op, strbuf *out)
{
    static const char *const names[] = { "count",   "sum",         "min",   "max", "mean",
                                         "collect", "collect map", "first", "last" };
    strbuf_add_c(out, op->aggregate.key_count ? "by" : "");
    add_keys(p, op->aggregate.keys, op->aggregate.key_count, out);
    for (size_t i = 0; i < op->aggregate.item_count; i++) {
        const plan_aggregate *x = &op->aggregate.items[i];
        strbuf_format(out, "%s%s(", i || op->aggregate.key_count ? ", " : "", names[x->kind]);
        if (x->of)
            plan_expr_text(p, x->of, out);
        strbuf_add_c(out, ")");
    }
}

static void add_exprs(const plan *p, plan_op *op, strbuf *out)
{
    plan_expr **e;
    for (size_t i = 0; (e = plan_op_expr(op, i)); i++) {
        strbuf_add_c(out, i ? ", " : "");
        plan_expr_text(p, *e, out);
    }
}

void plan_op_text(const plan *p, const plan_op *op, const graph *g, strbuf *out)
{
    static const char *const names[] = {
        "One",   "Argument",     "ScanVertices", "ScanEdges", "Expand",  "EdgeEnd",   "Filter",
        "Let",   "Aggregate",    "Sort",         "Slice",     "Tail",    "Distinct",  "Unwind",
        "Union", "Apply",        "Repeat",       "Merge",     "Nothing", "Call",      "Trail",
        "Eager", "CreateVertex", "CreateEdge",   "Set",       "Delete",  "Traversers"
    };
    static const char *const directions[] = { "out", "in", "both", "other" };
    strbuf_format(out, "%s ", names[op->kind]);
    switch (op->kind) {
    case PLAN_SCAN_VERTICES:
    case PLAN_SCAN_EDGES:
        add_slot(p, op->scan.to, out);
        add_labels(&op->scan.labels, g, op->kind == PLAN_SCAN_EDGES, out);
        if (op->scan.has_ids) {
            strbuf_add_c(out, " ids ");
            plan_expr_text(p, op->scan.ids, out);
        }
        if (op->scan.block) {
            strbuf_add_c(out, " range of ids ");
            plan_expr_text(p, op->scan.block->call.args[1], out);
        }
        strbuf_add_c(out, op->scan.is_collapsed ? " (counts from metadata)" : "");
        break;
    case PLAN_EXPAND:
        add_slot(p, op->expand.from, out);
        strbuf_format(out, " %s", directions[op->expand.direction]);
        add_labels(&op->expand.labels, g, true, out);
        strbuf_add_c(out, !op->expand.edge        ? " pairs"
                          : op->expand.is_by_pair ? " edges, summed by pair"
                                                  : " edges");
        break;
    case PLAN_TRAIL:
        add_slot(p, op->trail.from, out);
        strbuf_format(out, " %s", directions[op->trail.direction]);
        add_labels(&op->trail.labels, g, true, out);
        strbuf_format(out, " %llu..", (unsigned long long)op->trail.least);
        if (op->trail.most != PLAN_ALL)
            strbuf_format(out, "%llu", (unsigned long long)op->trail.most);
        strbuf_add_c(out, op->trail.is_reach ? " (each vertex once)" : "");
        break;
    case PLAN_CALL:
        strbuf_format(out, "%s ", op->call.procedure->names[0]);
        plan_expr_text(p, op->call.options, out);
        break;
    case PLAN_FOREIGN: strbuf_add(out, op->foreign.text); break;
    case PLAN_MERGE: add_slot(p, op->merge.slot, out); break;
    case PLAN_EDGE_END: strbuf_add_c(out, directions[op->edge_end.end]); break;
    case PLAN_FILTER: plan_expr_text(p, op->predicate, out); break;
    case PLAN_LET:
        add_slot(p, op->let.to, out);
        strbuf_add_c(out, " = ");
        plan_expr_text(p, op->let.expr, out);
        break;
    case PLAN_AGGREGATE: add_aggregate(p, op, out); break;
    case PLAN_SORT:
        strbuf_add_c(out, "by");
        add_keys(p, op->sort.keys, op->sort.key_count, out);
        if (op->sort.count != PLAN_ALL)
            strbuf_format(out, ", first %llu", (unsigned long long)op->sort.count);
        break;
    case PLAN_SLICE:
        strbuf_format(out, "skip %llu", (unsigned long long)op->slice.skip);
        if (op->slice.count != PLAN_ALL)
            strbuf_format(out, ", pass %llu", (unsigned long long)op->slice.count);
        break;
    case PLAN_DISTINCT: add_keys(p, op->distinct.keys, op->distinct.key_count, out); break;
    case PLAN_UNWIND: plan_expr_text(p, op->unwind.list, out); break;
    case PLAN_CREATE_VERTEX:
    case PLAN_CREATE_EDGE:
    case PLAN_SET:
    case PLAN_DELETE: add_exprs(p, (plan_op *)op, out); break;
    default: break;
    }
}

typedef struct explanation {
    const plan *plan;
    const graph *graph;
    plan_note note;
    void *context;
    strbuf *out;
} explanation;

static void add_op(const explanation *x, plan_op *op, int depth)
{
    for (; op; op = op->input) {
        strbuf_format(x->out, "%*s", depth * 2, "");
        plan_op_text(x->plan, op, x->graph, x->out);
        if (x->note)
            x->note(x->context, op, x->out);
        strbuf_add_char(x->out, '\n');
        for (size_t i = 0; plan_op_branch(op, i); i++)
            add_op(x, *plan_op_branch(op, i), depth + 2);
    }
}

str plan_explain_with(const plan *p, arena *a, const graph *g, plan_note note, void *context)
{
    strbuf b = strbuf_new(a);
    add_op(&(explanation){ p, g, note, context, &b }, p->root, 0);
    return strbuf_str(&b);
}

str plan_explain(const plan *p, arena *a, const graph *g)
{
    return plan_explain_with(p, a, g, NULL, NULL);
}
