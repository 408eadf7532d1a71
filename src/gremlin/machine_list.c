/* Steps over lists and sets: combine, merge, intersect, difference, disjunct, product, conjoin,
 * reverse. */
#include "gremlin/machine_step.h"

static bool is_list(const value *v)
{
    return v->kind == VALUE_LIST || v->kind == VALUE_SET || v->kind == VALUE_PATH;
}

static bool has_item(const value *items, size_t count, const value *v)
{
    for (size_t i = 0; i < count; i++)
        if (value_equal(&items[i], v))
            return true;
    return false;
}

static void add_unique(machine *m, value *set, size_t *count, const value *v)
{
    (void)m;
    if (!has_item(set, *count, v))
        set[(*count)++] = *v;
}

/* The other list: an argument, or what a traversal gives for the traverser. */
static bool other_list(stage *s, const traverser *t, value *ret, error *err)
{
    const gremlin_argument *a = &s->args[0];
    str name = s->step->name;
    if (a->kind == ARG_LITERAL) {
        *ret = a->literal;
        if (is_list(ret) || (ret->kind == VALUE_MAP && str_eq(name, STR("merge"))))
            return true;
        if (ret->kind == VALUE_NULL)
            return stage_fail(s, "Argument provided for " STR_FMT " step can't be null",
                              STR_ARG(name));
        return stage_fail(s,
                          STR_FMT " step can only take an array or an Iterable as an argument, "
                                  "encountered %s",
                          STR_ARG(name), gremlin_type_name(ret));
    }
    bool has;
    TRY(flow_apply(s->flows.items[0], t, ret, &has, err));
    if (!has || ret->kind == VALUE_NULL)
        return stage_fail(
            s, "traversal argument for " STR_FMT " step must yield an iterable type, not null",
            STR_ARG(name));
    bool is_merged = t->object.kind == VALUE_MAP && str_eq(name, STR("merge"));
    if (!is_list(ret) && !is_merged)
        return stage_fail(s,
                          "traversal argument for " STR_FMT
                          " step must yield an iterable type, encountered %s",
                          STR_ARG(name), gremlin_type_name(ret));
    return true;
}

static bool merge_maps(stage *s, const value *a, const value *b, value *ret)
{
    value_table t = { 0 };
    const value *both[2] = { a, b };
    if (b->kind != VALUE_MAP)
        return stage_fail(s,
                          "merge step expected provided argument to evaluate to a Map, "
                          "encountered %s",
                          gremlin_type_name(b));
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < both[k]->map.count; i++) {
            bool is_new;
            size_t at = value_table_at(s->machine->arena, &t, &both[k]->map.keys[i], &is_new);
            t.values.items[at] = both[k]->map.values[i];
        }
    *ret = (value){ .kind = VALUE_MAP, .map = { t.keys.items, t.values.items, t.keys.count } };
    return true;
}

static value product(machine *m, const value *a, const value *b)
{
    size_t count = a->list.count * b->list.count, n = 0;
    value *items = arena_array_of(m->arena, value, count + 1);
    for (size_t i = 0; i < a->list.count; i++)
        for (size_t k = 0; k < b->list.count; k++) {
            value *pair = arena_array_of(m->arena, value, 2);
            pair[0] = a->list.items[i];
            pair[1] = b->list.items[k];
            items[n++] = value_list(pair, 2);
        }
    return value_list(items, n);
}

