/* How traversers move: input queues, stages that pull, paths, loops, barriers. */
#include "gremlin/machine.h"

#include <stdio.h>

bool stage_fail(const stage *s, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return fail_at(s->machine->err, STR("gremlin"), s->machine->text, s->offset, "%s", message);
}

/* ---- Queues ---- */

void queue_add(arena *a, traverser_queue *q, const traverser *t)
{
    if (q->first + q->count == q->capacity) {
        if (q->first > q->capacity / 2) {
            memmove(q->items, q->items + q->first, q->count * sizeof *q->items);
        } else {
            size_t grown = q->capacity ? q->capacity * 2 : 8;
            traverser *items = arena_array_of(a, traverser, grown);
            if (q->count)
                memcpy(items, q->items + q->first, q->count * sizeof *items);
            q->items = items;
            q->capacity = grown;
        }
        q->first = 0;
    }
    q->items[q->first + q->count++] = *t;
}

bool queue_take(traverser_queue *q, traverser *ret)
{
    if (!q->count)
        return false;
    *ret = q->items[q->first++];
    if (--q->count == 0)
        q->first = 0;
    return true;
}

/* ---- Traversers ---- */

static const path_node *path_add(machine *m, const path_node *before, value v, const str *labels,
                                 size_t count)
{
    path_node *n = arena_new_of(m->arena, path_node);
    *n = (path_node){ before, v, labels, count, (before ? before->length : 0) + 1 };
    return n;
}

traverser traverser_split(machine *m, const traverser *t, value v)
{
    traverser next = *t;
    next.object = v;
    next.is_dropped = false;
    if (m->tracking == TRACKS_PATH)
        next.path = path_add(m, t->path, v, NULL, 0);
    return next;
}

traverser traverser_new(machine *m, value v, uint64_t bulk)
{
    traverser t = { .object = v, .bulk = bulk };
    if (m->tracking == TRACKS_PATH)
        t.path = path_add(m, NULL, v, NULL, 0);
    if (m->has_sack) {
        t.has_sack = true;
        t.sack = m->sack_initial;
    }
    return t;
}

void traverser_label(machine *m, traverser *t, const str *labels, size_t count)
{
    if (!count || m->tracking == TRACKS_NOTHING)
        return;
    if (m->tracking == TRACKS_LABELS) {
        t->path = path_add(m, t->path, t->object, labels, count);
        return;
    }
    const path_node *last = t->path;
    if (!last) {
        t->path = path_add(m, NULL, t->object, labels, count);
        return;
    }
    VEC(str) all = { 0 };
    for (size_t i = 0; i < last->label_count; i++)
        vec_push(m->arena, &all, last->labels[i]);
    for (size_t i = 0; i < count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < last->label_count; k++)
            is_known |= str_eq(last->labels[k], labels[i]);
        if (!is_known)
            vec_push(m->arena, &all, labels[i]);
    }
    t->path = path_add(m, last->before, last->object, all.items, all.count);
}

/* ---- Stages ---- */

void stage_give(stage *s, value v, uint64_t bulk)
{
    vec_push(s->machine->arena, &s->items, (item){ v, bulk });
}

bool stage_input(stage *s, traverser *ret, bool *ret_has, error *err)
{
    *ret_has = queue_take(&s->starts, ret);
    if (*ret_has || !s->before)
        return true;
    return stage_pull(s->before, ret, ret_has, err);
}

bool stage_has_input(stage *s, bool *ret_has, error *err)
{
    *ret_has = s->starts.count > 0;
    if (*ret_has || !s->before)
        return true;
    return stage_has_next(s->before, ret_has, err);
}

static bool next_flat(stage *s, traverser *ret, bool *ret_has, error *err)
{
    while (s->item_at == s->items.count) {
        TRY(stage_input(s, &s->head, ret_has, err));
        if (!*ret_has)
            return true;
        s->items.count = s->item_at = 0;
        TRY(s->kind->flat(s, &s->head, err));
    }
    item x = s->items.items[s->item_at++];
    *ret = traverser_split(s->machine, &s->head, x.object);
    TRY(bulk_multiply(&ret->bulk, x.bulk, err));
    *ret_has = true;
    return true;
}

static bool next_map(stage *s, traverser *ret, bool *ret_has, error *err)
{
    traverser t;
    value v = value_null();
    for (;;) {
        bool has_value = false;
        TRY(stage_input(s, &t, ret_has, err));
        if (!*ret_has)
            return true;
        TRY(s->kind->map(s, &t, &v, &has_value, err));
        if (has_value)
            break;
    }
    *ret = traverser_split(s->machine, &t, v);
    return true;
}

static bool next_filter(stage *s, traverser *ret, bool *ret_has, error *err)
{
    for (;;) {
        bool keeps = true;
        TRY(stage_input(s, ret, ret_has, err));
        if (!*ret_has)
            return true;
        TRY(s->kind->side ? s->kind->side(s, ret, err) : s->kind->filter(s, ret, &keeps, err));
        if (keeps)
            return true;
    }
}

