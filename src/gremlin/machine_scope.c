/* Names in a traversal: side effects, labels of the path, keys of maps; and by(). */
#include "gremlin/machine.h"

side_effect *machine_side(machine *m, str name)
{
    for (size_t i = 0; i < m->sides.count; i++)
        if (str_eq(m->sides.items[i]->name, name))
            return m->sides.items[i];
    side_effect *x = arena_new_of(m->arena, side_effect);
    x->name = name;
    vec_push(m->arena, &m->sides, x);
    return x;
}

/* A bag with a set as its initial value is a set. */
static value bag_value(machine *m, const side_effect *x)
{
    value_table seen = { 0 };
    bool is_new;
    if (!x->has_initial || x->initial.kind != VALUE_SET) {
        value bag = value_list(arena_copy(m->arena, x->items.items, x->items.count * sizeof(value)),
                               x->items.count);
        bag.width = BAG;
        return bag;
    }
    for (size_t i = 0; i < x->items.count; i++)
        value_table_at(m->arena, &seen, &x->items.items[i], &is_new);
    return (value){ .kind = VALUE_SET, .list = { seen.keys.items, seen.keys.count } };
}

bool side_value(machine *m, side_effect *x, value *ret, error *err)
{
    bool has = true;
    if (x->owner)
        return x->owner->kind->finish(x->owner, ret, &has, err);
    if (x->has_current)
        *ret = x->current;
    else if (x->is_bag)
        *ret = bag_value(m, x);
    else
        *ret = x->has_initial ? x->initial : value_null();
    return true;
}

static bool side_exists(machine *m, str name, side_effect **ret)
{
    for (size_t i = 0; i < m->sides.count; i++)
        if (str_eq(m->sides.items[i]->name, name)) {
            *ret = m->sides.items[i];
            return (*ret)->has_initial || (*ret)->has_current || (*ret)->is_bag || (*ret)->owner;
        }
    return false;
}

static bool has_label(const path_node *p, str name)
{
    for (size_t i = 0; i < p->label_count; i++)
        if (str_eq(p->labels[i], name))
            return true;
    return false;
}

static bool path_select(machine *m, const path_node *p, str name, str pop, value *ret)
{
    VEC(value) found = { 0 };
    for (; p; p = p->before)
        if (has_label(p, name)) {
            vec_push(m->arena, &found, p->object);
            if (str_eq(pop, STR("last")))
                break;
        }
    if (!found.count) {
        if (!str_eq(pop, STR("all")))
            return false;
        *ret = value_list(NULL, 0);
        return false;
    }
    for (size_t i = 0; i < found.count / 2; i++) {
        value x = found.items[i];
        found.items[i] = found.items[found.count - 1 - i];
        found.items[found.count - 1 - i] = x;
    }
    bool is_list = str_eq(pop, STR("all")) || (str_eq(pop, STR("mixed")) && found.count > 1);
    *ret = is_list ? value_list(found.items, found.count) : found.items[0];
    return true;
}

bool gremlin_scope(stage *s, const traverser *t, str name, str pop, value *ret, bool *ret_has,
                   error *err)
{
    machine *m = s->machine;
    side_effect *x;
    *ret_has = true;
    if (t->object.kind == VALUE_MAP || t->object.kind == VALUE_ENTRY)
        for (size_t i = 0; i < t->object.map.count; i++)
            if (t->object.map.keys[i].kind == VALUE_STRING &&
                str_eq(t->object.map.keys[i].text, name)) {
                *ret = t->object.map.values[i];
                return true;
            }
    if (side_exists(m, name, &x)) {
        TRY(side_value(m, x, ret, err));
        return true;
    }
    *ret_has = path_select(m, t->path, name, pop.len ? pop : STR("last"), ret);
    return true;
}

value gremlin_path_value(machine *m, const path_node *p)
{
    size_t n = p ? p->length : 0, at = n;
    value *items = arena_array_of(m->arena, value, 2 * n + 1);
    for (; p; p = p->before) {
        value *labels = arena_array_of(m->arena, value, p->label_count + 1);
        for (size_t i = 0; i < p->label_count; i++)
            labels[i] = value_text(p->labels[i]);
        at--;
        items[at] = p->object;
        items[n + at] = (value){ .kind = VALUE_SET, .list = { labels, p->label_count } };
    }
    return (value){ .kind = VALUE_PATH, .list = { items, n } };
}

