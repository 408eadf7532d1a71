/* Patterns: scans, expansions and searches as they are read. */
#include "cypher/internal.h"

typedef struct element {
    str name;
    plan_labels labels;
    bool has_labels;
    VEC(str) keys;
    VEC(plan_expr *) values;
    bool is_trail; /* of an edge: *least..most */
    uint64_t least, most;
} element;

static bool parse_bound(compiler *c, uint64_t otherwise, uint64_t *ret)
{
    *ret = otherwise;
    cypher_skip_blanks(c);
    if (c->at >= c->text.len || c->text.data[c->at] < '0' || c->text.data[c->at] > '9')
        return true;
    size_t end = c->at;
    while (end < c->text.len && c->text.data[end] >= '0' && c->text.data[end] <= '9')
        end++;
    str digits = str_slice(c->text, c->at, end);
    c->at = end;
    return str_to_u64(digits, ret) ? true : cypher_fail_here(c, "a whole number");
}

/* Behind the star: nothing, n, n.., ..m, n..m. */
static bool parse_range(compiler *c, element *ret)
{
    ret->is_trail = true;
    TRY(parse_bound(c, 1, &ret->least));
    bool is_given = c->text.data[c->at - 1] >= '0' && c->text.data[c->at - 1] <= '9';
    ret->most = is_given ? ret->least : PLAN_ALL;
    return cypher_take(c, "..") ? parse_bound(c, PLAN_ALL, &ret->most) : true;
}

/* name? :A|B? *n..m? {key: value, …}? */
static bool parse_element(compiler *c, bool is_edge, element *ret)
{
    *ret = (element){ .labels.is_any = true };
    ret->name = cypher_peek_word(c);
    c->at += ret->name.len;
    if (cypher_take(c, ":")) {
        VEC(uint32_t) labels = { 0 };
        do {
            str label;
            cypher_take(c, ":");
            TRY(cypher_parse_name(c, is_edge ? "a type of relationships" : "a label", &label));
            int number = is_edge ? graph_find_edge_label(c->graph, label)
                                 : graph_find_vertex_label(c->graph, label);
            if (number >= 0)
                vec_push(c->arena, &labels, (uint32_t)number);
        } while (cypher_take(c, "|"));
        ret->labels = (plan_labels){ false, labels.items, labels.count };
        ret->has_labels = true;
    }
    if (is_edge && cypher_take(c, "*"))
        TRY(parse_range(c, ret));
    if (!cypher_take(c, "{"))
        return true;
    if (cypher_take(c, "}"))
        return true;
    do {
        str key;
        plan_expr *x;
        TRY(cypher_parse_name(c, "the name of a property", &key));
        TRY(cypher_need(c, ":"));
        TRY(cypher_parse_expression(c, &x));
        vec_push(c->arena, &ret->keys, key);
        vec_push(c->arena, &ret->values, x);
    } while (cypher_take(c, ","));
    return cypher_need(c, "}");
}

static void filter_properties(compiler *c, const element *e, plan_slot slot)
{
    for (size_t i = 0; i < e->keys.count; i++)
        cypher_filter(
            c, plan_call(c->plan, FN_EQ,
                         plan_property(c->plan, plan_slot_expr(c->plan, slot), e->keys.items[i]),
                         e->values.items[i]));
}

static void filter_labels(compiler *c, const element *e, plan_slot slot)
{
    if (!e->has_labels)
        return;
    value *names = arena_array_of(c->arena, value, e->labels.count);
    for (size_t i = 0; i < e->labels.count; i++)
        names[i] = value_text(graph_vertex_label(c->graph, e->labels.items[i])->name);
    value list = { .kind = VALUE_LIST, .list = { names, e->labels.count } };
    cypher_filter(c, plan_call(c->plan, FN_IN,
                               plan_call(c->plan, FN_LABEL, plan_slot_expr(c->plan, slot)),
                               plan_literal(c->plan, list)));
}