bool gather_next(stage *s, traverser *ret, bool *ret_has, error *err)
{
    for (bool has = !s->kept.count; has;) {
        traverser t;
        TRY(stage_input(s, &t, &has, err));
        if (!has)
            break;
        TRY(s->kind->take(s, &t, err));
        queue_add(s->machine->arena, &s->kept, &t);
    }
    *ret_has = queue_take(&s->kept, ret);
    return true;
}

/* All that there is becomes one value; nothing more comes until there is more input. */
static bool next_reduced(stage *s, traverser *ret, bool *ret_has, error *err)
{
    traverser t;
    value v = value_null();
    bool has_input;
    *ret_has = false;
    if (s->has_run) {
        TRY(stage_has_input(s, &has_input, err));
        if (!has_input)
            return true;
    }
    s->has_run = true;
    TRY(s->kind->begin(s, err));
    for (;;) {
        TRY(stage_input(s, &t, &has_input, err));
        if (!has_input)
            break;
        TRY(s->kind->add(s, &t, err));
    }
    TRY(s->kind->finish(s, &v, ret_has, err));
    if (*ret_has)
        *ret = traverser_new(s->machine, v, 1);
    return true;
}

static bool pull(stage *s, traverser *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    *ret_has = false;
    if (++m->pulls % 1024 == 0 && m->query)
        TRY(query_check(m->query, err));
    const stage_kind *k = s->kind;
    TRY(k->next    ? k->next(s, ret, ret_has, err)
        : k->map   ? next_map(s, ret, ret_has, err)
        : k->flat  ? next_flat(s, ret, ret_has, err)
        : k->begin ? next_reduced(s, ret, ret_has, err)
                   : next_filter(s, ret, ret_has, err));
    if (*ret_has && s->labels.count)
        traverser_label(m, ret, s->labels.items, s->labels.count);
    return true;
}

bool stage_pull(stage *s, traverser *ret, bool *ret_has, error *err)
{
    if (s->holds) {
        s->holds = false;
        *ret = s->held;
        *ret_has = true;
        return true;
    }
    return pull(s, ret, ret_has, err);
}

bool stage_has_next(stage *s, bool *ret_has, error *err)
{
    if (!s->holds)
        TRY(pull(s, &s->held, &s->holds, err));
    *ret_has = s->holds;
    return true;
}

void stage_reset(stage *s)
{
    s->starts.count = s->starts.first = 0;
    s->holds = s->has_run = false;
    s->items.count = s->item_at = 0;
    s->by_at = 0;
    s->head.bulk = 0;
    s->kept.first = s->kept.count = 0;
    if (s->kind->reset)
        s->kind->reset(s);
    for (size_t i = 0; i < s->flows.count; i++)
        flow_reset(s->flows.items[i]);
    for (size_t i = 0; i < s->options.count; i++) {
        if (s->options.items[i].flow)
            flow_reset(s->options.items[i].flow);
        if (s->options.items[i].pick_flow)
            flow_reset(s->options.items[i].pick_flow);
    }
}

/* ---- Flows ---- */

void flow_reset(flow *f)
{
    for (stage *s = f->last; s; s = s->before)
        stage_reset(s);
}

void flow_add(flow *f, const traverser *t)
{
    queue_add(f->machine->arena, &f->first->starts, t);
}

bool flow_next(flow *f, traverser *ret, bool *ret_has, error *err)
{
    return stage_pull(f->last, ret, ret_has, err);
}

bool flow_has_next(flow *f, bool *ret_has, error *err)
{
    return stage_has_next(f->last, ret_has, err);
}

/* Whether a step in it looks at more than one traverser at a time, however deep it stands. The
 * barriers between steps do not count. */
bool flow_has_barrier(const flow *f)
{
    for (const stage *s = f->last; s; s = s->before) {
        bool is_lazy = s->kind == &stage_barrier && !str_eq(s->step->name, STR("barrier"));
        if (!is_lazy && (s->kind->is_barrier || s->kind->begin))
            return true;
        for (size_t i = 0; i < s->flows.count; i++)
            if (flow_has_barrier(s->flows.items[i]))
                return true;
        for (size_t i = 0; i < s->options.count; i++)
            if (flow_has_barrier(s->options.items[i].flow))
                return true;
    }
    return false;
}

static void start_one(flow *f, const traverser *t)
{
    traverser one = *t;
    one.bulk = 1;
    flow_reset(f);
    flow_add(f, &one);
}

bool flow_apply(flow *f, const traverser *t, value *ret, bool *ret_has, error *err)
{
    traverser x;
    start_one(f, t);
    TRY(flow_next(f, &x, ret_has, err));
    if (*ret_has)
        *ret = x.object;
    return true;
}

bool flow_test(flow *f, const traverser *t, bool *ret_passes, error *err)
{
    start_one(f, t);
    return flow_has_next(f, ret_passes, err);
}

/* ---- barrier(), and the ones between steps that keep equal traversers together ---- */

typedef struct barrier_state {
    traverser_queue kept;
    size_t *slots; /* hash table: place in `kept` + 1 */
    size_t slot_count;
} barrier_state;