static bool lists_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    str name = s->step->name;
    const value *a = &t->object;
    value b;
    *ret_has = true;
    if (a->kind == VALUE_NULL)
        return stage_fail(s, "Incoming traverser for " STR_FMT " step can't be null",
                          STR_ARG(name));
    bool is_map = a->kind == VALUE_MAP && str_eq(name, STR("merge"));
    if (!is_list(a) && !is_map)
        return stage_fail(s,
                          STR_FMT " step can only take an array or an Iterable type for incoming "
                                  "traversers, encountered %s",
                          STR_ARG(name), gremlin_type_name(a));
    TRY(other_list(s, t, &b, err));
    if (is_map)
        return merge_maps(s, a, &b, ret);
    if (!is_list(&b))
        return stage_fail(s,
                          "merge step type mismatch: expected argument to be Iterable but got %s",
                          gremlin_type_name(&b));
    if (str_eq(name, STR("product"))) {
        if (a->list.count * b.list.count > 1 << 24)
            return stage_fail(s, "product() would give more than %d pairs", 1 << 24);
        *ret = product(m, a, &b);
        return true;
    }
    size_t count = 0;
    value *items = arena_array_of(m->arena, value, a->list.count + b.list.count + 1);
    bool combines = str_eq(name, STR("combine"));
    for (size_t i = 0; i < a->list.count; i++) {
        const value *x = &a->list.items[i];
        bool is_in = !combines && has_item(b.list.items, b.list.count, x);
        if (combines)
            items[count++] = *x;
        else if (str_eq(name, STR("merge")) || (str_eq(name, STR("intersect")) && is_in) ||
                 (!str_eq(name, STR("intersect")) && !is_in))
            add_unique(m, items, &count, x);
    }
    for (size_t i = 0; i < b.list.count; i++) {
        const value *x = &b.list.items[i];
        if (combines)
            items[count++] = *x;
        else if (str_eq(name, STR("merge")) ||
                 (str_eq(name, STR("disjunct")) && !has_item(a->list.items, a->list.count, x)))
            add_unique(m, items, &count, x);
    }
    *ret = (value){ .kind = combines ? VALUE_LIST : VALUE_SET, .list = { items, count } };
    return true;
}

bool build_lists(stage *s)
{
    flow *f;
    if (s->arg_count != 1)
        return stage_fail(s, STR_FMT "() takes a list or a traversal", STR_ARG(s->step->name));
    if (s->args[0].kind != ARG_TRAVERSAL) {
        value ignored;
        traverser t = { .object = value_null() };
        return s->args[0].kind == ARG_LITERAL
                   ? other_list(s, &t, &ignored, s->machine->err)
                   : stage_fail(s, STR_FMT "() takes a list or a traversal",
                                STR_ARG(s->step->name));
    }
    TRY(machine_flow(s->machine, s->args[0].traversal, s, &f, s->machine->err));
    vec_push(s->machine->arena, &s->flows, f);
    return true;
}

static bool conjoin_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    const value *o = &t->object;
    (void)err;
    *ret_has = true;
    if (o->kind == VALUE_NULL)
        return stage_fail(s, "Incoming traverser for conjoin step can't be null");
    if (!is_list(o))
        return stage_fail(s,
                          "conjoin step can only take an array or an Iterable type for incoming "
                          "traversers, encountered %s",
                          gremlin_type_name(o));
    strbuf b = strbuf_new(m->arena);
    bool is_first = true;
    for (size_t i = 0; i < o->list.count; i++) {
        if (o->list.items[i].kind == VALUE_NULL)
            continue;
        if (!is_first)
            strbuf_add(&b, s->key);
        is_first = false;
        strbuf_add(&b, gremlin_java_text(m, &o->list.items[i]));
    }
    *ret = value_text(strbuf_str(&b));
    return true;
}

bool build_conjoin(stage *s)
{
    if (s->arg_count != 1 || s->args[0].kind != ARG_LITERAL ||
        s->args[0].literal.kind != VALUE_STRING)
        return stage_fail(s, "conjoin() takes the text that stands between the items");
    s->key = s->args[0].literal.text;
    return true;
}

static str reversed(machine *m, str text)
{
    char *out = arena_alloc(m->arena, text.len + 1);
    size_t at = text.len;
    for (size_t i = 0; i < text.len;) {
        size_t n = str_utf8_length(text, i);
        n = n ? n : 1;
        at -= n;
        memcpy(out + at, text.data + i, n);
        i += n;
    }
    return (str){ out, text.len };
}

static bool reverse_map(stage *s, const traverser *t, value *ret, bool *ret_has, error *err)
{
    machine *m = s->machine;
    const value *o = &t->object;
    (void)err;
    *ret = *o;
    *ret_has = true;
    if (o->kind == VALUE_STRING) {
        ret->text = reversed(m, o->text);
    } else if (is_list(o) || o->kind == VALUE_PATH) {
        value *items = arena_array_of(m->arena, value, o->list.count + 1);
        for (size_t i = 0; i < o->list.count; i++)
            items[i] = o->list.items[o->list.count - 1 - i];
        *ret = value_list(items, o->list.count);
    }
    return true;
}

const stage_kind stage_lists = { .name = "combine", .map = lists_map },
                 stage_conjoin = { .name = "conjoin", .map = conjoin_map },
                 stage_reverse = { .name = "reverse", .map = reverse_map };
