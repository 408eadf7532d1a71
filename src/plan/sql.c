/* The relational part of a plan as one SQL query over the tables: for whoever wants to see, check
 * or run it in another engine. Every operator becomes a common table expression with a column
 * s<slot> for each slot. Vertices and edges are their references (graph_relation_sql). The plan is
 * taken as the language's front end made it, before any rewrite. */
#include "plan/sql_internal.h"

/* ---- Relations ---- */

/* The columns of `slots` but `without`, and the numbers of the rows that sub-plans are for. */
static void add_columns(sql_translation *t, strbuf *b, const plan_slots *slots, plan_slot without,
                        const char *of)
{
    const char *between = "";
    for (plan_slot s = 1; s < t->plan->slot_count; s++)
        if (plan_slots_has(slots, s) && s != without) {
            strbuf_format(b, "%s%s%ss%u", between, of, *of ? "." : "", s);
            between = ", ";
        }
    for (size_t i = 0; i < t->applied_count; i++) {
        strbuf_format(b, "%s%s%sn%d", between, of, *of ? "." : "", t->applied[i].number);
        between = ", ";
    }
    if (!*between)
        strbuf_add_c(b, "1 AS one");
}

static relation begin(sql_translation *t, const plan_slots *slots)
{
    relation r = { .number = t->count++, .slots = *slots };
    strbuf_format(&t->out, ",\nr%d AS (", r.number);
    return r;
}

static void end(sql_translation *t)
{
    strbuf_add_c(&t->out, ")");
}

static void set(sql_translation *t, relation *r, plan_slot slot, sql_type type)
{
    if (slot == PLAN_NO_SLOT)
        return;
    plan_slots_add(&r->slots, slot);
    t->types[slot] = type;
}

static bool wants(const plan_labels *l, size_t label)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i] == label)
            return true;
    return l->is_any;
}

static bool scan_ids(sql_translation *t, const plan_op *op, strbuf *b)
{
    const plan_expr *ids = op->scan.ids;
    bool is_list = ids->kind == EXPR_LITERAL && ids->literal.kind == VALUE_LIST;
    size_t count = is_list ? ids->literal.list.count : 1;
    bool is_first = true;
    if (ids->kind != EXPR_LITERAL || op->kind == PLAN_SCAN_EDGES)
        return sql_refuse(t, op->offset, "a look-up of what is computed, or of an edge");
    strbuf_add_c(b, "(");
    for (size_t i = 0; i < count; i++) {
        const value *v = is_list ? &ids->literal.list.items[i] : &ids->literal;
        if (v->kind != VALUE_STRING)
            return sql_refuse(t, op->offset, "a look-up by something that is not text");
        for (size_t k = 0; k < graph_vertex_label_count(t->graph); k++) {
            str name = graph_vertex_label(t->graph, k)->name, key = v->text,
                prefix = str_concat(t->plan->arena, name, STR(":::"));
            if (!wants(&op->scan.labels, k))
                continue;
            if (str_starts_with(key, prefix))
                key = str_slice(key, prefix.len, key.len);
            bool is_whole = str_starts_with(key, str_concat(t->plan->arena, name, STR("["))) &&
                            str_ends_with(key, STR("]"));
            strbuf_add_c(b, is_first
                                ? "SELECT \"ref\" FROM \"vertices\" WHERE \"ref\" = "
                                : " UNION ALL SELECT \"ref\" FROM \"vertices\" WHERE \"ref\" = ");
            strbuf_add_sql_text(b, is_whole ? key
                                            : str_format(t->plan->arena, STR_FMT "[" STR_FMT "]",
                                                         STR_ARG(name), STR_ARG(key)));
            is_first = false;
        }
    }
    strbuf_add_c(b, is_first ? "SELECT \"ref\" FROM \"vertices\" WHERE false)" : ")");
    return true;
}

