/* Graph schemas in PuppyGraph's three JSON formats, brought to one form. */
#include "base/json.h"
#include "graph/internal.h"

typedef struct parser {
    arena *arena;
    error *err;
} parser;

static const char *path_of(parser *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str s = str_vformat(p->arena, format, args);
    va_end(args);
    return str_to_c(p->arena, s);
}

static bool need_text(parser *p, const json_t *j, const char *path, const char *member, str *ret)
{
    str text;
    TRY(json_need_text(j, path, member, &text, p->err));
    *ret = str_copy(p->arena, text);
    return true;
}

static str text_of(parser *p, const json_t *j, const char *member)
{
    return str_copy(p->arena, json_text_or(j, member, STR("")));
}

static const str *one_name(parser *p, str name, size_t *ret_count)
{
    *ret_count = name.len ? 1 : 0;
    return arena_copy(p->arena, &name, sizeof name);
}

/* ---- Format A: mappedTableSource with metaFields ---- */

static bool parse_a(parser *p, const json_t *j, const char *path, bool is_edge, schema_label *l)
{
    json_t *source, *meta;
    VEC(schema_property) properties = { 0 };
    TRY(need_text(p, j, path, "label", &l->label));
    TRY(json_need_object(j, path, "mappedTableSource", &source, p->err));
    const char *inner = path_of(p, "%s.mappedTableSource", path);
    TRY(need_text(p, source, inner, "catalog", &l->catalog));
    TRY(need_text(p, source, inner, "schema", &l->namespace));
    TRY(need_text(p, source, inner, "table", &l->table));
    TRY(json_need_object(source, inner, "metaFields", &meta, p->err));
    const char *fields = path_of(p, "%s.metaFields", inner);
    str id = text_of(p, meta, "id"), from, to;
    if (!is_edge)
        TRY(need_text(p, meta, fields, "id", &id));
    l->id = one_name(p, id, &l->id_count);
    if (is_edge) {
        TRY(need_text(p, meta, fields, "from", &from));
        TRY(need_text(p, meta, fields, "to", &to));
        l->from = one_name(p, from, &l->from_count);
        l->to = one_name(p, to, &l->to_count);
        TRY(need_text(p, j, path, "from", &l->from_label));
        TRY(need_text(p, j, path, "to", &l->to_label));
    }
    const json_t *attributes = json_object_get(j, "attributes");
    for (size_t i = 0; i < json_array_size(attributes); i++) {
        schema_property x;
        TRY(need_text(p, json_array_get(attributes, i), path_of(p, "%s.attributes[%zu]", path, i),
                      "name", &x.name));
        x.column = text_of(p, json_array_get(attributes, i), "field");
        x.column = x.column.len ? x.column : x.name;
        x.type = text_of(p, json_array_get(attributes, i), "type");
        vec_push(p->arena, &properties, x);
    }
    l->properties = properties.items;
    l->property_count = properties.count;
    return true;
}

/* ---- Format B: oneToOne, fields with aliases ---- */

static bool parse_b_fields(parser *p, const json_t *j, const char *path, const char *member,
                           const str **ret, size_t *ret_count)
{
    const json_t *holder = json_object_get(j, member), *fields = json_object_get(holder, "fields");
    VEC(str) names = { 0 };
    for (size_t i = 0; i < json_array_size(fields); i++) {
        str name;
        TRY(need_text(p, json_array_get(fields, i),
                      path_of(p, "%s.%s.fields[%zu]", path, member, i), "field", &name));
        vec_push(p->arena, &names, name);
    }
    *ret = names.items;
    *ret_count = names.count;
    return true;
}

