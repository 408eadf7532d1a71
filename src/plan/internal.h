/* What the files of this folder share. */
#pragma once

#include "base/arena.h"
#include "plan/plan.h"

/* ---- rewrite.c ---- */

/* Before it is known which slots live where. */
NODISCARD bool plan_rewrite_shape(plan *p, const graph *g, plan_op **place, error *err);
/* Afterwards. */
void plan_rewrite_live(plan *p, plan_op *op);

/* ---- rewrite_reach.c ---- */

/* Where only the distinct ends of walks are wanted; once it is known which slots live where. */
void plan_rewrite_reach(plan *p, plan_op *top);
/* Whether the rows are nothing but one vertex each, and each is wanted once. */
bool plan_is_set_of_vertices(const plan *p, const plan_op *op);
bool plan_slots_only(const plan_slots *set, plan_slot slot);

/* ---- rewrite_top.c ---- */

/* Last of all. */
void plan_rewrite_top(plan *p, const graph *g, plan_op *op);

/* ---- order.c ---- */

/* First of all: where the plan starts, where filters stand. */
void plan_order(plan *p, const graph *g);