static bool scan(sql_translation *t, const plan_op *op, const relation *in, relation *ret)
{
    bool is_vertex = op->kind == PLAN_SCAN_VERTICES, is_first = true;
    strbuf all = strbuf_new(t->plan->arena);
    if (op->scan.has_ids) {
        TRY(scan_ids(t, op, &all));
    } else {
        strbuf_add_c(&all, "(");
        size_t labels =
            is_vertex ? graph_vertex_label_count(t->graph) : graph_edge_label_count(t->graph);
        for (size_t i = 0; i < labels; i++)
            if (wants(&op->scan.labels, i)) {
                strbuf_format(&all, "%sSELECT \"ref\" FROM " STR_FMT, is_first ? "" : " UNION ALL ",
                              STR_ARG(sql_label(t, is_vertex, i)));
                is_first = false;
            }
        strbuf_add_c(&all, !is_first   ? ")"
                           : is_vertex ? "SELECT '' AS \"ref\" WHERE false)"
                                       : "SELECT 0::BIGINT AS \"ref\" WHERE false)");
    }
    *ret = begin(t, &in->slots);
    strbuf_add_c(&t->out, "SELECT ");
    add_columns(t, &t->out, &in->slots, op->scan.to, "i");
    strbuf_format(&t->out, ", x.\"ref\" AS s%u FROM r%d i, " STR_FMT " x", op->scan.to, in->number,
                  STR_ARG(strbuf_str(&all)));
    end(t);
    set(t, ret, op->scan.to, is_vertex ? TYPE_VERTEX : TYPE_EDGE);
    return true;
}

static bool expand(sql_translation *t, const plan_op *op, const relation *in, relation *ret)
{
    plan_direction d = op->expand.direction;
    plan_slots kept = in->slots;
    bool is_first = true;
    if (op->expand.edge)
        plan_slots_remove(&kept, op->expand.edge);
    if (op->expand.to)
        plan_slots_remove(&kept, op->expand.to);
    *ret = begin(t, &kept);
    for (size_t i = 0; i < 2 * graph_edge_label_count(t->graph); i++) {
        bool is_in = i % 2;
        if (!wants(&op->expand.labels, i / 2) || (is_in ? d == DIRECTION_OUT : d == DIRECTION_IN))
            continue;
        strbuf_add_c(&t->out, is_first ? "SELECT " : " UNION ALL SELECT ");
        is_first = false;
        add_columns(t, &t->out, &kept, PLAN_NO_SLOT, "i");
        if (op->expand.edge)
            strbuf_format(&t->out, ", e.\"ref\" AS s%u", op->expand.edge);
        if (op->expand.to)
            strbuf_format(&t->out, ", e.\"%s\" AS s%u", is_in ? "from" : "to", op->expand.to);
        strbuf_format(&t->out, " FROM r%d i JOIN " STR_FMT " e ON e.\"%s\" = i.s%u", in->number,
                      STR_ARG(sql_label(t, false, i / 2)), is_in ? "to" : "from", op->expand.from);
        if (is_in && d == DIRECTION_BOTH && op->expand.meets_loops_once)
            strbuf_add_c(&t->out, " AND e.\"from\" <> e.\"to\"");
    }
    if (is_first) {
        strbuf_add_c(&t->out, "SELECT ");
        add_columns(t, &t->out, &kept, PLAN_NO_SLOT, "i");
        for (int k = 0; k < 2; k++)
            if (k ? op->expand.to : op->expand.edge)
                strbuf_format(&t->out, ", NULL::%s AS s%u", k ? "VARCHAR" : "BIGINT",
                              k ? op->expand.to : op->expand.edge);
        strbuf_format(&t->out, " FROM r%d i WHERE false", in->number);
    }
    end(t);
    set(t, ret, op->expand.edge, TYPE_EDGE);
    set(t, ret, op->expand.to, TYPE_VERTEX);
    return true;
}

