/* Metadata that tools ask for when they connect. */
#include "cypher/procedure.h"

#include "exec/named.h"

typedef void (*add_row)(void *context, const value *cells);

static value text(const char *s)
{
    return value_text(str_of(s));
}

static size_t label_count(graph *g, bool is_vertex)
{
    return is_vertex ? graph_vertex_label_count(g) : graph_edge_label_count(g);
}

static const graph_label *label_at(graph *g, bool is_vertex, size_t i)
{
    return is_vertex ? graph_vertex_label(g, i) : graph_edge_label(g, i);
}

/* The first label of a scratch graph stands for any vertex and has no name. */
static void label_rows(graph *g, bool is_vertex, add_row add, void *context)
{
    for (size_t i = 0; i < label_count(g, is_vertex); i++) {
        value name = value_text(label_at(g, is_vertex, i)->name);
        if (name.text.len)
            add(context, &name);
    }
}

static void labels(graph *g, arena *a, add_row add, void *context)
{
    label_rows(g, true, add, context);
}

static void types(graph *g, arena *a, add_row add, void *context)
{
    label_rows(g, false, add, context);
}

static void property_keys(graph *g, arena *a, add_row add, void *context)
{
    VEC(str) seen = { 0 };
    for (int side = 1; side >= 0; side--)
        for (size_t i = 0; i < label_count(g, side); i++)
            for (size_t k = 0; k < label_at(g, side, i)->property_count; k++) {
                str name = label_at(g, side, i)->properties[k].name;
                bool is_known = false;
                for (size_t n = 0; n < seen.count; n++)
                    is_known |= str_eq(seen.items[n], name);
                if (is_known)
                    continue;
                vec_push(a, &seen, name);
                value v = value_text(name);
                add(context, &v);
            }
}

static void components(graph *g, arena *a, add_row add, void *context)
{
    value version = text("5.4.0"),
          row[] = { text("Neo4j Kernel"), value_list(&version, 1), text("community") };
    add(context, row);
}

static void ping(graph *g, arena *a, add_row add, void *context)
{
    value yes = value_bool(true);
    add(context, &yes);
}

static void user(graph *g, arena *a, add_row add, void *context)
{
    value row[] = { text("admin"), value_list(NULL, 0), value_list(NULL, 0) };
    add(context, row);
}

static void nothing(graph *g, arena *a, add_row add, void *context)
{
}

static void databases(graph *g, arena *a, add_row add, void *context)
{
    value row[] = { text("neo4j"),      text("standard"),       value_list(NULL, 0),
                    text("read-write"), text("localhost:7687"), text("primary"),
                    value_bool(true),   text("online"),         text("online"),
                    text(""),           value_bool(true),       value_bool(true),
                    value_list(NULL, 0) };
    add(context, row);
}

static const char *type_name(column_type t)
{
    switch (t) {
    case COLUMN_BOOL: return "BOOLEAN";
    case COLUMN_FLOAT:
    case COLUMN_DOUBLE: return "FLOAT";
    case COLUMN_STRING: return "STRING";
    case COLUMN_DATE: return "DATE";
    case COLUMN_TIMESTAMP: return "DATE_TIME";
    default: return t < COLUMN_FLOAT ? "INTEGER" : "STRING";
    }
}

/* label, property, count, unique, index, existence, type, array, left, right, other, elementType */
static void apoc_data(graph *g, arena *a, add_row add, void *context)
{
    for (int side = 1; side >= 0; side--)
        for (size_t i = 0; i < label_count(g, side); i++) {
            const graph_label *l = label_at(g, side, i);
            if (l->name.len == 0)
                continue;
            value zero = value_int(0), no = value_bool(false), none = value_list(NULL, 0);
            value row[] = { value_text(l->name),
                            value_null(),
                            zero,
                            no,
                            no,
                            no,
                            value_null(),
                            no,
                            zero,
                            zero,
                            none,
                            text(side ? "node" : "relationship") };
            for (size_t k = 0; k < l->property_count; k++) {
                row[1] = value_text(l->properties[k].name);
                row[6] = text(type_name(l->properties[k].type));
                add(context, row);
            }
        }
    if (graph_is_scratch(g))
        return;
    for (size_t i = 0; i < label_count(g, false); i++) { /* where relationships lead */
        const graph_label *l = label_at(g, false, i);
        value *to = arena_new_of(a, value), one = value_int(1), no = value_bool(false);
        *to = value_text(graph_vertex_label(g, l->to_label)->name);
        value row[] = { value_text(graph_vertex_label(g, l->from_label)->name),
                        value_text(l->name),
                        one,
                        no,
                        no,
                        no,
                        text("RELATIONSHIP"),
                        value_bool(true),
                        one,
                        one,
                        value_list(to, 1),
                        text("node") };
        add(context, row);
    }
}

static void type_properties(graph *g, bool is_vertex, arena *a, add_row add, void *context)
{
    for (size_t i = 0; i < label_count(g, is_vertex); i++) {
        const graph_label *l = label_at(g, is_vertex, i);
        for (size_t k = 0; k < l->property_count; k++) {
            value *name = arena_new_of(a, value), *kind = arena_new_of(a, value);
            *name = value_text(l->name);
            *kind = text(type_name(l->properties[k].type));
            value type = value_text(str_format(a, ":`" STR_FMT "`", STR_ARG(l->name)));
            value key = value_text(l->properties[k].name), kinds = value_list(kind, 1),
                  no = value_bool(false);
            value node[] = { type, value_list(name, 1), key, kinds, no },
                  edge[] = { type, key, kinds, no };
            add(context, is_vertex ? node : edge);
        }
    }
}

