/* Clauses that change a scratch graph. */
#include "cypher/internal.h"

static bool check_writable(compiler *c, size_t offset, const char *clause)
{
    c->writes = true;
    return graph_is_scratch(c->graph)
               ? true
               : cypher_fail(c, offset, "SemanticError: ReadOnlyGraph",
                             "%s would change the graph, which is read-only: it is the tables",
                             clause);
}

static plan_expr *label_list(compiler *c, const str *names, size_t count)
{
    value *items = arena_array_of(c->arena, value, count);
    for (size_t i = 0; i < count; i++)
        items[i] = value_text(names[i]);
    return plan_literal(c->plan, value_list(items, count));
}

static bool properties(compiler *c, const ast_element *e, plan_expr **ret)
{
    type ignored;
    *ret = NULL;
    return e->properties ? cypher_expression(c, e->properties, ret, &ignored) : true;
}

/* A property of a pattern that is null can be neither found nor made: MERGE says so. */
static bool create_node(compiler *c, const ast_element *e, bool is_alone, plan_slot *ret)
{
    const variable *v = e->variable.len ? cypher_find(c, e->variable) : NULL;
    plan_expr *map;
    if (v) {
        if (is_alone || e->label_count || e->properties)
            return cypher_fail(c, e->span.from, "SyntaxError: VariableAlreadyBound",
                               "`" STR_FMT "` is defined already", STR_ARG(e->variable));
        if (v->type != TYPE_NODE && v->type != TYPE_ANY)
            return cypher_fail(c, e->span.from, "SyntaxError: VariableTypeConflict",
                               "`" STR_FMT "` is no node", STR_ARG(e->variable));
        *ret = v->slot;
        return true;
    }
    TRY(properties(c, e, &map));
    TRY(plan_slot_new(c->plan, e->variable, SLOT_VERTEX, ret, c->err));
    plan_op *op = cypher_add_op(c, PLAN_CREATE_VERTEX, e->span.from);
    op->create.label = e->label_count ? label_list(c, e->labels, e->label_count) : NULL;
    op->create.properties = map;
    op->create.slot = *ret;
    if (e->variable.len)
        vec_push(c->arena, &c->scope, (variable){ e->variable, *ret, TYPE_NODE });
    return true;
}

static bool check_edge(compiler *c, const ast_element *e, bool is_merge)
{
    if (e->has_range)
        return cypher_fail(c, e->span.from, "SyntaxError: CreatingVarLength",
                           "a relationship of variable length cannot be made");
    if (e->variable.len && cypher_find(c, e->variable))
        return cypher_fail(c, e->span.from, "SyntaxError: VariableAlreadyBound",
                           "`" STR_FMT "` is defined already", STR_ARG(e->variable));
    if (e->label_count != 1)
        return cypher_fail(c, e->span.from, "SyntaxError: NoSingleRelationshipType",
                           "a relationship that is made has one type");
    if (e->direction == DIRECTION_BOTH && !is_merge)
        return cypher_fail(c, e->span.from, "SyntaxError: RequiresDirectedRelationship",
                           "a relationship that is made has a direction");
    return true;
}

static bool create_edge(compiler *c, const ast_element *e, plan_slot from, plan_slot to,
                        plan_slot *ret)
{
    plan_expr *map;
    bool comes_in = e->direction == DIRECTION_IN;
    TRY(properties(c, e, &map));
    TRY(plan_slot_new(c->plan, e->variable, SLOT_EDGE, ret, c->err));
    plan_op *op = cypher_add_op(c, PLAN_CREATE_EDGE, e->span.from);
    op->create.label = plan_literal_text(c->plan, e->labels[0]);
    op->create.from = plan_slot_expr(c->plan, comes_in ? to : from);
    op->create.to = plan_slot_expr(c->plan, comes_in ? from : to);
    op->create.properties = map;
    op->create.slot = *ret;
    if (e->variable.len)
        vec_push(c->arena, &c->scope, (variable){ e->variable, *ret, TYPE_EDGE });
    return true;
}