static void edge_end(sql_translation *t, const plan_op *op, const relation *in, relation *ret)
{
    *ret = begin(t, &in->slots);
    for (int side = 0; side < (op->edge_end.end == DIRECTION_BOTH ? 2 : 1); side++) {
        bool is_target = op->edge_end.end == DIRECTION_IN || side;
        strbuf_add_c(&t->out, side ? " UNION ALL SELECT " : "SELECT ");
        add_columns(t, &t->out, &in->slots, op->edge_end.to, "i");
        if (op->edge_end.end == DIRECTION_OTHER)
            strbuf_format(&t->out,
                          ", CASE WHEN e.\"from\" = i.s%u THEN e.\"to\" ELSE e.\"from\" END AS s%u",
                          op->edge_end.from, op->edge_end.to);
        else
            strbuf_format(&t->out, ", e.\"%s\" AS s%u", is_target ? "to" : "from", op->edge_end.to);
        strbuf_format(&t->out, " FROM r%d i JOIN \"edges\" e ON e.\"ref\" = i.s%u", in->number,
                      op->edge_end.edge);
    }
    end(t);
    set(t, ret, op->edge_end.to, TYPE_VERTEX);
}

static bool filter(sql_translation *t, const plan_op *op, const relation *in, relation *ret)
{
    sql_expr test;
    TRY(sql_expression(t, op->predicate, &test));
    if (test.type != TYPE_BOOL && test.type != TYPE_NULL)
        return sql_refuse(t, op->offset, "a condition that is not surely a truth value");
    *ret = begin(t, &in->slots);
    strbuf_format(&t->out, "SELECT * FROM r%d WHERE " STR_FMT "%s", in->number, STR_ARG(test.text),
                  test.type == TYPE_NULL ? "::BOOLEAN" : "");
    end(t);
    return true;
}

static bool let(sql_translation *t, const plan_op *op, const relation *in, relation *ret)
{
    sql_expr x;
    TRY(sql_expression(t, op->let.expr, &x));
    *ret = begin(t, &in->slots);
    strbuf_add_c(&t->out, "SELECT ");
    add_columns(t, &t->out, &in->slots, op->let.to, "");
    strbuf_format(&t->out, ", " STR_FMT " AS s%u FROM r%d", STR_ARG(x.text), op->let.to,
                  in->number);
    end(t);
    set(t, ret, op->let.to, x.type);
    return true;
}

static void add_numbers(sql_translation *t, strbuf *b, const char *before)
{
    for (size_t i = 0; i < t->applied_count; i++)
        strbuf_format(b, "%sn%d", i ? ", " : before, t->applied[i].number);
}

static bool aggregate_item(sql_translation *t, const plan_op *op, const plan_aggregate *item,
                           sql_expr *ret)
{
    arena *a = t->plan->arena;
    sql_expr of = { STR("*"), TYPE_ANY };
    if (item->of)
        TRY(sql_expression(t, item->of, &of));
    bool is_sum = item->kind == AGGREGATE_SUM || item->kind == AGGREGATE_MEAN;
    if (is_sum && !sql_is_number(of.type) && of.type != TYPE_NULL)
        return sql_refuse(t, op->offset, "a sum of what are not surely numbers");
    if ((item->kind == AGGREGATE_MIN || item->kind == AGGREGATE_MAX) &&
        (of.type == TYPE_VERTEX || of.type == TYPE_EDGE))
        return sql_refuse(t, op->offset, "the engine's order of vertices or edges");
    switch (item->kind) {
    case AGGREGATE_COUNT:
        *ret = (sql_expr){ str_format(a, "count(" STR_FMT ")", STR_ARG(of.text)), TYPE_INTEGER };
        return true;
    case AGGREGATE_SUM:
        *ret = (sql_expr){ str_format(a, "sum(" STR_FMT ")%s", STR_ARG(of.text),
                                      of.type == TYPE_INTEGER ? "::BIGINT" : "::DOUBLE"),
                           of.type };
        return true;
    case AGGREGATE_MEAN:
        *ret = (sql_expr){ str_format(a, "avg(" STR_FMT ")", STR_ARG(of.text)), TYPE_REAL };
        return true;
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        *ret =
            (sql_expr){ str_format(a, "%s(" STR_FMT ")",
                                   item->kind == AGGREGATE_MIN ? "min" : "max", STR_ARG(of.text)),
                        of.type };
        return true;
    case AGGREGATE_COLLECT:
        *ret = (sql_expr){
            str_format(a, "coalesce(list(" STR_FMT ") FILTER (WHERE " STR_FMT " IS NOT NULL), [])",
                       STR_ARG(of.text), STR_ARG(of.text)),
            TYPE_LIST
        };
        return true;
    default: return sql_refuse(t, op->offset, "this aggregate");
    }
}

