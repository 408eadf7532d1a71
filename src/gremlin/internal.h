/* What the files that compile steps share. */
#pragma once

#include "base/vec.h"
#include "gremlin/ast.h"
#include "gremlin/gremlin.h"

typedef struct as_label {
    str name;
    plan_slot slot;
} as_label;

/* An object of the path, and the names that as() gave it. */
typedef struct passed_object {
    plan_slot slot;
    VEC(str) names;
} passed_object;

/* What is known at a point of the traversal. */
typedef struct compiler {
    arena *arena;
    plan *plan;
    graph *graph;
    plan_op *op;         /* last operator so far */
    plan_slot current;   /* the traverser's object */
    plan_slot came_from; /* vertex before the last outE/inE/bothE; PLAN_NO_SLOT: not known */
    bool is_one_map;     /* the current object is the one map of a group */
    plan_slot loops;     /* inside repeat(): rounds passed; PLAN_NO_SLOT: outside */
    bool tracks_path;    /* some step asks for the path */
    plan_slot path;      /* the path up to `passed`, when that is not all of it */
    VEC(passed_object) passed;
    bool is_passed; /* the new current object is in the path already */
    VEC(as_label) labels;
    error *err;
} compiler;

/* Which modulators follow a step: steps[at + 1], … named by(). */
typedef struct modulators {
    const step *by[8];
    size_t count;
} modulators;

/* How by() ends: one value of each object, or an aggregate of many. */
typedef enum reducer {
    REDUCE_NOT,
    REDUCE_SUM,
    REDUCE_COUNT,
    REDUCE_MIN,
    REDUCE_MAX,
    REDUCE_MEAN,
    REDUCE_FOLD
} reducer;

/* ---- exact.c ---- */
bool gremlin_is_exact(const traversal *t);

/* ---- bind.c ---- */
bool gremlin_bind(arena *a, str text, const traversal *t, gremlin_bindings bindings, traversal *ret,
                  error *err);

bool gremlin_fail_step(compiler *c, size_t offset, const char *format, ...) PRINTF_LIKE(3, 4);
bool gremlin_fail_later(compiler *c, size_t offset, const char *what);
/* The path so far as an expression. */
plan_expr *gremlin_path(compiler *c);
/* The path so far into a slot of its own: what follows may differ from row to row. */
bool gremlin_fix_path(compiler *c, size_t offset);
/* repeat() at t->steps[*at], with until(), emit() and times() around it. */
bool gremlin_compile_repeat(compiler *c, const traversal *t, size_t *at);
bool gremlin_is_repeat_part(const traversal *t, size_t at);
plan_op *gremlin_add_op(compiler *c, plan_op_kind kind, size_t offset);
bool gremlin_new_slot(compiler *c, plan_slot_kind kind, plan_slot *ret);
plan_slot_kind gremlin_current_kind(const compiler *c);
plan_expr *gremlin_current(compiler *c);
bool gremlin_let(compiler *c, plan_expr *e, plan_slot_kind kind, size_t offset);
void gremlin_filter(compiler *c, plan_expr *e, size_t offset);
bool gremlin_need_text(compiler *c, const step *s, size_t i, const char *what, str *ret);
bool gremlin_need_count(compiler *c, const step *s, size_t i, uint64_t *ret);
bool gremlin_is_token(const gremlin_argument *a, const char *name);
bool gremlin_need_element(compiler *c, const step *s, plan_slot_kind kind);
plan_slot gremlin_find_label(const compiler *c, str name);
bool gremlin_step_identity(compiler *c, const step *s, const modulators *m);
bool gremlin_step_none(compiler *c, const step *s, const modulators *m);
bool gremlin_compile_steps(compiler *c, const traversal *t);
bool gremlin_compile_test(compiler *c, const gremlin_argument *a, plan_expr *of, plan_expr **ret);
bool gremlin_compile_by(compiler *c, const step *by, plan_expr *of, plan_expr **ret,
                        reducer *ret_reducer);