static bool parse_b(parser *p, const json_t *j, const char *path, bool is_edge, schema_label *l)
{
    json_t *source;
    const json_t *holder = j;
    VEC(schema_property) properties = { 0 };
    TRY(need_text(p, j, path, "label", &l->label));
    if (!is_edge) {
        holder = json_object_get(j, "oneToOne");
        path = path_of(p, "%s.oneToOne", path);
        if (!holder)
            return fail(p->err, ERR_INVALID,
                        "%s is missing (manyToOne sources cannot be read by this version)", path);
    }
    TRY(json_need_object(holder, path, "tableSource", &source, p->err));
    const char *inner = path_of(p, "%s.tableSource", path);
    TRY(need_text(p, source, inner, "catalog", &l->catalog));
    TRY(need_text(p, source, inner, "schema", &l->namespace));
    TRY(need_text(p, source, inner, "table", &l->table));
    TRY(parse_b_fields(p, holder, path, "id", &l->id, &l->id_count));
    if (is_edge) {
        TRY(parse_b_fields(p, holder, path, "fromId", &l->from, &l->from_count));
        TRY(parse_b_fields(p, holder, path, "toId", &l->to, &l->to_count));
        TRY(need_text(p, j, path, "fromVertex", &l->from_label));
        TRY(need_text(p, j, path, "toVertex", &l->to_label));
    }
    const json_t *attributes = json_object_get(holder, "attributes");
    for (size_t i = 0; i < json_array_size(attributes); i++) {
        schema_property x;
        const json_t *item = json_array_get(attributes, i);
        TRY(need_text(p, item, path_of(p, "%s.attributes[%zu]", path, i), "field", &x.column));
        x.name = text_of(p, item, "alias");
        x.name = x.name.len ? x.name : x.column;
        x.type = text_of(p, item, "type");
        vec_push(p->arena, &properties, x);
    }
    l->properties = properties.items;
    l->property_count = properties.count;
    return true;
}

/* ---- Format C: dataSourceGroup with mappedField ---- */

/* The source column that `name` is mapped from. */
static bool mapped_column(parser *p, const json_t *mapped, const char *path, str name, str *ret)
{
    for (size_t i = 0; i < json_array_size(mapped); i++) {
        const json_t *item = json_array_get(mapped, i);
        if (!str_eq(json_text_or(item, "targetFieldName", STR("")), name))
            continue;
        return need_text(p, item, path_of(p, "%s.mappedField[%zu]", path, i), "sourceFieldName",
                         ret);
    }
    return fail(p->err, ERR_INVALID, "%s.mappedField: nothing is mapped to '" STR_FMT "'", path,
                STR_ARG(name));
}

static bool parse_c_key(parser *p, const json_t *j, const json_t *mapped, const char *path,
                        const char *inner, const char *member, const str **ret, size_t *ret_count)
{
    const json_t *list = json_object_get(j, member);
    VEC(str) names = { 0 };
    for (size_t i = 0; i < json_array_size(list); i++) {
        str name, column;
        TRY(need_text(p, json_array_get(list, i), path_of(p, "%s.%s[%zu]", path, member, i), "name",
                      &name));
        TRY(mapped_column(p, mapped, inner, name, &column));
        vec_push(p->arena, &names, column);
    }
    *ret = names.items;
    *ret_count = names.count;
    return true;
}

static bool parse_c(parser *p, const json_t *j, const char *path, bool is_edge, schema_label *l)
{
    json_t *group, *source;
    VEC(schema_property) properties = { 0 };
    TRY(need_text(p, j, path, "label", &l->label));
    TRY(json_need_object(j, path, "dataSourceGroup", &group, p->err));
    const char *inner = path_of(p, "%s.dataSourceGroup.externalDataSource", path);
    if (!json_object_get(group, "externalDataSource"))
        return fail(p->err, ERR_INVALID,
                    "%s is missing (union and local sources cannot be read by this version)",
                    inner);
    TRY(json_need_object(group, path_of(p, "%s.dataSourceGroup", path), "externalDataSource",
                         &source, p->err));
    TRY(need_text(p, source, inner, "catalog", &l->catalog));
    TRY(need_text(p, source, inner, "schema", &l->namespace));
    TRY(need_text(p, source, inner, "table", &l->table));
    l->where = text_of(p, source, "whereClause");
    const json_t *mapped = json_object_get(source, "mappedField");
    TRY(parse_c_key(p, j, mapped, path, inner, "id", &l->id, &l->id_count));
    if (is_edge) {
        TRY(parse_c_key(p, j, mapped, path, inner, "fromKey", &l->from, &l->from_count));
        TRY(parse_c_key(p, j, mapped, path, inner, "toKey", &l->to, &l->to_count));
        TRY(need_text(p, j, path, "fromNodeLabel", &l->from_label));
        TRY(need_text(p, j, path, "toNodeLabel", &l->to_label));
    }
    const json_t *attributes = json_object_get(j, "attribute");
    for (size_t i = 0; i < json_array_size(attributes); i++) {
        schema_property x;
        TRY(need_text(p, json_array_get(attributes, i), path_of(p, "%s.attribute[%zu]", path, i),
                      "name", &x.name));
        TRY(mapped_column(p, mapped, inner, x.name, &x.column));
        x.type = text_of(p, json_array_get(attributes, i), "type");
        vec_push(p->arena, &properties, x);
    }
    l->properties = properties.items;
    l->property_count = properties.count;
    return true;
}

