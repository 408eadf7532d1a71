/* Patterns: scans, expansions, walks and searches, and the filters that they need. */
#include "cypher/internal.h"

/* ---- Labels ---- */

plan_expr *cypher_label_test(compiler *c, plan_slot slot, const str *names, size_t count,
                             bool is_any)
{
    plan_expr *all = NULL, *of = plan_slot_expr(c->plan, slot);
    if (!graph_is_scratch(c->graph) && (is_any || count == 1)) {
        value *texts = arena_array_of(c->arena, value, count);
        for (size_t i = 0; i < count; i++)
            texts[i] = value_text(names[i]);
        return plan_call(c->plan, FN_IN, plan_call(c->plan, FN_LABEL, of),
                         plan_literal(c->plan, value_list(texts, count)));
    }
    for (size_t i = 0; i < count; i++) {
        plan_expr *one = plan_call(c->plan, FN_HAS_LABEL, of, plan_literal_text(c->plan, names[i]));
        all = !all ? one : plan_call(c->plan, is_any ? FN_OR : FN_AND, all, one);
    }
    return all;
}

static plan_labels edge_labels(compiler *c, const ast_element *e)
{
    VEC(uint32_t) labels = { 0 };
    for (size_t i = 0; i < e->label_count; i++) {
        int number = graph_find_edge_label(c->graph, e->labels[i]);
        if (number >= 0)
            vec_push(c->arena, &labels, (uint32_t)number);
    }
    return (plan_labels){ e->label_count == 0, labels.items, labels.count };
}

/* Labels of a scan: all that are asked for when one is enough, else the first. */
static plan_labels node_labels(compiler *c, const ast_element *e)
{
    VEC(uint32_t) labels = { 0 };
    size_t count = e->is_any_label ? e->label_count : e->label_count ? 1 : 0;
    for (size_t i = 0; i < count; i++) {
        int number = graph_find_vertex_label(c->graph, e->labels[i]);
        if (number >= 0)
            vec_push(c->arena, &labels, (uint32_t)number);
    }
    return (plan_labels){ e->label_count == 0, labels.items, labels.count };
}

/* ---- Filters, which stand behind the whole MATCH and are moved down from there ---- */

static void later(compiler *c, plan_expr *e)
{
    vec_push(c->arena, &c->filters, e);
}

static bool check_properties(compiler *c, const ast_element *e)
{
    if (e->properties && e->properties->kind == AST_PARAMETER)
        return cypher_fail(c, e->properties->span.from, "SyntaxError: InvalidParameterUse",
                           "a parameter cannot stand for the properties of a pattern; write {key: "
                           "$parameter.key}");
    return true;
}

static bool property_tests(compiler *c, const ast_element *e, plan_slot slot, plan_expr **ret)
{
    type ignored;
    *ret = NULL;
    TRY(check_properties(c, e));
    for (size_t i = 0; e->properties && i < e->properties->map.count; i++) {
        const ast_map_item *x = &e->properties->map.items[i];
        plan_expr *wanted;
        TRY(cypher_expression(c, x->value, &wanted, &ignored));
        *ret = plan_and(c->plan, *ret,
                        plan_call(c->plan, FN_EQ,
                                  plan_property(c->plan, plan_slot_expr(c->plan, slot), x->key),
                                  wanted));
    }
    return true;
}

/* ---- Nodes ---- */

bool cypher_vertex_slot(compiler *c, const variable *v, size_t offset, plan_slot *ret)
{
    *ret = v->slot;
    if (c->plan->slots[v->slot].kind == SLOT_VERTEX)
        return true;
    TRY(plan_slot_new(c->plan, v->name, SLOT_VERTEX, ret, c->err));
    cypher_let(c, *ret, plan_slot_expr(c->plan, v->slot), offset);
    return true;
}

static bool check_node(compiler *c, const variable *v, size_t offset)
{
    if (v->type == TYPE_NODE || v->type == TYPE_ANY || v->type == TYPE_NULL)
        return true;
    return cypher_fail(c, offset, "SyntaxError: VariableTypeConflict", "`" STR_FMT "` is no node",
                       STR_ARG(v->name));
}

