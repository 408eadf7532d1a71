/* The traverser machine: steps that pull traversers from the step before them, one by one, with
 * path, sack, loops and side effects, exactly as TinkerPop 3.8 describes it. It runs every
 * traversal that the relational operators of plan/ cannot say (machine.c tells how they meet).
 *
 * A running traversal is a `flow`, a chain of `stage`s. A stage's kind says what it does; most
 * kinds give one of `map`, `flat`, `filter` and `side`, and machine_flow.c does the rest.
 * Everything lives in the query's arena. One thread at a time. */
#pragma once

#include "base/vec.h"
#include "exec/bulk.h"
#include "exec/foreign.h"
#include "gremlin/ast.h"
#include "gremlin/gremlin.h"

typedef struct machine machine;
typedef struct flow flow;
typedef struct stage stage;

/* ---- Traversers ---- */

/* One object that was passed, with its labels; newest first, never changed. */
typedef struct path_node path_node;
struct path_node {
    const path_node *before;
    value object;
    const str *labels;
    size_t label_count;
    size_t length;
};

/* Rounds of the repeat() steps around, innermost first, never changed. */
typedef struct loop_node loop_node;
struct loop_node {
    const loop_node *outer;
    const stage *repeat;
    str name;
    int64_t rounds;
};

typedef struct traverser {
    value object;
    uint64_t bulk; /* how many equal traversers it stands for */
    const path_node *path;
    const loop_node *loops;
    value sack;
    bool has_sack;
    bool is_dropped; /* not counted any more: inside of a branch without an answer */
} traverser;

/* First in, first out. */
typedef struct traverser_queue {
    traverser *items;
    size_t first, count, capacity;
} traverser_queue;

/* ---- Steps ---- */

typedef struct item {
    value object;
    uint64_t bulk;
} item;

typedef struct stage_kind {
    const char *name;
    /* One of these, or `next`: */
    bool (*map)(stage *s, const traverser *t, value *ret, bool *ret_has, error *err);
    bool (*flat)(stage *s, const traverser *t, error *err); /* calls stage_give */
    bool (*filter)(stage *s, traverser *t, bool *ret_keep, error *err);
    bool (*side)(stage *s, traverser *t, error *err);
    bool (*take)(stage *s, const traverser *t, error *err); /* of gather_next */
    bool (*next)(stage *s, traverser *ret, bool *ret_has, error *err);
    /* Reads all input, then gives one value: */
    bool (*begin)(stage *s, error *err);
    bool (*add)(stage *s, const traverser *t, error *err);
    bool (*finish)(stage *s, value *ret, bool *ret_has, error *err);
    void (*reset)(stage *s);
    bool is_barrier; /* reads all input before it gives anything */
} stage_kind;

typedef enum by_kind { BY_IDENTITY, BY_KEY, BY_TOKEN, BY_COLUMN, BY_FLOW } by_kind;
typedef enum by_order { ORDER_UP, ORDER_DOWN, ORDER_SHUFFLE } by_order;

typedef struct by_rule {
    by_kind kind;
    str name; /* of the key, token or column */
    flow *flow;
    by_order order;
    size_t offset;
} by_rule;

typedef struct option_rule {
    const gremlin_argument *pick; /* NULL: of union() and the like */
    flow *pick_flow;              /* pick is a traversal */
    flow *flow;
    const gremlin_argument *of; /* merge: the argument */
} option_rule;

struct stage {
    const stage_kind *kind;
    machine *machine;
    flow *flow;
    stage *before;
    size_t offset; /* place in the text */
    const step *step;
    VEC(str) labels; /* of as() */
    traverser_queue starts;
    traverser held; /* looked at and not yet taken */
    bool holds;
    VEC(by_rule) by;
    size_t by_at;
    VEC(flow *) flows; /* traversals that are arguments */
    VEC(option_rule) options;
    VEC(item) items; /* `flat` gives: */
    size_t item_at;
    traverser head;
    bool has_run;
    const gremlin_argument *args; /* what is left of the arguments */
    size_t arg_count;
    str key;              /* name of a side effect or a variable, where the step has one */
    traverser_queue kept; /* of gather_next */
    int64_t low, high;
    uint64_t random; /* of steps that choose by chance; 0: not begun */
    bool is_local;
    void *state; /* the kind's own */
};