/* Inside a sub-plan each of the rows around has groups of its own; without keys exactly one. */
static bool aggregate(sql_translation *t, const plan_op *op, const relation *in, relation *ret)
{
    strbuf b = strbuf_new(t->plan->arena), outer = strbuf_new(t->plan->arena);
    plan_slots none = { { 0 } };
    const applied *around = t->applied_count ? &t->applied[t->applied_count - 1] : NULL;
    relation r = { .slots = around ? around->argument->slots : none };
    size_t keys = op->aggregate.key_count;
    strbuf_add_c(&b, "SELECT ");
    for (size_t i = 0; i < keys; i++) {
        sql_expr key;
        TRY(sql_expression(t, op->aggregate.keys[i].expr, &key));
        strbuf_format(&b, STR_FMT " AS s%u, ", STR_ARG(key.text), op->aggregate.keys[i].to);
        strbuf_format(&outer, ", g.s%u", op->aggregate.keys[i].to);
    }
    for (size_t i = 0; i < op->aggregate.item_count; i++) {
        const plan_aggregate *item = &op->aggregate.items[i];
        sql_expr x;
        TRY(aggregate_item(t, op, item, &x));
        strbuf_format(&b, STR_FMT " AS s%u, ", STR_ARG(x.text), item->to);
        strbuf_format(&outer,
                      item->kind == AGGREGATE_COUNT ? ", coalesce(g.s%u, 0) AS s%u"
                                                    : ", g.s%u AS s%u",
                      item->to, item->to);
    }
    for (size_t i = 0; i < keys; i++) {
        sql_expr key;
        TRY(sql_expression(t, op->aggregate.keys[i].expr, &key));
        set(t, &r, op->aggregate.keys[i].to, key.type);
    }
    for (size_t i = 0; i < op->aggregate.item_count; i++) {
        sql_expr x;
        TRY(aggregate_item(t, op, &op->aggregate.items[i], &x));
        set(t, &r, op->aggregate.items[i].to, x.type);
    }
    strbuf_add_c(&b, "1 AS one");
    if (around)
        strbuf_format(&b, ", n%d", around->number);
    strbuf_format(&b, " FROM r%d", in->number);
    for (size_t i = 0; i < keys; i++)
        strbuf_format(&b, "%s%zu", i ? ", " : " GROUP BY ", i + 1);
    if (around)
        strbuf_format(&b, "%sn%d", keys ? ", " : " GROUP BY ", around->number);
    *ret = begin(t, &r.slots);
    if (!around) {
        strbuf_add(&t->out, strbuf_str(&b));
    } else {
        strbuf_add_c(&t->out, "SELECT ");
        add_columns(t, &t->out, &around->argument->slots, PLAN_NO_SLOT, "a");
        strbuf_format(&t->out, STR_FMT " FROM r%d a %sJOIN (" STR_FMT ") g ON g.n%d = a.n%d",
                      STR_ARG(strbuf_str(&outer)), around->argument->number, keys ? "" : "LEFT ",
                      STR_ARG(strbuf_str(&b)), around->number, around->number);
    }
    end(t);
    return true;
}

static bool add_sort_keys(sql_translation *t, const plan_op *sort, strbuf *b)
{
    for (size_t i = 0; i < sort->sort.key_count; i++) {
        sql_expr key;
        TRY(sql_expression(t, sort->sort.keys[i].expr, &key));
        if (key.type == TYPE_VERTEX || key.type == TYPE_EDGE)
            return sql_refuse(t, sort->offset, "the engine's order of vertices or edges");
        bool is_constant = sort->sort.keys[i].expr->kind == EXPR_LITERAL || key.type == TYPE_NULL;
        if (is_constant) /* DuckDB refuses one as it stands */
            key.text = STR("(SELECT NULL)");
        strbuf_format(b, "%s" STR_FMT " %s", i ? ", " : "", STR_ARG(key.text),
                      sort->sort.keys[i].is_descending ? "DESC NULLS FIRST" : "ASC NULLS LAST");
    }
    return true;
}