/* What is known of each node of the path that is compiled. */
typedef struct walk {
    const ast_path *path;
    plan_slot *nodes; /* PLAN_NO_SLOT: not reached yet */
    plan_expr **edges;
} walk;

static bool bind_node(compiler *c, const ast_element *e, plan_slot slot)
{
    if (e->variable.len)
        vec_push(c->arena, &c->scope, (variable){ e->variable, slot, TYPE_NODE });
    return true;
}

static bool node_filters(compiler *c, const ast_element *e, plan_slot slot, bool has_first_label)
{
    size_t skip = has_first_label ? (e->is_any_label ? e->label_count : 1) : 0;
    if (e->label_count > skip)
        later(c,
              cypher_label_test(c, slot, e->labels + skip, e->label_count - skip, e->is_any_label));
    return true;
}

/* The node where a walk starts: known already, or scanned. */
static bool start_node(compiler *c, walk *w, size_t i)
{
    const ast_element *e = &w->path->nodes[i];
    const variable *v = e->variable.len ? cypher_find(c, e->variable) : NULL;
    if (v) {
        TRY(check_node(c, v, e->span.from));
        TRY(cypher_vertex_slot(c, v, e->span.from, &w->nodes[i]));
        if (w->path->edge_count == 0) /* null is no node */
            later(c, plan_call(c->plan, FN_IS_NOT_NULL, plan_slot_expr(c->plan, w->nodes[i])));
        return node_filters(c, e, w->nodes[i], false);
    }
    TRY(plan_slot_new(c->plan, e->variable, SLOT_VERTEX, &w->nodes[i], c->err));
    plan_op *op = cypher_add_op(c, PLAN_SCAN_VERTICES, e->span.from);
    op->scan.labels = node_labels(c, e);
    op->scan.to = w->nodes[i];
    TRY(bind_node(c, e, w->nodes[i]));
    return node_filters(c, e, w->nodes[i], true);
}

/* ---- Relationships ---- */

static plan_direction mirrored(plan_direction d)
{
    return d == DIRECTION_OUT ? DIRECTION_IN : d == DIRECTION_IN ? DIRECTION_OUT : d;
}

static plan_expr *not_in(compiler *c, plan_slot edge, plan_slot list)
{
    return plan_call(
        c->plan, FN_NOT,
        plan_call(c->plan, FN_IN, plan_slot_expr(c->plan, edge), plan_slot_expr(c->plan, list)));
}

static bool add_trail(compiler *c, const ast_element *e, plan_slot from, plan_slot to,
                      plan_direction direction, plan_slot *ret)
{
    plan_slot one;
    plan_expr *tests, *where = NULL;
    TRY(plan_slot_new(c->plan, e->variable, SLOT_VALUE, ret, c->err));
    TRY(plan_slot_new(c->plan, STR(""), SLOT_EDGE, &one, c->err));
    TRY(property_tests(c, e, one, &tests));
    if (e->where) {
        vec_push(c->arena, &c->scope, (variable){ e->variable, one, TYPE_EDGE });
        TRY(cypher_condition(c, e->where, &where));
        c->scope.count--;
    }
    plan_op *op = cypher_add_op(c, PLAN_TRAIL, e->span.from);
    op->trail.from = from;
    op->trail.to = to;
    op->trail.direction = direction;
    op->trail.labels = edge_labels(c, e);
    op->trail.least = e->least;
    op->trail.most = e->most;
    op->trail.edges = *ret;
    op->trail.edge = one;
    op->trail.predicate = where ? plan_and(c->plan, tests, where) : tests;
    for (size_t i = 0; i < c->edges.count; i++)
        later(c, not_in(c, c->edges.items[i], *ret));
    for (size_t i = 0; i < c->trails.count; i++)
        later(c, plan_call(c->plan, FN_DISJOINT, plan_slot_expr(c->plan, c->trails.items[i]),
                           plan_slot_expr(c->plan, *ret)));
    vec_push(c->arena, &c->trails, *ret);
    return true;
}