struct flow {
    machine *machine;
    stage *first, *last;
    stage *parent;
    const traversal *of;
};

enum { BAG = 1 }; /* width of a list that aggregate() made: a bag, which counts as a set */

typedef enum tracking { TRACKS_NOTHING, TRACKS_LABELS, TRACKS_PATH } tracking;

typedef struct side_effect {
    str name;
    value initial;
    bool has_initial;
    str reducer; /* an operator's name; empty: what the step does */
    VEC(value) items;
    value current; /* set by a reducer, tree, subgraph, group: what cap() gives */
    bool has_current, is_bag;
    stage *owner; /* group(), groupCount(): makes the value when it is asked for */
} side_effect;

struct machine {
    query *query;
    foreign_input *input; /* rows of the plan below; NULL: none are read */
    arena *arena;
    graph *graph;
    str text;
    error *err;
    tracking tracking;
    VEC(side_effect *) sides;
    bool has_sack;
    value sack_initial;
    str sack_merge; /* operator that joins sacks; empty: they stay apart */
    bool sack_copies;
    bool is_productive, is_read_only, reads_only_edges_with_labels;
    bool has_bulk; /* withBulk(false): equal traversers stay apart */
    bool is_seeded;
    uint64_t random;
    int64_t seed; /* of SeedStrategy, when is_seeded */
    struct subgraph_rule *subgraph;
    struct partition_rule *partition;
    struct reserved_rule *reserved;
    bool is_graph_computer, forbids_graph_computer, keeps_connectives;
    uint64_t pulls;
    uint64_t stages;
    bool changes; /* it holds a step that changes the graph */
};

/* ---- machine_flow.c ---- */

/* One traverser may stand for billions: whoever takes them one by one asks before each. */
static inline bool machine_goes_on(machine *m, uint64_t i, error *err)
{
    return i % 4096 != 4095 || !m->query || query_check(m->query, err);
}

bool stage_fail(const stage *s, const char *format, ...) PRINTF_LIKE(2, 3);
/* Of a `flat` kind: one more result. */
void stage_give(stage *s, value v, uint64_t bulk);
/* The next traverser, `*ret_has` false at the end. */
bool stage_pull(stage *s, traverser *ret, bool *ret_has, error *err);
/* Of a stage's input: what was added, then what the stage before gives. */
bool stage_input(stage *s, traverser *ret, bool *ret_has, error *err);
bool stage_has_input(stage *s, bool *ret_has, error *err);
/* A `next` that hands all input to `take` before it lets any of it go on. */
bool gather_next(stage *s, traverser *ret, bool *ret_has, error *err);
bool stage_has_next(stage *s, bool *ret_has, error *err);
void stage_reset(stage *s);
void queue_add(arena *a, traverser_queue *q, const traverser *t);
bool queue_take(traverser_queue *q, traverser *ret);
/* `t` moved on to `v`. */
traverser traverser_split(machine *m, const traverser *t, value v);
void traverser_label(machine *m, traverser *t, const str *labels, size_t count);
/* A traverser that begins here. */
traverser traverser_new(machine *m, value v, uint64_t bulk);
void flow_reset(flow *f);
void flow_add(flow *f, const traverser *t);
bool flow_next(flow *f, traverser *ret, bool *ret_has, error *err);
bool flow_has_next(flow *f, bool *ret_has, error *err);
bool flow_has_barrier(const flow *f);
/* First result of the flow for one traverser; `*ret_has` false: none. */
bool flow_apply(flow *f, const traverser *t, value *ret, bool *ret_has, error *err);
bool flow_test(flow *f, const traverser *t, bool *ret_passes, error *err);

