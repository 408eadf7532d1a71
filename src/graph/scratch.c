/* Scratch graphs: vertices and edges in memory that queries make, change and delete. */
#include "graph/scratch.h"

#include <assert.h>
#include <stdlib.h>

#include "column/batch.h"

enum { SCRATCH_LABELS_MAX = 60000, DEFAULT_SCRATCH_BYTES = 1 << 30 };

void scratch_lock(const struct scratch *s)
{
    pthread_mutex_lock((pthread_mutex_t *)&s->lock);
}

void scratch_unlock(const struct scratch *s)
{
    pthread_mutex_unlock((pthread_mutex_t *)&s->lock);
}

static void add_label(struct scratch *s, bool is_vertex, str name)
{
    graph_label *l = arena_new_of(s->names, graph_label);
    l->name = str_copy(s->names, name);
    uint32_t *number = arena_new_of(s->names, uint32_t);
    *number = (uint32_t)s->labels[is_vertex].count;
    vec_push(s->names, &s->labels[is_vertex], l);
    map_set(&s->label_numbers[is_vertex], l->name, number);
}

int scratch_find_label(struct scratch *s, bool is_vertex, str name)
{
    scratch_lock(s);
    const uint32_t *known = map_get(&s->label_numbers[is_vertex], name);
    int label = known ? (int)*known : -1;
    if (!known && s->labels[is_vertex].count < SCRATCH_LABELS_MAX) {
        label = (int)s->labels[is_vertex].count;
        add_label(s, is_vertex, name);
    }
    scratch_unlock(s);
    return label;
}

size_t scratch_label_count(struct scratch *s, bool is_vertex)
{
    scratch_lock(s);
    size_t count = s->labels[is_vertex].count;
    scratch_unlock(s);
    return count;
}

const graph_label *scratch_label(struct scratch *s, bool is_vertex, size_t label)
{
    scratch_lock(s);
    const graph_label *l = s->labels[is_vertex].items[label];
    scratch_unlock(s);
    return l;
}

void scratch_start_anew(struct scratch *s)
{
    arena_reset(s->arena);
    s->vertices.items = NULL;
    s->vertices.count = s->vertices.capacity = 0;
    s->edges.items = NULL;
    s->edges.count = s->edges.capacity = 0;
    s->ids[0] = map_new(s->arena);
    s->ids[1] = map_new(s->arena);
}

bool graph_open_scratch(str name, size_t memory_bytes, graph **ret_graph, error *err)
{
    (void)err;
    graph *g = memory_alloc(sizeof *g);
    struct scratch *s = memory_alloc(sizeof *s);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&s->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    pthread_mutex_init(&g->lock, NULL);
    g->arena = arena_new();
    g->options.schema_name = str_copy(g->arena, name);
    g->shares = 1;
    g->scratch = s;
    s->limit_bytes = memory_bytes ? memory_bytes : DEFAULT_SCRATCH_BYTES;
    s->names = arena_new();
    s->arena = arena_new();
    s->journal = arena_new();
    s->label_numbers[0] = map_new(s->names);
    s->label_numbers[1] = map_new(s->names);
    s->procedures = map_new(s->names);
    add_label(s, true, STR(""));
    scratch_start_anew(s);
    *ret_graph = g;
    return true;
}