static bool add_edge(compiler *c, const ast_element *e, plan_slot from, plan_slot to,
                     plan_direction direction, plan_slot *ret)
{
    TRY(plan_slot_new(c->plan, e->variable, SLOT_EDGE, ret, c->err));
    plan_op *op = cypher_add_op(c, PLAN_EXPAND, e->span.from);
    op->expand.from = from;
    op->expand.direction = direction;
    op->expand.labels = edge_labels(c, e);
    op->expand.edge = *ret;
    op->expand.meets_loops_once = true;
    op->expand.to = to;
    for (size_t i = 0; i < c->edges.count; i++)
        later(c, plan_call(c->plan, FN_NE, plan_slot_expr(c->plan, c->edges.items[i]),
                           plan_slot_expr(c->plan, *ret)));
    for (size_t i = 0; i < c->trails.count; i++)
        later(c, not_in(c, *ret, c->trails.items[i]));
    vec_push(c->arena, &c->edges, *ret);
    return true;
}

static bool check_edge(compiler *c, const ast_element *e, const variable *v)
{
    for (size_t i = 0; i < c->edge_names.count; i++)
        if (str_eq(c->edge_names.items[i], e->variable))
            return cypher_fail(c, e->span.from, "SyntaxError: RelationshipUniquenessViolation",
                               "relationship `" STR_FMT "` stands twice in one pattern",
                               STR_ARG(e->variable));
    bool fits =
        v->type == TYPE_ANY || v->type == TYPE_NULL ||
        (e->has_range ? v->type == TYPE_EDGES || v->type == TYPE_LIST : v->type == TYPE_EDGE);
    return fits ? true
                : cypher_fail(c, e->span.from, "SyntaxError: VariableTypeConflict",
                              "`" STR_FMT "` is no relationship", STR_ARG(v->name));
}

/* From a node that is known along edge `at` to the node behind it. */
static bool step(compiler *c, walk *w, size_t at, bool is_backwards)
{
    const ast_element *e = &w->path->edges[at], *node = &w->path->nodes[is_backwards ? at : at + 1];
    plan_slot from = w->nodes[is_backwards ? at + 1 : at], to, edge;
    plan_direction direction = is_backwards ? mirrored(e->direction) : e->direction;
    const variable *known = node->variable.len ? cypher_find(c, node->variable) : NULL;
    const variable *edge_known = e->variable.len ? cypher_find(c, e->variable) : NULL;
    if (edge_known)
        TRY(check_edge(c, e, edge_known));
    if (known)
        TRY(check_node(c, known, node->span.from));
    variable before = edge_known ? *edge_known : (variable){ 0 },
             target = known ? *known : (variable){ 0 };
    TRY(plan_slot_new(c->plan, known ? STR("") : node->variable, SLOT_VERTEX, &to, c->err));
    TRY(e->has_range ? add_trail(c, e, from, to, direction, &edge)
                     : add_edge(c, e, from, to, direction, &edge));
    w->nodes[is_backwards ? at : at + 1] = to;
    w->edges[at] = plan_slot_expr(c->plan, edge);
    if (edge_known)
        later(c, plan_call(c->plan, FN_EQ, plan_slot_expr(c->plan, edge),
                           plan_slot_expr(c->plan, before.slot)));
    else if (e->variable.len)
        vec_push(c->arena, &c->scope,
                 (variable){ e->variable, edge, e->has_range ? TYPE_EDGES : TYPE_EDGE });
    if (e->variable.len)
        vec_push(c->arena, &c->edge_names, e->variable);
    if (known)
        later(c, plan_call(c->plan, FN_EQ, plan_slot_expr(c->plan, to),
                           plan_slot_expr(c->plan, target.slot)));
    else
        TRY(bind_node(c, node, to));
    return node_filters(c, node, to, false);
}

/* ---- Searches ---- */