/* A window of the rows, in the order of a sort right below. */
static bool sort_and_slice(sql_translation *t, const plan_op *sort, uint64_t skip, uint64_t count,
                           const relation *in, relation *ret)
{
    strbuf order = strbuf_new(t->plan->arena);
    if (sort) {
        strbuf_add_c(&order, " ORDER BY ");
        TRY(add_sort_keys(t, sort, &order));
    }
    str by = strbuf_str(&order);
    *ret = begin(t, &in->slots);
    if (t->applied_count == 0) {
        strbuf_format(&t->out, "SELECT * FROM r%d" STR_FMT, in->number, STR_ARG(by));
        if (count != PLAN_ALL)
            strbuf_format(&t->out, " LIMIT %llu", (unsigned long long)count);
        if (skip)
            strbuf_format(&t->out, " OFFSET %llu", (unsigned long long)skip);
    } else {
        strbuf_add_c(&t->out, "SELECT ");
        add_columns(t, &t->out, &in->slots, PLAN_NO_SLOT, "");
        strbuf_format(&t->out, " FROM r%d QUALIFY row_number() OVER (PARTITION BY ", in->number);
        add_numbers(t, &t->out, "");
        strbuf_format(&t->out, STR_FMT ") > %llu", STR_ARG(by), (unsigned long long)skip);
        if (count != PLAN_ALL) {
            strbuf_add_c(&t->out, " AND row_number() OVER (PARTITION BY ");
            add_numbers(t, &t->out, "");
            strbuf_format(&t->out, STR_FMT ") <= %llu", STR_ARG(by),
                          (unsigned long long)(skip + count));
        }
    }
    end(t);
    return true;
}

static bool distinct(sql_translation *t, const plan_op *op, const relation *in, relation *ret)
{
    strbuf b = strbuf_new(t->plan->arena);
    strbuf_add_c(&b, "SELECT DISTINCT ON (");
    for (size_t i = 0; i < op->distinct.key_count; i++) {
        sql_expr key;
        TRY(sql_expression(t, op->distinct.keys[i].expr, &key));
        strbuf_format(&b, "%s" STR_FMT, i ? ", " : "", STR_ARG(key.text));
    }
    add_numbers(t, &b, ", ");
    *ret = begin(t, &in->slots);
    strbuf_format(&t->out, STR_FMT ") * FROM r%d", STR_ARG(strbuf_str(&b)), in->number);
    end(t);
    return true;
}

static bool chain(sql_translation *t, const plan_op *op, relation *ret);

/* The rows of all, with the slots that all have. */
static void add_union(sql_translation *t, const relation *all, size_t count, relation *ret)
{
    plan_slots common = all[0].slots;
    for (size_t i = 1; i < count; i++)
        for (size_t k = 0; k < ARRAY_LEN(common.words); k++)
            common.words[k] &= all[i].slots.words[k];
    *ret = begin(t, &common);
    for (size_t i = 0; i < count; i++) {
        strbuf_add_c(&t->out, i ? " UNION ALL SELECT " : "SELECT ");
        add_columns(t, &t->out, &common, PLAN_NO_SLOT, "");
        strbuf_format(&t->out, " FROM r%d", all[i].number);
    }
    end(t);
}

static bool branch(sql_translation *t, const plan_op *op, const relation *in, relation *ret)
{
    relation before = t->argument;
    t->argument = *in;
    TRY(chain(t, op, ret));
    t->argument = before;
    return true;
}

static bool unite(sql_translation *t, const plan_op *op, const relation *in, relation *ret)
{
    relation *all = arena_array_of(t->plan->arena, relation, op->branches.count);
    sql_type types[PLAN_SLOTS_MAX];
    for (size_t i = 0; i < op->branches.count; i++) {
        TRY(branch(t, op->branches.items[i], in, &all[i]));
        for (plan_slot s = 1; i && s < t->plan->slot_count; s++)
            if (plan_slots_has(&all[i].slots, s) && types[s] != t->types[s])
                return sql_refuse(t, op->offset, "a union of values of different kinds");
        memcpy(types, t->types, sizeof types);
    }
    add_union(t, all, op->branches.count, ret);
    return true;
}