void scratch_free(struct scratch *s)
{
    scratch_versions_free(s, false);
    arena_free(s->names);
    arena_free(s->arena);
    arena_free(s->journal);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

bool graph_is_scratch(const graph *g)
{
    return g->scratch != NULL;
}

/* ---- Ids ---- */

/* Equal ids have equal texts: 1, 1.0 and "1" are the same. */
static str id_text(arena *a, const value *id)
{
    switch (id->kind) {
    case VALUE_STRING:
    case VALUE_UUID:
    case VALUE_DECIMAL: return id->text;
    case VALUE_INT: return str_format(a, "%lld", (long long)id->integer);
    case VALUE_DOUBLE:
        return id->real == (double)(int64_t)id->real
                   ? str_format(a, "%lld", (long long)(int64_t)id->real)
                   : str_format(a, "%.17g", id->real);
    default: {
        column c = { .type = COLUMN_VALUE, .data = id };
        return column_text(&c, a, 0);
    }
    }
}

bool graph_scratch_find(graph *g, bool is_vertex, const value *id, graph_ref *ret)
{
    struct scratch *s = g->scratch;
    AUTO(arena_free) arena *a = arena_new();
    scratch_lock(s);
    const uint32_t *number = map_get(&s->ids[is_vertex], id_text(a, id));
    bool is_found = number && *number;
    if (is_found)
        *ret = graph_ref_of(is_vertex ? 0 : s->edges.items[*number - 1].label, *number - 1);
    scratch_unlock(s);
    return is_found;
}

/* The entry of an id, made when there is none; 0 in it: no live element has the id. */
static uint32_t *id_entry(struct scratch *s, bool is_vertex, str text)
{
    uint32_t *known = map_get(&s->ids[is_vertex], text);
    if (!known) {
        known = arena_new_of(s->arena, uint32_t);
        map_set(&s->ids[is_vertex], str_copy(s->arena, text), known);
    }
    return known;
}

static void set_id(struct scratch *s, bool is_vertex, const value *id, uint32_t entry)
{
    AUTO(arena_free) arena *a = arena_new();
    *id_entry(s, is_vertex, id_text(a, id)) = entry;
}

static bool take_id(struct scratch *s, bool is_vertex, const value *given, uint32_t number,
                    value *ret, error *err)
{
    AUTO(arena_free) arena *a = arena_new();
    value id = given ? *given : value_int(s->next_id[is_vertex]);
    uint32_t *entry = id_entry(s, is_vertex, id_text(a, &id));
    while (!given && *entry) {
        id = value_int(++s->next_id[is_vertex]);
        entry = id_entry(s, is_vertex, id_text(a, &id));
    }
    if (*entry)
        return fail(err, ERR_CONFLICT, "%s with id " STR_FMT " exists already",
                    is_vertex ? "Vertex" : "Edge", STR_ARG(id_text(a, &id)));
    s->next_id[is_vertex] += !given;
    *entry = number + 1;
    *ret = value_copy(s->arena, &id);
    return true;
}

/* ---- Elements ---- */

static scratch_properties *properties_of(struct scratch *s, bool is_vertex, uint64_t number)
{
    return is_vertex ? &s->vertices.items[number].properties : &s->edges.items[number].properties;
}

static bool is_known(const struct scratch *s, bool is_vertex, uint64_t number)
{
    return number < (is_vertex ? s->vertices.count : s->edges.count);
}

static bool *deleted(struct scratch *s, bool is_vertex, uint64_t number)
{
    return is_vertex ? &s->vertices.items[number].is_deleted : &s->edges.items[number].is_deleted;
}

static scratch_event *record(struct scratch *s, scratch_event_kind kind, bool is_vertex,
                             uint64_t number)
{
    s->change++;
    scratch_event e = { .kind = kind, .is_vertex = is_vertex, .number = (uint32_t)number };
    vec_push(s->journal, &s->events, e);
    return &s->events.items[s->events.count - 1];
}

/* Whether the running statement may change anything. */
static bool may_change(struct scratch *s, error *err)
{
    assert(s->depth > 0);
    return !s->owner || s->owner == s->running ? true : scratch_take_over(s, err);
}

static bool has_room(struct scratch *s, error *err)
{
    TRY(may_change(s, err));
    if (arena_used_bytes(s->arena) + arena_used_bytes(s->journal) < s->limit_bytes &&
        s->vertices.count < UINT32_MAX - 1 && s->edges.count < UINT32_MAX - 1)
        return true;
    return fail(err, ERR_LIMIT, "the scratch graph is full: it may take %zu bytes of memory",
                s->limit_bytes);
}

bool graph_add_vertex(graph *g, const str *labels, size_t count, const value *id,
                      graph_ref *ret_vertex, error *err)
{
    struct scratch *s = g->scratch;
    scratch_vertex v = { 0 };
    uint32_t number = (uint32_t)s->vertices.count;
    TRY(has_room(s, err));
    TRY(take_id(s, true, id, number, &v.id, err));
    vec_push(s->arena, &s->vertices, v);
    s->live[1]++;
    s->changes.vertices_created++;
    record(s, EVENT_VERTEX_ADDED, true, number);
    *ret_vertex = graph_ref_of(0, number);
    for (size_t i = 0; i < count; i++)
        TRY(graph_add_label(g, *ret_vertex, labels[i], err));
    return true;
}

bool graph_add_edge(graph *g, str label, graph_ref from, graph_ref to, const value *id,
                    graph_ref *ret_edge, error *err)
{
    struct scratch *s = g->scratch;
    uint32_t number = (uint32_t)s->edges.count;
    scratch_edge e = { .from = (uint32_t)graph_ref_number(from),
                       .to = (uint32_t)graph_ref_number(to) };
    TRY(has_room(s, err));
    int known = scratch_find_label(s, false, label);
    if (known < 0)
        return fail(err, ERR_LIMIT, "the scratch graph has too many edge labels");
    if (graph_is_deleted(g, true, from) || graph_is_deleted(g, true, to))
        return fail(err, ERR_NOT_FOUND, "an edge cannot start or end at a vertex that was deleted");
    e.label = (uint32_t)known;
    TRY(take_id(s, false, id, number, &e.id, err));
    vec_push(s->arena, &s->edges, e);
    vec_push(s->arena, &s->vertices.items[e.from].edges, number);
    if (e.from != e.to)
        vec_push(s->arena, &s->vertices.items[e.to].edges, number);
    s->live[0]++;
    s->changes.edges_created++;
    record(s, EVENT_EDGE_ADDED, false, number);
    *ret_edge = graph_ref_of(e.label, number);
    return true;
}

static void put_property(struct scratch *s, scratch_properties *all, str key, const value *v)
{
    for (size_t i = 0; i < all->count; i++) {
        if (!str_eq(all->items[i].key, key))
            continue;
        if (v->kind != VALUE_NULL) {
            all->items[i].value = *v;
            return;
        }
        memmove(&all->items[i], &all->items[i + 1], (all->count - i - 1) * sizeof *all->items);
        all->count--;
        return;
    }
    if (v->kind != VALUE_NULL) {
        scratch_property p = { str_copy(s->arena, key), *v };
        vec_push(s->arena, all, p);
    }
}

static value find_property(const scratch_properties *all, str key)
{
    for (size_t i = 0; i < all->count; i++)
        if (str_eq(all->items[i].key, key))
            return all->items[i].value;
    return value_null();
}

bool graph_set_property(graph *g, bool is_vertex, graph_ref r, str key, const value *v, error *err)
{
    struct scratch *s = g->scratch;
    uint64_t number = graph_ref_number(r);
    TRY(has_room(s, err));
    if (graph_is_deleted(g, is_vertex, r))
        return fail(err, ERR_NOT_FOUND, "the %s was deleted; it has no properties any more",
                    is_vertex ? "vertex" : "edge");
    if (v->kind == VALUE_VERTEX || v->kind == VALUE_EDGE || v->kind == VALUE_PATH)
        return fail(err, ERR_INVALID, "property '" STR_FMT "' cannot hold a vertex, edge or path",
                    STR_ARG(key));
    scratch_properties *all = properties_of(s, is_vertex, number);
    value before = find_property(all, key);
    if (before.kind == VALUE_NULL && v->kind == VALUE_NULL)
        return true;
    value copy = value_copy(s->arena, v);
    scratch_event *e = record(s, EVENT_PROPERTY_SET, is_vertex, number);
    e->key = str_copy(s->journal, key);
    e->before = before;
    put_property(s, all, key, &copy);
    s->changes.properties_set++;
    return true;
}

static bool has_label(const scratch_vertex *v, uint32_t label)
{
    for (size_t i = 0; i < v->labels.count; i++)
        if (v->labels.items[i] == label)
            return true;
    return false;
}

static void take_label_away(scratch_vertex *v, uint32_t label)
{
    size_t n = 0;
    for (size_t i = 0; i < v->labels.count; i++)
        if (v->labels.items[i] != label)
            v->labels.items[n++] = v->labels.items[i];
    v->labels.count = n;
}

static bool change_label(graph *g, graph_ref vertex, str label, bool is_added, error *err)
{
    struct scratch *s = g->scratch;
    TRY(has_room(s, err));
    if (graph_is_deleted(g, true, vertex))
        return fail(err, ERR_NOT_FOUND, "the vertex was deleted; it has no labels any more");
    int known = label.len ? scratch_find_label(s, true, label) : -1;
    if (known < 0)
        return fail(err, label.len ? ERR_LIMIT : ERR_INVALID,
                    label.len ? "the scratch graph has too many vertex labels"
                              : "a label cannot be empty");
    scratch_vertex *v = &s->vertices.items[graph_ref_number(vertex)];
    if (has_label(v, (uint32_t)known) == is_added)
        return true;
    record(s, is_added ? EVENT_LABEL_ADDED : EVENT_LABEL_REMOVED, true, graph_ref_number(vertex))
        ->label = (uint32_t)known;
    if (is_added)
        vec_push(s->arena, &v->labels, (uint32_t)known);
    else
        take_label_away(v, (uint32_t)known);
    s->changes.labels_added += is_added;
    s->changes.labels_removed += !is_added;
    return true;
}

bool graph_add_label(graph *g, graph_ref vertex, str label, error *err)
{
    return change_label(g, vertex, label, true, err);
}

bool graph_remove_label(graph *g, graph_ref vertex, str label, error *err)
{
    return change_label(g, vertex, label, false, err);
}

static void delete_element(struct scratch *s, bool is_vertex, uint64_t number)
{
    *deleted(s, is_vertex, number) = true;
    set_id(s, is_vertex, is_vertex ? &s->vertices.items[number].id : &s->edges.items[number].id, 0);
    s->live[is_vertex]--;
    record(s, is_vertex ? EVENT_VERTEX_DELETED : EVENT_EDGE_DELETED, is_vertex, number);
    if (is_vertex)
        s->changes.vertices_deleted++;
    else
        s->changes.edges_deleted++;
}

bool graph_delete(graph *g, bool is_vertex, graph_ref r, bool is_detached, error *err)
{
    struct scratch *s = g->scratch;
    uint64_t number = graph_ref_number(r);
    TRY(may_change(s, err));
    if (graph_is_deleted(g, is_vertex, r))
        return true;
    if (!is_vertex) {
        delete_element(s, false, number);
        return true;
    }
    for (size_t i = 0; i < s->vertices.items[number].edges.count; i++) {
        uint32_t edge = s->vertices.items[number].edges.items[i];
        if (s->edges.items[edge].is_deleted)
            continue;
        if (!is_detached)
            return fail(
                err, ERR_CONFLICT,
                "the vertex still has edges: delete them first, or with it (DETACH DELETE)");
        delete_element(s, false, edge);
    }
    delete_element(s, true, number);
    return true;
}

/* ---- Undoing ---- */

void scratch_put_back(struct scratch *s, const scratch_event *e)
{
    scratch_vertex *v = e->is_vertex ? &s->vertices.items[e->number] : NULL;
    const value *id = e->is_vertex ? &v->id : &s->edges.items[e->number].id;
    switch (e->kind) {
    case EVENT_VERTEX_ADDED:
    case EVENT_EDGE_ADDED:
        *deleted(s, e->is_vertex, e->number) = true;
        set_id(s, e->is_vertex, id, 0);
        s->live[e->is_vertex]--;
        break;
    case EVENT_VERTEX_DELETED:
    case EVENT_EDGE_DELETED:
        *deleted(s, e->is_vertex, e->number) = false;
        set_id(s, e->is_vertex, id, e->number + 1);
        s->live[e->is_vertex]++;
        break;
    case EVENT_PROPERTY_SET:
        put_property(s, properties_of(s, e->is_vertex, e->number), e->key, &e->before);
        break;
    case EVENT_LABEL_ADDED: take_label_away(v, e->label); break;
    case EVENT_LABEL_REMOVED: vec_push(s->arena, &v->labels, e->label); break;
    }
}

/* ---- Reading ---- */

bool graph_is_deleted(graph *g, bool is_vertex, graph_ref r)
{
    struct scratch *s = g->scratch;
    if (!s)
        return false;
    scratch_lock(s);
    uint64_t number = graph_ref_number(r);
    bool is_gone = !is_known(s, is_vertex, number) || *deleted(s, is_vertex, number);
    scratch_unlock(s);
    return is_gone;
}

value graph_scratch_id(graph *g, bool is_vertex, graph_ref r, arena *a)
{
    struct scratch *s = g->scratch;
    uint64_t number = graph_ref_number(r);
    scratch_lock(s);
    value id = value_null();
    if (is_known(s, is_vertex, number))
        id = value_copy(a, is_vertex ? &s->vertices.items[number].id : &s->edges.items[number].id);
    scratch_unlock(s);
    return id;
}

value graph_scratch_property(graph *g, bool is_vertex, graph_ref r, str key, arena *a)
{
    struct scratch *s = g->scratch;
    uint64_t number = graph_ref_number(r);
    scratch_lock(s);
    value v = value_null();
    if (is_known(s, is_vertex, number))
        v = find_property(properties_of(s, is_vertex, number), key);
    v = value_copy(a, &v);
    scratch_unlock(s);
    return v;
}

size_t graph_scratch_keys(graph *g, bool is_vertex, graph_ref r, arena *a, str **ret_keys)
{
    struct scratch *s = g->scratch;
    uint64_t number = graph_ref_number(r);
    scratch_lock(s);
    size_t count = is_known(s, is_vertex, number) ? properties_of(s, is_vertex, number)->count : 0;
    *ret_keys = arena_array_of(a, str, count + 1);
    for (size_t i = 0; i < count; i++)
        (*ret_keys)[i] = str_copy(a, properties_of(s, is_vertex, number)->items[i].key);
    scratch_unlock(s);
    return count;
}

/* ---- What graph.c asks in the place of tables ---- */

static bool vertex_has(const scratch_vertex *v, size_t label)
{
    return label == 0 || has_label(v, (uint32_t)label);
}

uint64_t scratch_count(struct scratch *s, bool is_vertex, size_t label)
{
    uint64_t count = 0;
    scratch_lock(s);
    for (size_t i = 0; is_vertex && i < s->vertices.count; i++)
        count += !s->vertices.items[i].is_deleted && vertex_has(&s->vertices.items[i], label);
    for (size_t i = 0; !is_vertex && i < s->edges.count; i++)
        count += !s->edges.items[i].is_deleted && s->edges.items[i].label == label;
    scratch_unlock(s);
    return count;
}

uint64_t scratch_id_limit(struct scratch *s, size_t label)
{
    scratch_lock(s);
    uint64_t limit = label == 0 ? s->vertices.count : 0;
    scratch_unlock(s);
    return limit;
}

str scratch_key(graph *g, bool is_vertex, graph_ref r, arena *a)
{
    value id = graph_scratch_id(g, is_vertex, r, a);
    return str_copy(a, id_text(a, &id));
}

bool scratch_find_key(graph *g, bool is_vertex, size_t label, str key, uint64_t *ret,
                      bool *ret_is_found)
{
    value id = value_text(key);
    graph_ref r;
    *ret_is_found = graph_scratch_find(g, is_vertex, &id, &r) &&
                    (is_vertex ? label == 0 : graph_ref_label(r) == label);
    if (*ret_is_found)
        *ret = graph_ref_number(r);
    return true;
}