bool gremlin_plain_by(compiler *c, const step *by, plan_expr *of, plan_expr **ret);
bool gremlin_step_V(compiler *c, const step *s, const modulators *m);
bool gremlin_step_E(compiler *c, const step *s, const modulators *m);
bool gremlin_compile_branches(compiler *c, const step *s, plan_op_kind kind, plan_apply_mode mode);
bool gremlin_step_union(compiler *c, const step *s, const modulators *m);
bool gremlin_step_coalesce(compiler *c, const step *s, const modulators *m);
bool gremlin_step_optional(compiler *c, const step *s, const modulators *m);
bool gremlin_step_local(compiler *c, const step *s, const modulators *m);
bool gremlin_step_hasLabel(compiler *c, const step *s, const modulators *m);
bool gremlin_step_hasId(compiler *c, const step *s, const modulators *m);
bool gremlin_step_has(compiler *c, const step *s, const modulators *m);
bool gremlin_step_hasNot(compiler *c, const step *s, const modulators *m);
bool gremlin_step_is(compiler *c, const step *s, const modulators *m);
bool gremlin_compile_branch(compiler *c, const traversal *t, compiler *ret);
bool gremlin_step_where(compiler *c, const step *s, const modulators *m);
bool gremlin_step_not(compiler *c, const step *s, const modulators *m);
bool gremlin_step_and(compiler *c, const step *s, const modulators *m);
bool gremlin_step_values(compiler *c, const step *s, const modulators *m);
bool gremlin_step_valueMap(compiler *c, const step *s, const modulators *m);
bool gremlin_step_elementMap(compiler *c, const step *s, const modulators *m);
bool gremlin_step_id(compiler *c, const step *s, const modulators *m);
bool gremlin_step_label(compiler *c, const step *s, const modulators *m);
bool gremlin_step_constant(compiler *c, const step *s, const modulators *m);
bool gremlin_step_as(compiler *c, const step *s, const modulators *m);
bool gremlin_step_select(compiler *c, const step *s, const modulators *m);
bool gremlin_step_project(compiler *c, const step *s, const modulators *m);
bool gremlin_step_unfold(compiler *c, const step *s, const modulators *m);
bool gremlin_step_group(compiler *c, const step *s, const modulators *m);
bool gremlin_step_groupCount(compiler *c, const step *s, const modulators *m);
bool gremlin_step_order(compiler *c, const step *s, const modulators *m);
bool gremlin_slice(compiler *c, const step *s, uint64_t skip, uint64_t count);
bool gremlin_step_limit(compiler *c, const step *s, const modulators *m);
bool gremlin_step_skip(compiler *c, const step *s, const modulators *m);
bool gremlin_step_range(compiler *c, const step *s, const modulators *m);
bool gremlin_step_tail(compiler *c, const step *s, const modulators *m);
bool gremlin_step_dedup(compiler *c, const step *s, const modulators *m);
bool gremlin_step_both(compiler *c, const step *s, const modulators *m);
bool gremlin_step_bothE(compiler *c, const step *s, const modulators *m);
bool gremlin_step_bothV(compiler *c, const step *s, const modulators *m);
bool gremlin_step_count(compiler *c, const step *s, const modulators *m);
bool gremlin_step_fold(compiler *c, const step *s, const modulators *m);
bool gremlin_step_in(compiler *c, const step *s, const modulators *m);
bool gremlin_step_inE(compiler *c, const step *s, const modulators *m);
bool gremlin_step_inV(compiler *c, const step *s, const modulators *m);
bool gremlin_step_max(compiler *c, const step *s, const modulators *m);
bool gremlin_step_mean(compiler *c, const step *s, const modulators *m);
bool gremlin_step_min(compiler *c, const step *s, const modulators *m);
bool gremlin_step_otherV(compiler *c, const step *s, const modulators *m);
bool gremlin_step_out(compiler *c, const step *s, const modulators *m);
bool gremlin_step_outE(compiler *c, const step *s, const modulators *m);
bool gremlin_step_outV(compiler *c, const step *s, const modulators *m);
bool gremlin_step_sum(compiler *c, const step *s, const modulators *m);

bool gremlin_step_path(compiler *c, const step *s, const modulators *m);
bool gremlin_step_simplePath(compiler *c, const step *s, const modulators *m);
bool gremlin_step_cyclicPath(compiler *c, const step *s, const modulators *m);
bool gremlin_step_loops(compiler *c, const step *s, const modulators *m);
bool gremlin_step_call(compiler *c, const step *s, const modulators *m);
bool gremlin_step_or(compiler *c, const step *s, const modulators *m);