static bool search(compiler *c, walk *w, plan_slot *ret_path)
{
    static const char *const directions[] = { "out", "in", "both" };
    const ast_element *e = w->path->edges;
    uint64_t most = e->has_range ? e->most : 1;
    if (e->properties || e->where || (e->has_range && e->least > 1))
        return cypher_fail(c, e->span.from, "SyntaxError: UnexpectedSyntax",
                           "shortestPath() takes a pattern like (a)-[:TYPE*..n]->(b)");
    TRY(start_node(c, w, 0));
    TRY(start_node(c, w, 1));
    value *types = arena_array_of(c->arena, value, e->label_count);
    for (size_t i = 0; i < e->label_count; i++)
        types[i] = value_text(e->labels[i]);
    plan *p = c->plan;
    plan_expr *all[] = {
        plan_literal_text(p, STR("source")),
        plan_slot_expr(p, w->nodes[0]),
        plan_literal_text(p, STR("target")),
        plan_slot_expr(p, w->nodes[1]),
        plan_literal_text(p, STR("direction")),
        plan_literal_text(p, str_of(directions[e->direction])),
        plan_literal_text(p, STR("maxHops")),
        plan_literal_int(p, most == PLAN_ALL ? 0 : (int64_t)most),
        plan_literal_text(p, STR("relationshipTypes")),
        e->label_count ? plan_literal(p, value_list(types, e->label_count)) : plan_literal_null(p),
    };
    TRY(plan_slot_new(p, w->path->variable, SLOT_VALUE, ret_path, c->err));
    plan_op *op = cypher_add_op(c, PLAN_CALL, w->path->span.from);
    op->call.procedure =
        plan_procedure_find(w->path->search == SEARCH_ALL_SHORTEST ? STR("algo.allShortestPaths")
                                                                   : STR("algo.shortestPath"));
    op->call.options = plan_call_list(p, FN_MAP, all, ARRAY_LEN(all));
    op->call.to[0] = *ret_path;
    if (e->variable.len) {
        plan_slot edges;
        TRY(cypher_bind(c, e->variable, TYPE_EDGES, SLOT_VALUE, &edges));
        cypher_let(c, edges, plan_call(p, FN_PATH_EDGES, plan_slot_expr(p, *ret_path)),
                   e->span.from);
    }
    return true;
}

/* ---- Paths ---- */

static bool element_filters(compiler *c, const walk *w)
{
    for (size_t i = 0; i <= w->path->edge_count; i++) {
        plan_expr *tests;
        TRY(property_tests(c, &w->path->nodes[i], w->nodes[i], &tests));
        if (tests)
            later(c, tests);
        if (w->path->nodes[i].where) {
            TRY(cypher_condition(c, w->path->nodes[i].where, &tests));
            later(c, tests);
        }
        bool is_edge = i < w->path->edge_count && !w->path->search && !w->path->edges[i].has_range;
        if (!is_edge)
            continue;
        TRY(property_tests(c, &w->path->edges[i], w->edges[i]->slot, &tests));
        if (tests)
            later(c, tests);
        if (w->path->edges[i].where) {
            TRY(cypher_condition(c, w->path->edges[i].where, &tests));
            later(c, tests);
        }
    }
    return true;
}

static bool name_path(compiler *c, walk *w, plan_slot searched)
{
    VEC(plan_expr *) pieces = { 0 };
    const ast_path *path = w->path;
    plan_slot to;
    if (path->variable.len == 0)
        return true;
    if (cypher_find(c, path->variable))
        return cypher_fail(c, path->span.from, "SyntaxError: VariableAlreadyBound",
                           "`" STR_FMT "` is defined already", STR_ARG(path->variable));
    if (searched) {
        vec_push(c->arena, &c->scope, (variable){ path->variable, searched, TYPE_PATH });
        return true;
    }
    for (size_t i = 0; i <= path->edge_count; i++) {
        vec_push(c->arena, &pieces, plan_slot_expr(c->plan, w->nodes[i]));
        if (i < path->edge_count)
            vec_push(c->arena, &pieces, w->edges[i]);
    }
    TRY(cypher_bind(c, path->variable, TYPE_PATH, SLOT_VALUE, &to));
    cypher_let(c, to, plan_call_list(c->plan, FN_PATH_OF, pieces.items, pieces.count),
               path->span.from);
    return true;
}