static bool name_slot(compiler *c, const element *e, plan_slot slot)
{
    if (e->name.len)
        vec_push(c->arena, &c->variables, (variable){ e->name, slot });
    return true;
}

/* (a:Label {key: value}), the first of a chain. */
static bool start_chain(compiler *c, plan_slot *ret)
{
    element e;
    TRY(cypher_need(c, "("));
    TRY(parse_element(c, false, &e));
    TRY(cypher_need(c, ")"));
    *ret = e.name.len ? cypher_find_variable(c, e.name) : PLAN_NO_SLOT;
    if (*ret) {
        filter_labels(c, &e, *ret);
    } else {
        TRY(plan_slot_new(c->plan, e.name, SLOT_VERTEX, ret, c->err));
        plan_op *op = cypher_add_op(c, PLAN_SCAN_VERTICES);
        op->scan.labels = e.labels;
        op->scan.to = *ret;
        name_slot(c, &e, *ret);
    }
    filter_properties(c, &e, *ret);
    return true;
}

/* What a chain has passed, for `p = …`. */
typedef struct chain {
    plan_slot current;
    VEC(plan_expr *) pieces; /* vertex, edge or list of edges, vertex, … */
} chain;

static plan_expr *properties_test(compiler *c, const element *e, plan_slot slot)
{
    plan_expr *all = NULL;
    for (size_t i = 0; i < e->keys.count; i++)
        all = plan_and(
            c->plan, all,
            plan_call(c->plan, FN_EQ,
                      plan_property(c->plan, plan_slot_expr(c->plan, slot), e->keys.items[i]),
                      e->values.items[i]));
    return all;
}

static bool add_trail(compiler *c, const element *edge, plan_slot from, plan_slot to,
                      plan_direction direction, plan_slot *ret_edges)
{
    plan_slot one;
    TRY(plan_slot_new(c->plan, edge->name, SLOT_VALUE, ret_edges, c->err));
    TRY(plan_slot_new(c->plan, STR(""), SLOT_EDGE, &one, c->err));
    plan_op *op = cypher_add_op(c, PLAN_TRAIL);
    op->trail.from = from;
    op->trail.to = to;
    op->trail.direction = direction;
    op->trail.labels = edge->labels;
    op->trail.least = edge->least;
    op->trail.most = edge->most;
    op->trail.edges = *ret_edges;
    op->trail.edge = one;
    op->trail.predicate = properties_test(c, edge, one);
    for (size_t i = 0; i < c->edges.count; i++)
        cypher_filter(
            c, plan_call(c->plan, FN_NOT,
                         plan_call(c->plan, FN_IN, plan_slot_expr(c->plan, c->edges.items[i]),
                                   plan_slot_expr(c->plan, *ret_edges))));
    for (size_t i = 0; i < c->trails.count; i++)
        cypher_filter(c,
                      plan_call(c->plan, FN_DISJOINT, plan_slot_expr(c->plan, c->trails.items[i]),
                                plan_slot_expr(c->plan, *ret_edges)));
    vec_push(c->arena, &c->trails, *ret_edges);
    return true;
}

static bool add_edge(compiler *c, const element *edge, plan_slot from, plan_slot to,
                     plan_direction direction, plan_slot *ret_edge)
{
    TRY(plan_slot_new(c->plan, edge->name, SLOT_EDGE, ret_edge, c->err));
    plan_op *op = cypher_add_op(c, PLAN_EXPAND);
    op->expand.from = from;
    op->expand.direction = direction;
    op->expand.labels = edge->labels;
    op->expand.edge = *ret_edge;
    op->expand.meets_loops_once = true;
    op->expand.to = to;
    filter_properties(c, edge, *ret_edge);
    for (size_t i = 0; i < c->edges.count; i++) /* relationship uniqueness of a MATCH */
        cypher_filter(c, plan_call(c->plan, FN_NE, plan_slot_expr(c->plan, c->edges.items[i]),
                                   plan_slot_expr(c->plan, *ret_edge)));
    for (size_t i = 0; i < c->trails.count; i++)
        cypher_filter(c, plan_call(c->plan, FN_NOT,
                                   plan_call(c->plan, FN_IN, plan_slot_expr(c->plan, *ret_edge),
                                             plan_slot_expr(c->plan, c->trails.items[i]))));
    vec_push(c->arena, &c->edges, *ret_edge);
    return true;
}