static void node_properties(graph *g, arena *a, add_row add, void *context)
{
    type_properties(g, true, a, add, context);
}

static void edge_properties(graph *g, arena *a, add_row add, void *context)
{
    type_properties(g, false, a, add, context);
}

/* A label as a map, with what it is called under `key`: there is no element behind it. */
static value label_map(graph *g, arena *a, bool is_vertex, size_t i, const char *key)
{
    const graph_label *l = label_at(g, is_vertex, i);
    enum { CELLS = 3 };
    value *keys = arena_array_of(a, value, CELLS), *values = arena_array_of(a, value, CELLS);
    uint64_t count = 0;
    error ignored = { 0 };
    (void)!(is_vertex ? graph_vertex_count(g, i, &count, &ignored)
                      : graph_edge_count(g, i, &count, &ignored));
    keys[0] = text(key);
    values[0] = value_text(l->name);
    keys[1] = text("count");
    values[1] = value_int((int64_t)count);
    keys[2] = text("properties");
    values[2] = value_int((int64_t)l->property_count);
    return (value){ .kind = VALUE_MAP, .map = { keys, values, CELLS } };
}

/* Labels and the relationships between them. */
static void schema(graph *g, arena *a, add_row add, void *context)
{
    VEC(value) nodes = { 0 }, edges = { 0 };
    for (size_t i = 0; i < label_count(g, true); i++)
        if (label_at(g, true, i)->name.len)
            vec_push(a, &nodes, label_map(g, a, true, i, "name"));
    for (size_t i = 0; i < label_count(g, false); i++)
        vec_push(a, &edges, label_map(g, a, false, i, "type"));
    value row[] = { value_list(nodes.items, nodes.count), value_list(edges.items, edges.count) };
    add(context, row);
}

static void functions(graph *g, arena *a, add_row add, void *context)
{
    const named_function *f;
    for (size_t i = 0; (f = named_function_at(i)); i++) {
        value row[] = { text(f->name), text("Scalar"), text(f->what) };
        if (f->name[0] != '.')
            add(context, row);
    }
}

static void procedures(graph *g, arena *a, add_row add, void *context);

#define DATABASES                                                                                  \
    "name type aliases access address role writer requestedStatus currentStatus statusMessage "    \
    "default home constituents"

static const metadata all[] = {
    { "db.labels", "label", labels, "labels of nodes" },
    { "db.relationshipTypes", "relationshipType", types, "types of relationships" },
    { "db.propertyKeys", "propertyKey", property_keys, "names of properties" },
    { "db.ping", "success", ping, "an answer" },
    { "db.info", "id name creationDate", nothing, "the database" },
    { "db.schema.visualization", "nodes relationships", schema,
      "labels and what leads from one to another" },
    { "db.schema.nodeTypeProperties", "nodeType nodeLabels propertyName propertyTypes mandatory",
      node_properties, "properties of nodes" },
    { "db.schema.relTypeProperties", "relType propertyName propertyTypes mandatory",
      edge_properties, "properties of relationships" },
    { "dbms.components", "name versions edition", components, "name and version" },
    { "dbms.showCurrentUser", "username roles flags", user, "who asks" },
    { "dbms.clientConfig", "name value", nothing, "settings of clients" },
    { "dbms.procedures", "name description signature mode", procedures, "this list" },
    { "dbms.functions", "name category description", functions, "functions" },
    { "apoc.meta.data",
      "label property count unique index existence type array left right other elementType",
      apoc_data, "labels with their properties" },
    { "apoc.meta.graph", "nodes relationships", schema,
      "labels and what leads from one to another" },
    { "apoc.schema.nodes",
      "name label properties status type failure populationProgress size valuesSelectivity "
      "userDescription",
      nothing, "indexes" },
    { "show.databases", DATABASES, databases, "databases" },
    { "show.database", DATABASES, databases, "databases" },
    { "show.default.database", DATABASES, databases, "databases" },
    { "show.home.database", DATABASES, databases, "databases" },
    { "show.procedures", "name description signature mode", procedures, "procedures" },
    { "show.functions", "name category description", functions, "functions" },
    { "show.indexes",
      "id name state populationPercent type entityType labelsOrTypes properties indexProvider "
      "owningConstraint",
      nothing, "indexes" },
    { "show.index",
      "id name state populationPercent type entityType labelsOrTypes properties indexProvider "
      "owningConstraint",
      nothing, "indexes" },
    { "show.constraints",
      "id name type entityType labelsOrTypes properties ownedIndex propertyType", nothing,
      "constraints" },
    { "show.transactions",
      "database transactionId currentQueryId username currentQuery startTime status elapsedTime",
      nothing, "transactions" },
};

static void procedures(graph *g, arena *a, add_row add, void *context)
{
    const plan_procedure *p;
    for (size_t i = 0; (p = plan_procedure_at(i)); i++) {
        value row[] = { text(p->names[0]), text(p->options),
                        value_text(str_format(a, "%s(options :: MAP)", p->names[0])),
                        text("READ") };
        add(context, row);
    }
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        value row[] = { text(all[i].name), text(all[i].what),
                        value_text(str_format(a, "%s()", all[i].name)), text("READ") };
        if (!str_starts_with(str_of(all[i].name), STR("show.")))
            add(context, row);
    }
}

const metadata *metadata_find(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (str_eq_nocase(str_of(all[i].name), name))
            return &all[i];
    return NULL;
}

const metadata *metadata_at(size_t i)
{
    return i < ARRAY_LEN(all) ? &all[i] : NULL;
}