/* Starts at the first node that is known, else at the first, and walks both ways from there. */
static bool compile_path(compiler *c, walk *w)
{
    const ast_path *path = w->path;
    size_t start = 0;
    plan_slot searched = PLAN_NO_SLOT;
    w->nodes = arena_array_of(c->arena, plan_slot, path->edge_count + 1);
    w->edges = arena_array_of(c->arena, plan_expr *, path->edge_count + 1);
    if (path->search) {
        TRY(search(c, w, &searched));
        return name_path(c, w, searched);
    }
    for (size_t i = 0; i <= path->edge_count; i++)
        if (path->nodes[i].variable.len && cypher_find(c, path->nodes[i].variable)) {
            start = i;
            break;
        }
    TRY(start_node(c, w, start));
    for (size_t i = start; i < path->edge_count; i++)
        TRY(step(c, w, i, false));
    for (size_t i = start; i-- > 0;)
        TRY(step(c, w, i, true));
    return name_path(c, w, PLAN_NO_SLOT);
}

/* A name means one kind of thing in a pattern. */
static bool check_names(compiler *c, const ast_path *paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < paths[i].edge_count; k++)
            for (size_t j = 0; j < count; j++) {
                str edge = paths[i].edges[k].variable;
                bool is_path = edge.len && str_eq(edge, paths[j].variable), is_node = false;
                for (size_t n = 0; edge.len && n <= paths[j].edge_count; n++)
                    is_node |= str_eq(edge, paths[j].nodes[n].variable);
                if (is_node)
                    return cypher_fail(c, paths[i].edges[k].span.from,
                                       "SyntaxError: VariableTypeConflict",
                                       "`" STR_FMT "` is a node and a relationship", STR_ARG(edge));
                if (is_path)
                    return cypher_fail(c, paths[i].edges[k].span.from,
                                       j < i ? "SyntaxError: VariableTypeConflict"
                                             : "SyntaxError: VariableAlreadyBound",
                                       "`" STR_FMT "` is a path and a relationship", STR_ARG(edge));
            }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; paths[i].variable.len && j < count; j++) {
            bool is_twice = j < i && str_eq(paths[i].variable, paths[j].variable);
            for (size_t n = 0; n <= paths[j].edge_count; n++)
                is_twice |= str_eq(paths[i].variable, paths[j].nodes[n].variable);
            if (is_twice && j > i)
                return cypher_fail(c, paths[j].span.from, "SyntaxError: VariableTypeConflict",
                                   "`" STR_FMT "` is a path already", STR_ARG(paths[i].variable));
            if (is_twice)
                return cypher_fail(c, paths[i].span.from, "SyntaxError: VariableAlreadyBound",
                                   "`" STR_FMT "` is defined twice", STR_ARG(paths[i].variable));
        }
    return true;
}

static bool compile_paths(compiler *c, const ast_path *paths, size_t count)
{
    walk *walks = arena_array_of(c->arena, walk, count);
    TRY(check_names(c, paths, count));
    for (size_t i = 0; i < count; i++) {
        walks[i].path = &paths[i];
        TRY(compile_path(c, &walks[i]));
    }
    for (size_t i = 0; i < count; i++)
        TRY(element_filters(c, &walks[i]));
    for (size_t i = 0; i < c->filters.count; i++)
        cypher_filter(c, c->filters.items[i], paths[0].span.from);
    c->filters.count = 0;
    return true;
}

static bool is_inner_query(const plan_expr *e)
{
    return e->kind == EXPR_QUERY && !e->query.result;
}

/* A condition; whether a sub-plan gives rows is asked by an operator of its own. */
static void add_condition(compiler *c, plan_expr *e, size_t offset)
{
    bool is_not =
        e->kind == EXPR_CALL && e->call.function == FN_NOT && is_inner_query(e->call.args[0]);
    if (e->kind == EXPR_CALL && e->call.function == FN_AND) {
        for (size_t i = 0; i < e->call.arg_count; i++)
            add_condition(c, e->call.args[i], offset);
    } else if (is_not || is_inner_query(e)) {
        plan_expr *inner = is_not ? e->call.args[0] : e;
        plan_op *op = cypher_add_op(c, PLAN_APPLY, offset);
        op->branches.mode = is_not ? APPLY_ANTI : APPLY_SEMI;
        op->branches.items = arena_copy(c->arena, &inner->query.root, sizeof(plan_op *));
        op->branches.count = 1;
    } else {
        cypher_filter(c, e, offset);
    }
}

