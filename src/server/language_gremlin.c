/* Gremlin, as a protocol hands it in: scripts, bytecode and the variables of sessions. The one
 * place of server/ that knows its compiler. */
#include "gremlin/gremlin.h"

#include <stdlib.h>

#include "base/vec.h"
#include "server/language.h"
#include "server/variables.h"

enum { VARIABLE_BYTES = 64 << 20 };

variables *variables_new(void)
{
    variables *v = memory_alloc(sizeof *v);
    v->arena = arena_new();
    return v;
}

void variables_free(variables *v)
{
    if (!v)
        return;
    arena_free(v->arena);
    free(v);
}

/* The map grows by being copied: a session has few variables. */
static value with_pair(arena *a, const value *map, str name, value v)
{
    size_t count = map->kind == VALUE_MAP ? map->map.count : 0;
    value grown = { .kind = VALUE_MAP,
                    .map = { arena_array_of(a, value, count + 1),
                             arena_array_of(a, value, count + 1), 0 } };
    for (size_t i = 0; i < count; i++)
        if (!str_eq(map->map.keys[i].text, name)) {
            grown.map.keys[grown.map.count] = map->map.keys[i];
            grown.map.values[grown.map.count++] = map->map.values[i];
        }
    grown.map.keys[grown.map.count] = value_text(str_copy(a, name));
    grown.map.values[grown.map.count++] = v;
    return grown;
}

static value joined(arena *a, const value *first, const value *second)
{
    value all = *first;
    for (size_t i = 0; second->kind == VALUE_MAP && i < second->map.count; i++)
        all = with_pair(a, &all, second->map.keys[i].text, second->map.values[i]);
    return all;
}

/* Run a traversal to its end: its one result when it asks for one, else a list. */
static bool collect(answer *a, plan *p, arena *into, value *ret, error *err)
{
    AUTO(query_close) query *q = NULL;
    VEC(value) found = { 0 };
    query_options options = answer_limits(a);
    TRY(query_open(a->graph, p, &options, &q, err));
    for (batch *b;;) {
        TRY(query_next(q, &b, err));
        if (!b)
            break;
        const value *values = b->columns[0].data;
        const uint64_t *bulk = b->columns[1].data;
        for (size_t i = 0; i < b->rows; i++)
            for (uint64_t k = 0; k < bulk[i]; k++) {
                if (arena_used_bytes(into) > VARIABLE_BYTES)
                    return fail(err, ERR_LIMIT, "the variables of a session may take %d MiB",
                                VARIABLE_BYTES >> 20);
                vec_push(into, &found, value_copy(into, &values[i]));
            }
    }
    if (p->ending == ENDING_NEXT && found.count)
        *ret = found.items[0];
    else
        *ret = value_list(found.items, found.count);
    return true;
}

/* What a plain value gives: a collection its items, as Gremlin Server iterates it. */
static void give(answer *a, const value *v)
{
    value *copy = arena_new_of(a->arena, value);
    *copy = *v;
    if (v->kind == VALUE_LIST || v->kind == VALUE_SET)
        answer_give(a, v->list.items, v->list.count);
    else
        answer_give(a, copy, 1);
}

static bool find_variable(const value *bindings, str name, value *ret, error *err)
{
    for (size_t i = 0; bindings->kind == VALUE_MAP && i < bindings->map.count; i++)
        if (str_eq(bindings->map.keys[i].text, name)) {
            *ret = bindings->map.values[i];
            return true;
        }
    return fail(err, ERR_INVALID, "there is no variable " STR_FMT " and no binding of that name",
                STR_ARG(name));
}

/* A statement whose value is kept under a name, or not needed. */
static bool run_statement(answer *a, const answer_request *r, const gremlin_statement *s,
                          value *bindings, error *err)
{
    arena *into = r->variables ? r->variables->arena : a->arena;
    value v;
    plan *p;
    if (s->of.kind == ARG_TRAVERSAL) {
        TRY(gremlin_compile_traversal(a->arena, r->text, s->of.traversal, bindings, a->graph, &p,
                                      err));
        TRY(collect(a, p, into, &v, err));
    } else if (s->of.kind == ARG_VARIABLE) {
        TRY(find_variable(bindings, s->of.variable, &v, err));
    } else if (s->of.kind == ARG_LITERAL) {
        v = value_copy(into, &s->of.literal);
    } else {
        return fail(err, ERR_INVALID, "a statement is a traversal or a value");
    }
    if (s->variable.len) {
        *bindings = with_pair(a->arena, bindings, s->variable, v);
        if (r->variables)
            r->variables->map = with_pair(into, &r->variables->map, s->variable, v);
    }
    return true;
}

static bool run_script(answer *a, const answer_request *r, error *err)
{
    gremlin_script script;
    value bindings = r->parameters, v;
    plan *p;
    if (r->variables)
        bindings = joined(a->arena, &r->variables->map, &r->parameters);
    if (bindings.kind != VALUE_MAP)
        bindings = (value){ .kind = VALUE_MAP };
    TRY(gremlin_parse_script(a->arena, r->text, &script, err));
    if (!script.count)
        return fail(err, ERR_INVALID, "there is nothing to evaluate");
    const gremlin_statement *last = &script.statements[script.count - 1];
    for (size_t i = 0; i + 1 < script.count; i++)
        TRY(run_statement(a, r, &script.statements[i], &bindings, err));
    value *kept = arena_new_of(a->arena, value);
    if (last->variable.len) {
        TRY(run_statement(a, r, last, &bindings, err));
        TRY(find_variable(&bindings, last->variable, &v, err));
    } else if (last->of.kind == ARG_VARIABLE) {
        TRY(find_variable(&bindings, last->of.variable, &v, err));
    } else if (last->of.kind == ARG_LITERAL) {
        v = last->of.literal;
    } else if (last->of.kind == ARG_TRAVERSAL) {
        *kept = bindings;
        TRY(gremlin_compile_traversal(a->arena, r->text, last->of.traversal, kept, a->graph, &p,
                                      err));
        return answer_run(a, p, err);
    } else {
        return fail(err, ERR_INVALID, "a statement is a traversal or a value");
    }
    give(a, &v);
    return true;
}

bool language_open_gremlin(answer *a, const answer_request *r, error *err)
{
    plan *p;
    if (!r->bytecode)
        return run_script(a, r, err);
    gremlin_bindings bindings = r->parameters.kind == VALUE_MAP ? &r->parameters : NULL;
    TRY(gremlin_compile_traversal(a->arena, r->text, r->bytecode, bindings, a->graph, &p, err));
    return answer_run(a, p, err);
}