/* ---- The whole ---- */

typedef bool (*parse_label)(parser *p, const json_t *j, const char *path, bool is_edge,
                            schema_label *l);

static bool parse_labels(parser *p, const json_t *list, const char *path, bool is_edge,
                         parse_label parse, const schema_label **ret, size_t *ret_count)
{
    *ret_count = json_array_size(list);
    schema_label *out = arena_array_of(p->arena, schema_label, *ret_count);
    for (size_t i = 0; i < *ret_count; i++) {
        out[i].path = str_of(path_of(p, "%s[%zu]", path, i));
        TRY(parse(p, json_array_get(list, i), out[i].path.data, is_edge, &out[i]));
        if (!is_edge && out[i].id_count == 0)
            return fail(p->err, ERR_INVALID, STR_FMT ": a vertex needs an id",
                        STR_ARG(out[i].path));
        if (is_edge && (out[i].from_count == 0 || out[i].to_count == 0))
            return fail(p->err, ERR_INVALID, STR_FMT ": an edge needs its from and to keys",
                        STR_ARG(out[i].path));
    }
    *ret = out;
    return true;
}

static const schema_label *find_label(const schema_label *labels, size_t count, str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(labels[i].label, name))
            return &labels[i];
    return NULL;
}

static bool check_labels(const schema *s, error *err)
{
    for (size_t i = 0; i < s->vertex_count; i++)
        if (find_label(s->vertices, i, s->vertices[i].label))
            return fail(err, ERR_INVALID, STR_FMT ".label: '" STR_FMT "' is taken already",
                        STR_ARG(s->vertices[i].path), STR_ARG(s->vertices[i].label));
    for (size_t i = 0; i < s->edge_count; i++) {
        const schema_label *e = &s->edges[i];
        if (find_label(s->edges, i, e->label) || find_label(s->vertices, s->vertex_count, e->label))
            return fail(err, ERR_INVALID, STR_FMT ".label: '" STR_FMT "' is taken already",
                        STR_ARG(e->path), STR_ARG(e->label));
        str ends[] = { e->from_label, e->to_label };
        for (int k = 0; k < 2; k++)
            if (!find_label(s->vertices, s->vertex_count, ends[k]))
                return fail(err, ERR_INVALID,
                            STR_FMT ": '" STR_FMT "', the label it goes %s, is no vertex label",
                            STR_ARG(e->path), STR_ARG(ends[k]), k ? "to" : "from");
    }
    return true;
}

bool schema_parse(arena *a, str json, str name, schema *ret, error *err)
{
    AUTO(json_release) json_t *root = NULL;
    parser p = { a, err };
    TRY(json_parse(json, name, &root, err));
    const json_t *graph = json_object_get(root, "graph");
    bool works;
    if (json_object_get(root, "vertices"))
        works = parse_labels(&p, json_object_get(root, "vertices"), "vertices", false, parse_a,
                             &ret->vertices, &ret->vertex_count) &&
                parse_labels(&p, json_object_get(root, "edges"), "edges", true, parse_a,
                             &ret->edges, &ret->edge_count);
    else if (graph)
        works = parse_labels(&p, json_object_get(graph, "vertices"), "graph.vertices", false,
                             parse_b, &ret->vertices, &ret->vertex_count) &&
                parse_labels(&p, json_object_get(graph, "edges"), "graph.edges", true, parse_b,
                             &ret->edges, &ret->edge_count);
    else if (json_object_get(root, "node"))
        works = parse_labels(&p, json_object_get(root, "node"), "node", false, parse_c,
                             &ret->vertices, &ret->vertex_count) &&
                parse_labels(&p, json_object_get(root, "edge"), "edge", true, parse_c, &ret->edges,
                             &ret->edge_count);
    else
        works = fail(err, ERR_INVALID,
                     "it has none of 'vertices', 'graph' and 'node': it is no graph schema");
    if (!works || !check_labels(ret, err))
        return str_contains(str_of(err->message), name) ? false
                                                        : fail_while(err, STR_FMT, STR_ARG(name));
    return true;
}