/* [e:TYPE]->(b) and its mirror images, behind the first dash. */
static bool parse_hop(compiler *c, bool comes_in, element *edge, element *node,
                      plan_direction *ret_direction)
{
    *edge = (element){ .labels.is_any = true };
    if (cypher_take(c, "[")) {
        TRY(parse_element(c, true, edge));
        TRY(cypher_need(c, "]"));
    }
    TRY(cypher_need(c, "-"));
    bool goes_out = cypher_take(c, ">");
    TRY(cypher_need(c, "("));
    TRY(parse_element(c, false, node));
    *ret_direction = comes_in == goes_out ? DIRECTION_BOTH
                     : comes_in           ? DIRECTION_IN
                                          : DIRECTION_OUT;
    return cypher_need(c, ")");
}

static bool extend_chain(compiler *c, bool comes_in, chain *ch)
{
    element edge, node;
    plan_slot edge_slot, to;
    plan_direction direction;
    TRY(parse_hop(c, comes_in, &edge, &node, &direction));
    plan_slot bound = node.name.len ? cypher_find_variable(c, node.name) : PLAN_NO_SLOT;
    TRY(plan_slot_new(c->plan, bound ? STR("") : node.name, SLOT_VERTEX, &to, c->err));
    TRY(edge.is_trail ? add_trail(c, &edge, ch->current, to, direction, &edge_slot)
                      : add_edge(c, &edge, ch->current, to, direction, &edge_slot));
    if (edge.name.len)
        vec_push(c->arena, &c->variables, (variable){ edge.name, edge_slot });
    if (bound)
        cypher_filter(c, plan_call(c->plan, FN_EQ, plan_slot_expr(c->plan, to),
                                   plan_slot_expr(c->plan, bound)));
    else
        name_slot(c, &node, to);
    filter_labels(c, &node, to);
    filter_properties(c, &node, to);
    ch->current = to;
    vec_push(c->arena, &ch->pieces, plan_slot_expr(c->plan, edge_slot));
    vec_push(c->arena, &ch->pieces, plan_slot_expr(c->plan, to));
    return true;
}

static bool starts_hop(compiler *c, bool *ret_comes_in)
{
    *ret_comes_in = cypher_take(c, "<-");
    return *ret_comes_in || cypher_take(c, "-");
}