bool cypher_match(compiler *c, const ast_path *paths, size_t count, const ast_expr *where)
{
    plan_expr *condition;
    c->edges.count = c->trails.count = c->edge_names.count = 0;
    TRY(compile_paths(c, paths, count));
    if (!where)
        return true;
    if (cypher_has_aggregate(where))
        return cypher_fail(c, where->span.from, "SyntaxError: InvalidAggregation",
                           "aggregates cannot stand in WHERE");
    TRY(cypher_condition(c, where, &condition));
    add_condition(c, condition, where->span.from);
    return true;
}

/* A pattern inside an expression brings no new names with it, but for its own body. */
static bool check_new_names(compiler *c, const ast_path *path)
{
    for (size_t i = 0; i <= path->edge_count; i++) {
        str node = path->nodes[i].variable,
            edge = i < path->edge_count ? path->edges[i].variable : STR("");
        if (node.len && !cypher_find(c, node))
            return cypher_fail(c, path->nodes[i].span.from, "SyntaxError: UndefinedVariable",
                               "variable `" STR_FMT "` is not defined", STR_ARG(node));
        if (edge.len && !cypher_find(c, edge))
            return cypher_fail(c, path->edges[i].span.from, "SyntaxError: UndefinedVariable",
                               "variable `" STR_FMT "` is not defined", STR_ARG(edge));
    }
    return true;
}

bool cypher_pattern_query(compiler *c, const ast_path *path, const ast_expr *where,
                          const ast_expr *body, plan_expr **ret)
{
    compiler outer = *c;
    plan_slot result = PLAN_NO_SLOT;
    type ignored;
    if (!body)
        TRY(check_new_names(c, path));
    memset(&c->edges, 0, sizeof c->edges);
    memset(&c->trails, 0, sizeof c->trails);
    memset(&c->edge_names, 0, sizeof c->edge_names);
    memset(&c->filters, 0, sizeof c->filters);
    c->groups = c->ready = NULL;
    c->aggregation = NULL;
    c->scope.items = arena_copy(c->arena, c->scope.items, c->scope.count * sizeof(variable));
    c->scope.capacity = c->scope.count;
    c->op = plan_op_new(c->plan, PLAN_ARGUMENT, NULL, path->span.from);
    TRY(cypher_match(c, path, 1, where));
    if (body) {
        plan_op *op;
        plan_expr *x;
        TRY(cypher_expression(c, body, &x, &ignored));
        TRY(plan_slot_new(c->plan, STR(""), SLOT_VALUE, &result, c->err));
        /* nulls count as items: each is collected in a list of its own */
        plan_slot nested;
        TRY(plan_slot_new(c->plan, STR(""), SLOT_VALUE, &nested, c->err));
        op = cypher_add_op(c, PLAN_AGGREGATE, path->span.from);
        op->aggregate.items = arena_new_of(c->arena, plan_aggregate);
        op->aggregate.item_count = 1;
        op->aggregate.items[0] = (plan_aggregate){ .kind = AGGREGATE_COLLECT,
                                                   .of = plan_call(c->plan, FN_LIST, x),
                                                   .to = nested };
        plan_expr *flat = arena_new_of(c->plan->arena, plan_expr);
        flat->kind = EXPR_EACH;
        flat->each.kind = EACH_MAP;
        flat->each.list = plan_slot_expr(c->plan, nested);
        TRY(plan_slot_new(c->plan, STR(""), SLOT_VALUE, &flat->each.item, c->err));
        flat->each.body = plan_call(c->plan, FN_ITEM, plan_slot_expr(c->plan, flat->each.item),
                                    plan_literal_int(c->plan, 0));
        cypher_let(c, result, flat, path->span.from);
    }
    *ret = arena_new_of(c->plan->arena, plan_expr);
    **ret =
        (plan_expr){ .kind = EXPR_QUERY, .offset = path->span.from, .query = { c->op, result } };
    error *err = c->err;
    *c = outer;
    c->err = err;
    return true;
}