extern const stage_kind stage_barrier;
extern const stage_kind stage_repeat;

bool traversers_join(stage *s, traverser_queue *q, size_t **slots, size_t *slot_count,
                     const traverser *t);

/* ---- machine_value.c: predicates, order, arithmetic ---- */

/* TinkerPop's order over all values; null first. */
int gremlin_order(machine *m, const value *a, const value *b);
/* Three-valued: -1 where the two have no order. */
typedef enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN } truth;
bool gremlin_test(stage *s, const predicate *p, const value *v, truth *ret, error *err);
/* The same with values of its own in the place of the arguments. */
bool gremlin_test_values(stage *s, const predicate *p, const value *v, const value *args,
                         size_t count, truth *ret, error *err);
bool gremlin_equal(const value *a, const value *b);
/* Numbers joined by sum, minus, mult, div, min, max, assign, and, or, addAll. */
bool gremlin_operate(const stage *s, str name, const value *a, const value *b, value *ret,
                     error *err);
const char *gremlin_type_name(const value *v);
bool gremlin_is_type(machine *m, const value *v, str type, bool *ret_is_known);
value gremlin_number(double d, uint8_t width);
str gremlin_text_of(machine *m, const value *v);
/* As Java prints it: [a, b], {k=v}; what asString() and the like give. */
str gremlin_java_text(machine *m, const value *v);

/* Values by key, in order of arrival. */
typedef struct value_table {
    VEC(value) keys;
    VEC(value) values;
    size_t *slots, slot_count;
} value_table;
/* Place of the key; added with a null value when it is new. */
size_t value_table_at(arena *a, value_table *t, const value *key, bool *ret_is_new);
bool value_table_has(const value_table *t, const value *key, size_t *ret_at);

/* ---- by() ---- */

bool gremlin_by(stage *s, const by_rule *rule, const traverser *t, value *ret, bool *ret_has,
                error *err);
/* The next rule in turn; NULL: there is none. */
const by_rule *gremlin_next_by(stage *s);
/* by() that must give a value. */
bool gremlin_need_by(stage *s, const by_rule *rule, const traverser *t, value *ret, bool *ret_has,
                     error *err);

/* ---- machine_scope.c: names ---- */

side_effect *machine_side(machine *m, str name);
bool side_value(machine *m, side_effect *x, value *ret, error *err);
/* What a name means for a traverser: a key of the map it is at, a side effect, a label of its path.
 * `pop`: first, last, all, mixed. */
bool gremlin_scope(stage *s, const traverser *t, str name, str pop, value *ret, bool *ret_has,
                   error *err);
value gremlin_path_value(machine *m, const path_node *p);

/* ---- machine_element.c ---- */

bool gremlin_is_element(const value *v);
bool gremlin_element_id(machine *m, const value *v, value *ret, error *err);
str gremlin_element_label(machine *m, const value *v);
bool gremlin_element_property(machine *m, const value *v, str key, value *ret, bool *ret_has,
                              error *err);
bool gremlin_can_see(machine *m, const value *element, bool *ret_sees, error *err);

/* ---- machine_build.c ---- */

/* A flow over the steps of `t`. */
const traversal *gremlin_join(machine *m, const traversal *t); /* a.and().b → and(a, b) */
bool machine_flow(machine *m, const traversal *t, stage *parent, flow **ret, error *err);

/* ---- machine.c ---- */

/* What PLAN_FOREIGN holds: a traversal with its variables replaced. */
typedef struct machine_program {
    str text;
    const traversal *traversal;
} machine_program;

extern const plan_foreign machine_operator;
/* Build it once for nothing: everything that can be wrong before it runs. */
bool machine_check(arena *a, graph *g, str text, const traversal *t, bool *ret_changes, error *err);
const char *gremlin_nearest_step(str name);