static bool create_path(compiler *c, const ast_path *path, bool is_merge)
{
    VEC(plan_expr *) pieces = { 0 };
    plan_slot *nodes = arena_array_of(c->arena, plan_slot, path->edge_count + 1), edge, to;
    if (path->variable.len && cypher_find(c, path->variable))
        return cypher_fail(c, path->span.from, "SyntaxError: VariableAlreadyBound",
                           "`" STR_FMT "` is defined already", STR_ARG(path->variable));
    for (size_t i = 0; i < path->edge_count; i++)
        TRY(check_edge(c, &path->edges[i], is_merge));
    for (size_t i = 0; i <= path->edge_count; i++)
        TRY(create_node(c, &path->nodes[i], path->edge_count == 0 && !is_merge, &nodes[i]));
    vec_push(c->arena, &pieces, plan_slot_expr(c->plan, nodes[0]));
    for (size_t i = 0; i < path->edge_count; i++) {
        TRY(create_edge(c, &path->edges[i], nodes[i], nodes[i + 1], &edge));
        vec_push(c->arena, &pieces, plan_slot_expr(c->plan, edge));
        vec_push(c->arena, &pieces, plan_slot_expr(c->plan, nodes[i + 1]));
    }
    if (path->variable.len == 0)
        return true;
    TRY(cypher_bind(c, path->variable, TYPE_PATH, SLOT_VALUE, &to));
    cypher_let(c, to, plan_call_list(c->plan, FN_PATH_OF, pieces.items, pieces.count),
               path->span.from);
    return true;
}

bool cypher_create(compiler *c, const ast_clause *clause)
{
    TRY(check_writable(c, clause->span.from, "CREATE"));
    for (size_t i = 0; i < clause->match.count; i++)
        TRY(create_path(c, &clause->match.paths[i], false));
    return true;
}

/* ---- Set and remove ---- */

static bool change(compiler *c, const ast_change *x, plan_change *ret)
{
    const ast_expr *of = x->of;
    type t;
    *ret = (plan_change){ .kind = x->kind };
    if (x->kind == CHANGE_PROPERTY && of->kind == AST_PROPERTY) {
        ret->key = plan_literal_text(c->plan, of->property.key);
        of = of->property.of;
    } else if (x->kind == CHANGE_PROPERTY) {
        TRY(cypher_expression(c, of->op.args[1], &ret->key, &t));
        of = of->op.args[0];
    }
    TRY(cypher_expression(c, of, &ret->of, &t));
    if (x->labels)
        ret->value = label_list(c, x->labels, x->label_count);
    else if (x->value)
        TRY(cypher_expression(c, x->value, &ret->value, &t));
    else
        ret->value = plan_literal_null(c->plan);
    return true;
}

bool cypher_set(compiler *c, const ast_change *items, size_t count, size_t offset)
{
    plan_change *all = arena_array_of(c->arena, plan_change, count);
    TRY(check_writable(c, offset, "SET"));
    for (size_t i = 0; i < count; i++)
        TRY(change(c, &items[i], &all[i]));
    plan_op *op = cypher_add_op(c, PLAN_SET, offset);
    op->set.items = all;
    op->set.count = count;
    return true;
}

bool cypher_delete(compiler *c, const ast_clause *clause)
{
    plan_expr **all = arena_array_of(c->arena, plan_expr *, clause->delete.count);
    TRY(check_writable(c, clause->span.from, "DELETE"));
    for (size_t i = 0; i < clause->delete.count; i++) {
        type t;
        const ast_expr *e = clause->delete.items[i];
        if (e->kind == AST_HAS_LABELS)
            return cypher_fail(c, e->span.from, "SyntaxError: InvalidDelete",
                               "labels are taken away by REMOVE");
        TRY(cypher_expression(c, e, &all[i], &t));
        if (t == TYPE_INT || t == TYPE_FLOAT || t == TYPE_TEXT || t == TYPE_BOOL || t == TYPE_MAP)
            return cypher_fail(c, e->span.from, "SyntaxError: InvalidArgumentType",
                               "only nodes, relationships and paths can be deleted");
    }
    plan_op *op = cypher_add_op(c, PLAN_DELETE, clause->span.from);
    op->delete.items = all;
    op->delete.count = clause->delete.count;
    op->delete.is_detached = clause->delete.is_detached;
    return true;
}

/* ---- Merge: what matches, or else what is made; row by row ---- */

static plan_op *argument(compiler *c, size_t offset)
{
    return plan_op_new(c->plan, PLAN_ARGUMENT, NULL, offset);
}