static bool values_same(const value *a, const value *b)
{
    return a->kind == b->kind && a->width == b->width && value_equal(a, b);
}

static bool paths_same(const path_node *a, const path_node *b)
{
    for (; a != b; a = a->before, b = b->before) {
        if (!a || !b || a->length != b->length || a->label_count != b->label_count ||
            !values_same(&a->object, &b->object))
            return false;
        for (size_t i = 0; i < a->label_count; i++)
            if (!str_eq(a->labels[i], b->labels[i]))
                return false;
    }
    return true;
}

static bool loops_same(const loop_node *a, const loop_node *b)
{
    for (; a != b; a = a->outer, b = b->outer)
        if (!a || !b || a->repeat != b->repeat || a->rounds != b->rounds)
            return false;
    return true;
}

static bool can_join(const machine *m, const traverser *a, const traverser *b)
{
    if (!values_same(&a->object, &b->object) || !loops_same(a->loops, b->loops) ||
        !paths_same(a->path, b->path))
        return false;
    return !a->has_sack || m->sack_merge.len || values_same(&a->sack, &b->sack);
}

bool gremlin_operator(const stage *s, str name, const value *a, const value *b, value *ret);

bool traversers_join(stage *s, traverser_queue *q, size_t **slots, size_t *slot_count,
                     const traverser *t)
{
    machine *m = s->machine;
    if (q->count * 2 >= *slot_count) {
        size_t grown = *slot_count ? *slot_count * 2 : 64;
        *slots = arena_array_of(m->arena, size_t, grown);
        *slot_count = grown;
        for (size_t i = 0; i < q->count; i++) {
            size_t at = value_hash(&q->items[q->first + i].object) & (grown - 1);
            while ((*slots)[at])
                at = (at + 1) & (grown - 1);
            (*slots)[at] = i + 1;
        }
    }
    size_t at = value_hash(&t->object) & (*slot_count - 1);
    for (; (*slots)[at]; at = (at + 1) & (*slot_count - 1)) {
        traverser *known = &q->items[q->first + (*slots)[at] - 1];
        if (!can_join(m, known, t))
            continue;
        if (m->has_bulk)
            TRY(bulk_add(&known->bulk, t->bulk, m->err));
        else
            known->bulk = 1;
        return !known->has_sack || !m->sack_merge.len ||
               gremlin_operator(s, m->sack_merge, &known->sack, &t->sack, &known->sack);
    }
    queue_add(m->arena, q, t);
    (*slots)[at] = q->count;
    return true;
}

/* barrier(normSack): the sacks add up to 1. */
static bool norm_sacks(stage *s, traverser_queue *q, error *err)
{
    value total = value_double(0);
    for (size_t i = 0; i < q->count; i++) {
        traverser *t = &q->items[q->first + i];
        value times = value_int((int64_t)t->bulk);
        TRY(gremlin_operate(s, STR("mult"), &t->sack, &times, &t->sack, err));
        TRY(gremlin_operate(s, STR("sum"), &total, &t->sack, &total, err));
    }
    for (size_t i = 0; i < q->count; i++) {
        traverser *t = &q->items[q->first + i];
        TRY(gremlin_operate(s, STR("div"), &t->sack, &total, &t->sack, err));
    }
    return true;
}

static bool barrier_next(stage *s, traverser *ret, bool *ret_has, error *err)
{
    barrier_state *b = s->state;
    *ret_has = queue_take(&b->kept, ret);
    if (*ret_has)
        return true;
    if (b->slots)
        memset(b->slots, 0, b->slot_count * sizeof *b->slots);
    b->kept.first = 0;
    for (size_t i = 0; i < (size_t)s->high; i++) {
        traverser t;
        TRY(stage_input(s, &t, ret_has, err));
        if (!*ret_has)
            break;
        TRY(traversers_join(s, &b->kept, &b->slots, &b->slot_count, &t));
        if (b->kept.count < i / 2 && i > 64) /* they join well: take more */
            i = b->kept.count;
    }
    if (s->is_local)
        TRY(norm_sacks(s, &b->kept, err));
    *ret_has = queue_take(&b->kept, ret);
    return true;
}

static void barrier_reset(stage *s)
{
    barrier_state *b = s->state;
    b->kept.count = b->kept.first = 0;
}

bool build_barrier(stage *s);
bool build_barrier(stage *s)
{
    s->state = arena_new_of(s->machine->arena, barrier_state);
    s->high = 2500;
    s->is_local =
        s->arg_count && s->args[0].kind == ARG_TOKEN && str_eq(s->args[0].token, STR("normSack"));
    if (s->arg_count && s->args[0].kind == ARG_LITERAL && s->args[0].literal.kind == VALUE_INT)
        s->high = s->args[0].literal.integer;
    else if (s->step && str_eq(s->step->name, STR("barrier")))
        s->high = INT64_MAX;
    return true;
}

const stage_kind stage_barrier = {
    .name = "barrier", .next = barrier_next, .reset = barrier_reset, .is_barrier = true
};
