/* The kinds of stages, by the file that has them, and what builds them from a step's arguments. */
#pragma once

#include "gremlin/machine.h"

extern const stage_kind stage_V, stage_E, stage_move, stage_ends, stage_otherV, stage_id,
    stage_label, stage_key, stage_element, stage_values, stage_properties, stage_maps, stage_has;
bool build_elements(stage *s);
bool build_move(stage *s);
bool build_toV(stage *s);
bool build_keys(stage *s);
bool build_has(stage *s);

extern const stage_kind stage_loops, stage_union, stage_branch, stage_coalesce, stage_optional,
    stage_local, stage_map, stage_flatMap, stage_sideEffect, stage_where, stage_not, stage_and;
bool modulate_repeat(stage *s, const step *x);
bool repeat_lacks(stage *s, str part);
bool modulate_option(stage *s, const step *x);
bool build_union(stage *s);
bool build_branch(stage *s);
bool build_children(stage *s);
bool build_loops(stage *s);

extern const stage_kind stage_is, stage_identity, stage_dedup, stage_range, stage_tail, stage_coin,
    stage_sample, stage_timeLimit, stage_simplePath, stage_all, stage_whereP, stage_discard,
    stage_fail_step, stage_rangeLocal, stage_sampleLocal, stage_dedupLocal, stage_whereStart,
    stage_whereEnd;
const path_node *gremlin_path_part(machine *m, const path_node *p, str from, str to);
bool build_is(stage *s);
bool build_timeLimit(stage *s);
bool build_whereEnd(stage *s);
bool build_scoped(stage *s);
bool build_barrier(stage *s);
bool build_dedup(stage *s);
bool build_range(stage *s);
bool build_coin(stage *s);
bool build_sample(stage *s);
bool build_all(stage *s);
bool build_whereP(stage *s);
bool build_fail(stage *s);
bool build_simplePath(stage *s);

extern const stage_kind stage_count, stage_sum, stage_fold, stage_group, stage_groupSide,
    stage_tree, stage_order, stage_orderLocal, stage_reduceLocal, stage_treeSide;
bool build_reduce(stage *s);
bool build_fold(stage *s);
bool build_group(stage *s);
bool finish_group(stage *s);
bool build_tree(stage *s);
bool build_order(stage *s);

extern const stage_kind stage_aggregate, stage_aggregateLocal, stage_cap, stage_inject, stage_sack,
    stage_subgraph, stage_constant, stage_select, stage_selectColumn, stage_project, stage_path,
    stage_unfold, stage_index, stage_call, stage_start, stage_none_end, stage_hasNext;
bool build_aggregate(stage *s);
bool build_cap(stage *s);
bool build_inject(stage *s);
bool build_sack(stage *s);
bool build_subgraph(stage *s);
bool build_constant(stage *s);
bool build_select(stage *s);
bool build_project(stage *s);
bool build_path(stage *s);
bool build_index(stage *s);
bool build_call(stage *s);

extern const stage_kind stage_text, stage_format, stage_math, stage_concat, stage_asDate,
    stage_dateAdd, stage_dateDiff, stage_asNumber, stage_asBool, stage_asString, stage_length;
bool build_text(stage *s);
bool build_concat(stage *s);
bool build_format(stage *s);
bool build_math(stage *s);
bool build_date(stage *s);
bool build_asNumber(stage *s);

extern const stage_kind stage_lists, stage_conjoin, stage_reverse;
bool build_lists(stage *s);
bool build_conjoin(stage *s);

extern const stage_kind stage_addV, stage_addE, stage_property, stage_drop, stage_mergeV,
    stage_mergeE;
bool build_addV(stage *s);
bool build_addE(stage *s);
bool build_property(stage *s);
bool build_merge(stage *s);
bool modulate_from(stage *s, const step *x);
bool modulate_merge_option(stage *s, const step *x);
bool build_drop(stage *s);

extern const stage_kind stage_match;
bool build_match(stage *s);

extern const stage_kind stage_algorithm, stage_shortestPath;
bool build_algorithm(stage *s);
bool modulate_with(stage *s, const step *x);