/* Properties that are null are an error; they would match nothing and be made anew each time. */
static bool check_merge(compiler *c, const ast_path *path)
{
    for (size_t i = 0; i <= path->edge_count; i++) {
        const ast_element *all[] = { &path->nodes[i],
                                     i < path->edge_count ? &path->edges[i] : NULL };
        for (size_t k = 0; k < ARRAY_LEN(all); k++) {
            const ast_expr *map = all[k] ? all[k]->properties : NULL;
            for (size_t n = 0; map && map->kind == AST_MAP && n < map->map.count; n++)
                if (map->map.items[n].value->kind == AST_LITERAL &&
                    map->map.items[n].value->literal.kind == VALUE_NULL)
                    return cypher_fail(c, map->span.from, "SemanticError: MergeReadOwnWrites",
                                       "MERGE cannot use a property that is null");
            if (map && map->kind == AST_PARAMETER)
                return cypher_fail(c, map->span.from, "SyntaxError: InvalidParameterUse",
                                   "a parameter cannot stand for the properties of MERGE");
        }
    }
    if (path->edge_count == 0 && path->nodes[0].variable.len &&
        cypher_find(c, path->nodes[0].variable))
        return cypher_fail(c, path->span.from, "SyntaxError: VariableAlreadyBound",
                           "`" STR_FMT "` is defined already", STR_ARG(path->nodes[0].variable));
    for (size_t i = 0; i <= path->edge_count; i++) {
        const ast_element *n = &path->nodes[i];
        if (n->variable.len && (n->label_count || n->properties) && cypher_find(c, n->variable))
            return cypher_fail(c, n->span.from, "SyntaxError: VariableAlreadyBound",
                               "`" STR_FMT "` is defined already", STR_ARG(n->variable));
    }
    for (size_t i = 0; i < path->edge_count; i++)
        TRY(check_edge(c, &path->edges[i], true));
    return true;
}

bool cypher_merge(compiler *c, const ast_clause *clause)
{
    const ast_path *path = clause->match.paths;
    size_t offset = clause->span.from;
    TRY(check_writable(c, offset, "MERGE"));
    TRY(check_merge(c, path));
    plan_op *outer = cypher_add_op(c, PLAN_EAGER, offset), *branches[2];
    scope before = c->scope, first;
    for (int i = 0; i < 2; i++) {
        c->op = argument(c, offset);
        c->scope.items = arena_copy(c->arena, before.items, before.count * sizeof(variable));
        c->scope.count = c->scope.capacity = before.count;
        TRY(i == 0 ? cypher_match(c, path, 1, NULL) : create_path(c, path, true));
        size_t count = i == 0 ? clause->on_match_count : clause->on_create_count;
        if (count)
            TRY(cypher_set(c, i == 0 ? clause->on_match : clause->on_create, count, offset));
        if (i == 0)
            first = c->scope;
        /* both leave the same names in the same slots */
        for (size_t k = before.count; i == 1 && k < first.count; k++) {
            const variable *made = cypher_find(c, first.items[k].name);
            cypher_let(c, first.items[k].slot, plan_slot_expr(c->plan, made->slot), offset);
        }
        branches[i] = c->op;
    }
    c->op = outer;
    c->scope = first;
    plan_op *op = cypher_add_op(c, PLAN_APPLY, offset);
    op->branches.mode = APPLY_COALESCE;
    op->branches.items = arena_copy(c->arena, branches, sizeof branches);
    op->branches.count = 2;
    cypher_add_op(c, PLAN_EAGER, offset);
    return true;
}

/* A sub-plan that gives no row, so that each row comes out as it went in. */
bool cypher_foreach(compiler *c, const ast_clause *clause)
{
    plan_expr *list;
    plan_slot item;
    type t;
    size_t offset = clause->span.from;
    TRY(check_writable(c, offset, "FOREACH"));
    TRY(cypher_expression(c, clause->each.list, &list, &t));
    plan_op *outer = cypher_add_op(c, PLAN_EAGER, offset);
    scope before = c->scope;
    c->scope.items = arena_copy(c->arena, before.items, before.count * sizeof(variable));
    c->scope.capacity = before.count;
    c->op = argument(c, offset);
    TRY(cypher_bind(c, clause->each.variable, TYPE_ANY, SLOT_VALUE, &item));
    plan_op *unwind = cypher_add_op(c, PLAN_UNWIND, offset);
    unwind->unwind.list = list;
    unwind->unwind.to = item;
    for (size_t i = 0; i < clause->each.count; i++)
        TRY(cypher_clause(c, &clause->each.clauses[i], false));
    cypher_add_op(c, PLAN_NOTHING, offset);
    plan_op **branch = arena_copy(c->arena, &c->op, sizeof c->op);
    c->op = outer;
    c->scope = before;
    plan_op *op = cypher_add_op(c, PLAN_APPLY, offset);
    op->branches.mode = APPLY_OPTIONAL;
    op->branches.items = branch;
    op->branches.count = 1;
    cypher_add_op(c, PLAN_EAGER, offset);
    return true;
}