/* shortestPath((a)-[:T*..n]->(b)), behind its name: a search between the two. */
static bool parse_search(compiler *c, bool is_all, str path_name)
{
    element edge, node;
    plan_slot from, to, path, edges;
    plan_direction direction;
    bool comes_in;
    size_t offset = c->at;
    static const char *const directions[] = { "out", "in", "both" };
    TRY(cypher_need(c, "("));
    TRY(start_chain(c, &from));
    if (!starts_hop(c, &comes_in))
        return cypher_fail_here(c, "a relationship");
    TRY(parse_hop(c, comes_in, &edge, &node, &direction));
    TRY(cypher_need(c, ")"));
    if (!edge.is_trail)
        edge.most = 1;
    if (edge.keys.count || (edge.is_trail && edge.least > 1))
        return fail_at(c->err, STR("cypher"), c->text, offset,
                       "shortestPath() takes a pattern like (a)-[:TYPE*..n]->(b)");
    to = node.name.len ? cypher_find_variable(c, node.name) : PLAN_NO_SLOT;
    if (!to) {
        TRY(plan_slot_new(c->plan, node.name, SLOT_VERTEX, &to, c->err));
        plan_op *op = cypher_add_op(c, PLAN_SCAN_VERTICES);
        op->scan.labels = node.labels;
        op->scan.to = to;
        name_slot(c, &node, to);
    } else {
        filter_labels(c, &node, to);
    }
    filter_properties(c, &node, to);
    value *types = arena_array_of(c->arena, value, edge.labels.count);
    for (size_t i = 0; i < edge.labels.count; i++)
        types[i] = value_text(graph_edge_label(c->graph, edge.labels.items[i])->name);
    plan_expr *all[] = { plan_literal_text(c->plan, STR("source")),
                         plan_slot_expr(c->plan, from),
                         plan_literal_text(c->plan, STR("target")),
                         plan_slot_expr(c->plan, to),
                         plan_literal_text(c->plan, STR("direction")),
                         plan_literal_text(c->plan, str_of(directions[direction])),
                         plan_literal_text(c->plan, STR("maxHops")),
                         plan_literal_int(c->plan, edge.most == PLAN_ALL ? 0 : (int64_t)edge.most),
                         plan_literal_text(c->plan, STR("relationshipTypes")),
                         edge.labels.is_any
                             ? plan_literal_null(c->plan)
                             : plan_literal(c->plan, value_list(types, edge.labels.count)) };
    TRY(plan_slot_new(c->plan, path_name, SLOT_VALUE, &path, c->err));
    plan_op *op = cypher_add_op(c, PLAN_CALL);
    op->call.procedure =
        plan_procedure_find(is_all ? STR("algo.allShortestPaths") : STR("algo.shortestPath"));
    op->call.options = plan_call_list(c->plan, FN_MAP, all, ARRAY_LEN(all));
    op->call.to[0] = path;
    if (path_name.len)
        vec_push(c->arena, &c->variables, (variable){ path_name, path });
    if (edge.name.len) {
        TRY(plan_slot_new(c->plan, edge.name, SLOT_VALUE, &edges, c->err));
        plan_op *let = cypher_add_op(c, PLAN_LET);
        let->let.to = edges;
        let->let.expr = plan_call(c->plan, FN_PATH_EDGES, plan_slot_expr(c->plan, path));
        vec_push(c->arena, &c->variables, (variable){ edge.name, edges });
    }
    return true;
}

/* [p =] (a)-[e]->(b)… */
static bool parse_chain(compiler *c)
{
    chain ch = { 0 };
    str path_name = STR("");
    bool comes_in;
    size_t before = c->at;
    str word = cypher_peek_word(c);
    if (word.len) {
        c->at += word.len;
        if (cypher_take(c, "="))
            path_name = word;
        else
            c->at = before;
    }
    if (cypher_take_word(c, "shortestPath"))
        return parse_search(c, false, path_name);
    if (cypher_take_word(c, "allShortestPaths"))
        return parse_search(c, true, path_name);
    TRY(start_chain(c, &ch.current));
    vec_push(c->arena, &ch.pieces, plan_slot_expr(c->plan, ch.current));
    while (starts_hop(c, &comes_in))
        TRY(extend_chain(c, comes_in, &ch));
    if (path_name.len == 0)
        return true;
    plan_slot path;
    TRY(plan_slot_new(c->plan, path_name, SLOT_VALUE, &path, c->err));
    plan_op *let = cypher_add_op(c, PLAN_LET);
    let->let.to = path;
    let->let.expr = plan_call_list(c->plan, FN_PATH_OF, ch.pieces.items, ch.pieces.count);
    vec_push(c->arena, &c->variables, (variable){ path_name, path });
    return true;
}

bool cypher_parse_match(compiler *c)
{
    plan_expr *where;
    c->edges.count = c->trails.count = 0;
    do
        TRY(parse_chain(c));
    while (cypher_take(c, ","));
    if (cypher_take_word(c, "WHERE")) {
        TRY(cypher_parse_expression(c, &where));
        cypher_filter(c, where);
    }
    return true;
}
