/* What the files of this folder share. */
#pragma once

#include "base/arena.h"
#include "plan/plan.h"

/* ---- rewrite.c ---- */

/* Before it is known which slots live where. */
NODISCARD bool plan_rewrite_shape(plan *p, const graph *g, plan_op **place, error *err);
/* Afterwards. */
void plan_rewrite_live(plan *p, plan_op *op);

/* ---- rewrite_top.c ---- */

/* Last of all. */
void plan_rewrite_top(plan *p, const graph *g, plan_op *op);

/* ---- order.c ---- */

/* First of all: where the plan starts, where filters stand. */
void plan_order(plan *p, const graph *g);