static bool apply(sql_translation *t, const plan_op *op, const relation *in, relation *ret)
{
    plan_apply_mode mode = op->branches.mode;
    bool is_test = mode == APPLY_SEMI || mode == APPLY_ANTI;
    if (mode == APPLY_COALESCE || mode == APPLY_FIRST || op->branches.count != 1)
        return sql_refuse(t, op->offset, "a choice between sub-queries");
    if (t->applied_count == ARRAY_LEN(t->applied))
        return sql_refuse(t, op->offset, "such a depth of sub-queries");
    relation numbered = begin(t, &in->slots), sub;
    int number = numbered.number;
    strbuf_format(&t->out, "SELECT *, row_number() OVER () AS n%d FROM r%d", number, in->number);
    end(t);
    t->applied[t->applied_count++] = (applied){ number, &numbered };
    TRY(branch(t, op->branches.items[0], &numbered, &sub));
    t->applied_count--;
    if (is_test) {
        *ret = begin(t, &in->slots);
        strbuf_add_c(&t->out, "SELECT ");
        add_columns(t, &t->out, &in->slots, PLAN_NO_SLOT, "");
        strbuf_format(&t->out, " FROM r%d WHERE n%d %sIN (SELECT n%d FROM r%d)", number, number,
                      mode == APPLY_ANTI ? "NOT " : "", number, sub.number);
        end(t);
        return true;
    }
    if (mode == APPLY_OPTIONAL && op->branches.otherwise)
        return sql_refuse(t, op->offset, "an optional step that keeps what came in");
    /* the rows with what the sub-plan sets; without a match null when they are optional */
    plan_slots made = sub.slots;
    for (size_t k = 0; k < ARRAY_LEN(made.words); k++)
        made.words[k] &= ~in->slots.words[k];
    relation all = { .slots = in->slots };
    for (size_t k = 0; k < ARRAY_LEN(made.words); k++)
        all.slots.words[k] |= made.words[k];
    *ret = begin(t, &all.slots);
    strbuf_add_c(&t->out, "SELECT ");
    add_columns(t, &t->out, &in->slots, PLAN_NO_SLOT, "a");
    for (plan_slot s = 1; s < t->plan->slot_count; s++)
        if (plan_slots_has(&made, s))
            strbuf_format(&t->out, ", b.s%u", s);
    strbuf_format(&t->out, " FROM r%d a %sJOIN r%d b ON a.n%d = b.n%d", number,
                  mode == APPLY_OPTIONAL ? "LEFT " : "", sub.number, number, number);
    end(t);
    return true;
}

static bool unwind(sql_translation *t, const plan_op *op, const relation *in, relation *ret)
{
    const plan_expr *list = op->unwind.list;
    sql_expr x;
    if (list->kind != EXPR_LITERAL || list->literal.kind != VALUE_LIST ||
        list->literal.list.count == 0)
        return sql_refuse(t, op->offset, "taking apart a list that is computed");
    TRY(sql_expression(t, list, &x));
    plan_expr first = { .kind = EXPR_LITERAL, .literal = list->literal.list.items[0] };
    sql_expr item;
    TRY(sql_literal(t, &first, &item));
    *ret = begin(t, &in->slots);
    strbuf_add_c(&t->out, "SELECT ");
    add_columns(t, &t->out, &in->slots, op->unwind.to, "i");
    strbuf_format(&t->out, ", unnest(" STR_FMT ") AS s%u FROM r%d i", STR_ARG(x.text),
                  op->unwind.to, in->number);
    end(t);
    set(t, ret, op->unwind.to, item.type);
    return true;
}