/* ---- by() ---- */

static bool by_token(stage *s, const by_rule *rule, const value *v, value *ret, bool *ret_has,
                     error *err)
{
    machine *m = s->machine;
    str name = rule->name;
    bool is_property = v->kind == VALUE_PROPERTY;
    *ret_has = true;
    if (str_eq(name, STR("id"))) {
        if (!gremlin_is_element(v))
            return stage_fail(s, "by(id) takes vertices and edges, and here stands %s",
                              gremlin_type_name(v));
        return gremlin_element_id(m, v, ret, err);
    }
    if (str_eq(name, STR("label"))) {
        if (!gremlin_is_element(v))
            return stage_fail(s, "by(label) takes vertices and edges, and here stands %s",
                              gremlin_type_name(v));
        *ret = value_text(gremlin_element_label(m, v));
        return true;
    }
    if (!is_property && v->kind != VALUE_ENTRY)
        return stage_fail(s, "by(" STR_FMT ") takes properties, and here stands %s", STR_ARG(name),
                          gremlin_type_name(v));
    *ret = str_eq(name, STR("key")) ? v->map.keys[0] : v->map.values[0];
    return true;
}

static bool by_column(stage *s, const by_rule *rule, const value *v, value *ret, bool *ret_has)
{
    bool is_keys = str_eq(rule->name, STR("keys"));
    *ret_has = true;
    if (v->kind == VALUE_ENTRY || v->kind == VALUE_PROPERTY) {
        *ret = is_keys ? v->map.keys[0] : v->map.values[0];
        return true;
    }
    if (v->kind == VALUE_MAP || v->kind == VALUE_TREE) {
        *ret = is_keys ? (value){ .kind = VALUE_SET, .list = { v->map.keys, v->map.count } }
                       : value_list(v->map.values, v->map.count);
        return true;
    }
    if (v->kind == VALUE_PATH) {
        *ret = is_keys ? value_list(v->list.items + v->list.count, v->list.count)
                       : value_list(v->list.items, v->list.count);
        return true;
    }
    return stage_fail(s, STR_FMT " takes a map, an entry or a path, and here stands %s",
                      STR_ARG(rule->name), gremlin_type_name(v));
}

bool gremlin_by(stage *s, const by_rule *rule, const traverser *t, value *ret, bool *ret_has,
                error *err)
{
    machine *m = s->machine;
    *ret_has = true;
    if (!rule || rule->kind == BY_IDENTITY) {
        *ret = t->object;
        return true;
    }
    switch (rule->kind) {
    case BY_KEY:
        if (t->object.kind == VALUE_MAP || t->object.kind == VALUE_ENTRY) {
            TRY(element_property(m->query, t->object, rule->name, ret, err));
            *ret_has = ret->kind != VALUE_NULL;
        } else if (gremlin_is_element(&t->object) || t->object.kind == VALUE_PROPERTY) {
            TRY(gremlin_element_property(m, &t->object, rule->name, ret, ret_has, err));
        } else {
            return stage_fail(s,
                              "by(\"" STR_FMT "\") takes vertices, edges and maps, and here "
                              "stands %s",
                              STR_ARG(rule->name), gremlin_type_name(&t->object));
        }
        break;
    case BY_TOKEN: TRY(by_token(s, rule, &t->object, ret, ret_has, err)); break;
    case BY_COLUMN: TRY(by_column(s, rule, &t->object, ret, ret_has)); break;
    case BY_FLOW: TRY(flow_apply(rule->flow, t, ret, ret_has, err)); break;
    case BY_IDENTITY: break;
    }
    if (!*ret_has && m->is_productive) {
        *ret = value_null();
        *ret_has = true;
    }
    return true;
}

const by_rule *gremlin_next_by(stage *s)
{
    if (!s->by.count)
        return NULL;
    const by_rule *rule = &s->by.items[s->by_at % s->by.count];
    s->by_at++;
    return rule;
}