static bool chain(sql_translation *t, const plan_op *op, relation *ret)
{
    relation in = { 0 };
    if (op->kind == PLAN_ONE) {
        *ret = begin(t, &in.slots);
        strbuf_add_c(&t->out, "SELECT 1 AS one");
        end(t);
        return true;
    }
    if (op->kind == PLAN_ARGUMENT) {
        *ret = t->argument;
        return true;
    }
    bool is_sorted_slice =
        op->kind == PLAN_SLICE && op->input->kind == PLAN_SORT && op->input->sort.count == PLAN_ALL;
    TRY(chain(t, is_sorted_slice ? op->input->input : op->input, &in));
    switch (op->kind) {
    case PLAN_SCAN_VERTICES:
    case PLAN_SCAN_EDGES: return scan(t, op, &in, ret);
    case PLAN_EXPAND: return expand(t, op, &in, ret);
    case PLAN_EDGE_END: edge_end(t, op, &in, ret); return true;
    case PLAN_FILTER: return filter(t, op, &in, ret);
    case PLAN_LET: return let(t, op, &in, ret);
    case PLAN_AGGREGATE: return aggregate(t, op, &in, ret);
    case PLAN_SORT: return sort_and_slice(t, op, 0, op->sort.count, &in, ret);
    case PLAN_SLICE:
        return sort_and_slice(t, is_sorted_slice ? op->input : NULL, op->slice.skip,
                              op->slice.count, &in, ret);
    case PLAN_DISTINCT: return distinct(t, op, &in, ret);
    case PLAN_UNION: return unite(t, op, &in, ret);
    case PLAN_APPLY: return apply(t, op, &in, ret);
    case PLAN_UNWIND: return unwind(t, op, &in, ret);
    default: return sql_refuse(t, op->offset, "this part of the query");
    }
}

/* ---- The whole ---- */

static bool add_labels(sql_translation *t)
{
    strbuf *b = &t->out;
    str sql;
    for (int is_vertex = 1; is_vertex >= 0; is_vertex--) {
        size_t labels =
            is_vertex ? graph_vertex_label_count(t->graph) : graph_edge_label_count(t->graph);
        for (size_t i = 0; i < labels; i++) {
            TRY(graph_relation_sql(t->graph, is_vertex, i, t->plan->arena, &sql, t->err));
            strbuf_format(b, "%s" STR_FMT " AS (" STR_FMT ")", b->len ? ",\n" : "",
                          STR_ARG(sql_label(t, is_vertex, i)), STR_ARG(sql));
        }
        if (is_vertex)
            continue;
        strbuf_add_c(b, ",\n\"edges\" AS (");
        for (size_t i = 0; i < labels; i++)
            strbuf_format(b, "%sSELECT \"ref\", \"id\", \"from\", \"to\" FROM " STR_FMT,
                          i ? " UNION ALL " : "", STR_ARG(sql_label(t, false, i)));
        strbuf_add_c(b, labels ? ")"
                               : "SELECT 0::BIGINT AS \"ref\", '' AS \"id\", '' AS \"from\", '' AS "
                                 "\"to\" WHERE false)");
    }
    /* what can be looked up: vertices with a row, and those that edges name */
    strbuf_add_c(b, ",\n\"vertices\" AS (SELECT \"from\" AS \"ref\" FROM \"edges\" UNION SELECT "
                    "\"to\" FROM \"edges\"");
    for (size_t i = 0; i < graph_vertex_label_count(t->graph); i++)
        strbuf_format(b, " UNION SELECT \"ref\" FROM " STR_FMT, STR_ARG(sql_label(t, true, i)));
    strbuf_add_c(b, ")");
    return true;
}

bool plan_to_sql(plan *p, graph *g, str *ret_sql, error *err)
{
    sql_translation t = { .plan = p, .graph = g, .out = strbuf_new(p->arena), .err = err };
    relation last;
    if (graph_is_scratch(g))
        return fail(err, ERR_INVALID, "a graph in memory has no tables that SQL could read");
    TRY(add_labels(&t));
    TRY(chain(&t, p->root, &last));
    strbuf b = strbuf_new(p->arena);
    strbuf_format(&b, "WITH " STR_FMT "\nSELECT ", STR_ARG(strbuf_str(&t.out)));
    for (size_t i = 0; i < p->column_count; i++) {
        strbuf_format(&b, "%ss%u AS ", i ? ", " : "", p->columns[i].slot);
        strbuf_add_sql_name(&b, p->columns[i].name);
    }
    strbuf_format(&b, " FROM r%d\n", last.number);
    *ret_sql = strbuf_str(&b);
    return true;
}
