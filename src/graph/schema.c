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

static const schema_column *one_column(parser *p, str name, size_t *ret_count)
{
    schema_column *c = arena_new_of(p->arena, schema_column);
    c->name = name;
    *ret_count = name.len ? 1 : 0;
    return c;
}

static void set_sources(parser *p, schema_label *l, const schema_source *sources, size_t count)
{
    l->sources = arena_copy(p->arena, sources, count * sizeof *sources);
    l->source_count = count;
}

static const str *names_of(parser *p, const schema_column *columns, size_t count)
{
    str *names = arena_array_of(p->arena, str, count);
    for (size_t i = 0; i < count; i++)
        names[i] = columns[i].name;
    return names;
}

static bool parse_table(parser *p, const json_t *j, const char *path, schema_source *s)
{
    s->path = str_copy(p->arena, str_of(path));
    TRY(need_text(p, j, path, "catalog", &s->catalog));
    TRY(need_text(p, j, path, "schema", &s->namespace));
    return need_text(p, j, path, "table", &s->table);
}

/* ---- Format A: mappedTableSource with metaFields ---- */

static bool parse_a(parser *p, const json_t *j, const char *path, bool is_edge, schema_label *l)
{
    json_t *source, *meta;
    schema_source s = { 0 };
    VEC(schema_property) properties = { 0 };
    VEC(schema_column) columns = { 0 };
    TRY(need_text(p, j, path, "label", &l->label));
    TRY(json_need_object(j, path, "mappedTableSource", &source, p->err));
    const char *inner = path_of(p, "%s.mappedTableSource", path);
    TRY(parse_table(p, source, inner, &s));
    TRY(json_need_object(source, inner, "metaFields", &meta, p->err));
    const char *fields = path_of(p, "%s.metaFields", inner);
    str id = text_of(p, meta, "id"), from, to;
    if (!is_edge)
        TRY(need_text(p, meta, fields, "id", &id));
    s.id = one_column(p, id, &l->id_count);
    l->id_names = names_of(p, s.id, l->id_count);
    if (is_edge) {
        TRY(need_text(p, meta, fields, "from", &from));
        TRY(need_text(p, meta, fields, "to", &to));
        s.from = one_column(p, from, &l->from_count);
        s.to = one_column(p, to, &l->to_count);
        TRY(need_text(p, j, path, "from", &l->from_label));
        TRY(need_text(p, j, path, "to", &l->to_label));
    }
    const json_t *attributes = json_object_get(j, "attributes");
    for (size_t i = 0; i < json_array_size(attributes); i++) {
        schema_property x;
        TRY(need_text(p, json_array_get(attributes, i), path_of(p, "%s.attributes[%zu]", path, i),
                      "name", &x.name));
        str column = text_of(p, json_array_get(attributes, i), "field");
        x.type = text_of(p, json_array_get(attributes, i), "type");
        vec_push(p->arena, &properties, x);
        vec_push(p->arena, &columns, (schema_column){ column.len ? column : x.name, false });
    }
    s.columns = columns.items;
    l->properties = properties.items;
    l->property_count = properties.count;
    set_sources(p, l, &s, 1);
    return true;
}

/* ---- Format B: oneToOne or manyToOne, fields with aliases ---- */

static bool parse_b_fields(parser *p, const json_t *j, const char *path, const char *member,
                           const schema_column **ret, const str **ret_names, size_t *ret_count)
{
    const json_t *holder = json_object_get(j, member), *fields = json_object_get(holder, "fields");
    VEC(schema_column) columns = { 0 };
    VEC(str) names = { 0 };
    for (size_t i = 0; i < json_array_size(fields); i++) {
        schema_column c = { 0 };
        TRY(need_text(p, json_array_get(fields, i),
                      path_of(p, "%s.%s.fields[%zu]", path, member, i), "field", &c.name));
        vec_push(p->arena, &columns, c);
        vec_push(p->arena, &names, c.name);
    }
    *ret = columns.items;
    *ret_count = columns.count;
    if (ret_names)
        *ret_names = names.items;
    return true;
}

/* One table of a label; the first says what the properties are. */
static bool parse_b_source(parser *p, const json_t *holder, const char *path, bool is_edge,
                           bool is_first, schema_label *l, schema_source *s)
{
    json_t *source;
    const str *names;
    size_t counts[3] = { 0 };
    TRY(json_need_object(holder, path, "tableSource", &source, p->err));
    TRY(parse_table(p, source, path_of(p, "%s.tableSource", path), s));
    s->where = text_of(p, source, "whereClause");
    TRY(parse_b_fields(p, holder, path, "id", &s->id, &names, &counts[0]));
    if (is_edge) {
        TRY(parse_b_fields(p, holder, path, "fromId", &s->from, NULL, &counts[1]));
        TRY(parse_b_fields(p, holder, path, "toId", &s->to, NULL, &counts[2]));
    }
    const json_t *attributes = json_object_get(holder, "attributes");
    size_t count = json_array_size(attributes);
    schema_property *properties = arena_array_of(p->arena, schema_property, count);
    schema_column *given = arena_array_of(p->arena, schema_column, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(attributes, i);
        TRY(need_text(p, item, path_of(p, "%s.attributes[%zu]", path, i), "field", &given[i].name));
        properties[i].name = text_of(p, item, "alias");
        properties[i].name = properties[i].name.len ? properties[i].name : given[i].name;
        properties[i].type = text_of(p, item, "type");
    }
    if (is_first) {
        l->properties = properties;
        l->property_count = count;
        l->id_names = names;
        l->id_count = counts[0];
        l->from_count = counts[1];
        l->to_count = counts[2];
        s->columns = given;
        return true;
    }
    if (counts[0] != l->id_count || counts[1] != l->from_count || counts[2] != l->to_count)
        return fail(p->err, ERR_INVALID,
                    "%s: its keys have another number of fields than those of the first source",
                    path);
    schema_column *columns = arena_array_of(p->arena, schema_column, l->property_count);
    for (size_t i = 0; i < l->property_count; i++)
        for (size_t k = 0; k < count; k++)
            if (str_eq(properties[k].name, l->properties[i].name))
                columns[i] = given[k];
    s->columns = columns;
    return true;
}

static bool parse_b(parser *p, const json_t *j, const char *path, bool is_edge, schema_label *l)
{
    static const char *const wrappers[] = { "oneToOne", "manyToOne", "oneToMany" };
    const json_t *holder = is_edge ? j : NULL;
    const char *inner = path;
    VEC(schema_source) sources = { 0 };
    TRY(need_text(p, j, path, "label", &l->label));
    for (size_t i = 0; i < ARRAY_LEN(wrappers); i++)
        if (json_object_get(j, wrappers[i])) {
            holder = json_object_get(j, wrappers[i]);
            inner = path_of(p, "%s.%s", path, wrappers[i]);
        }
    if (!holder)
        return fail(p->err, ERR_INVALID, "%s.oneToOne (or manyToOne) is missing", path);
    const json_t *list = json_is_array(holder) ? holder : json_object_get(holder, "sources");
    for (size_t i = 0; i < (list ? json_array_size(list) : 1); i++) {
        schema_source s = { 0 };
        TRY(parse_b_source(p, list ? json_array_get(list, i) : holder,
                           list ? path_of(p, "%s[%zu]", inner, i) : inner, is_edge, i == 0, l, &s));
        vec_push(p->arena, &sources, s);
    }
    if (sources.count == 0)
        return fail(p->err, ERR_INVALID, "%s: it names no table", inner);
    set_sources(p, l, sources.items, sources.count);
    if (is_edge) {
        TRY(need_text(p, j, path, "fromVertex", &l->from_label));
        TRY(need_text(p, j, path, "toVertex", &l->to_label));
    }
    return true;
}

/* ---- Format C: dataSourceGroup with mappedField ---- */

/* What `name` is mapped from; nothing is an error unless `may_lack`. */
static bool mapped_column(parser *p, const json_t *mapped, const char *path, str name,
                          bool may_lack, schema_column *ret)
{
    *ret = (schema_column){ 0 };
    for (size_t i = 0; i < json_array_size(mapped); i++) {
        const json_t *item = json_array_get(mapped, i);
        if (!str_eq(json_text_or(item, "targetFieldName", STR("")), name))
            continue;
        ret->name = text_of(p, item, "sourceExpression");
        ret->is_expression = ret->name.len > 0;
        return ret->is_expression || need_text(p, item, path_of(p, "%s.mappedField[%zu]", path, i),
                                               "sourceFieldName", &ret->name);
    }
    return may_lack
               ? true
               : fail(p->err, ERR_INVALID, "%s.mappedField: nothing is mapped to '" STR_FMT "'",
                      path, STR_ARG(name));
}

static bool parse_c_key(parser *p, const json_t *j, const json_t *mapped, const char *path,
                        const char *inner, const char *member, const schema_column **ret,
                        const str **ret_names, size_t *ret_count)
{
    const json_t *list = json_object_get(j, member);
    VEC(schema_column) columns = { 0 };
    VEC(str) names = { 0 };
    for (size_t i = 0; i < json_array_size(list); i++) {
        str name;
        schema_column column;
        TRY(need_text(p, json_array_get(list, i), path_of(p, "%s.%s[%zu]", path, member, i), "name",
                      &name));
        TRY(mapped_column(p, mapped, inner, name, false, &column));
        vec_push(p->arena, &columns, column);
        vec_push(p->arena, &names, name);
    }
    *ret = columns.items;
    *ret_count = columns.count;
    if (ret_names)
        *ret_names = names.items;
    return true;
}

static bool parse_c_source(parser *p, const json_t *j, const json_t *source, const char *path,
                           const char *inner, bool is_edge, bool is_union, schema_label *l,
                           schema_source *s)
{
    TRY(parse_table(p, source, inner, s));
    s->where = text_of(p, source, "whereClause");
    const json_t *mapped = json_object_get(source, "mappedField");
    TRY(parse_c_key(p, j, mapped, path, inner, "id", &s->id, &l->id_names, &l->id_count));
    if (is_edge) {
        TRY(parse_c_key(p, j, mapped, path, inner, "fromKey", &s->from, NULL, &l->from_count));
        TRY(parse_c_key(p, j, mapped, path, inner, "toKey", &s->to, NULL, &l->to_count));
    }
    schema_column *columns = arena_array_of(p->arena, schema_column, l->property_count);
    for (size_t i = 0; i < l->property_count; i++)
        TRY(mapped_column(p, mapped, inner, l->properties[i].name, is_union, &columns[i]));
    s->columns = columns;
    return true;
}

static bool is_enabled(const json_t *source)
{
    return source && !json_is_false(json_object_get(source, "enabled"));
}

/* Rows are one vertex when they have one id: what else than the id could they be deduplicated by?
 */
static bool check_dedup(parser *p, const json_t *input, const char *path, const schema_label *l)
{
    const json_t *keys = json_object_get(input, "dedupKey");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *text = json_string_value(json_array_get(keys, i));
        str name = str_of(text ? text : "");
        bool is_id = false;
        for (size_t k = 0; k < l->id_count; k++)
            is_id |= str_eq(l->id_names[k], name);
        if (!is_id)
            return fail(p->err, ERR_INVALID,
                        "%s.unionDataSource.dedupKey[%zu]: '" STR_FMT
                        "' is not part of the id; vertices are deduplicated by their id",
                        path, i, STR_ARG(name));
    }
    return true;
}

static bool parse_c_sources(parser *p, const json_t *j, const char *path, bool is_edge,
                            schema_label *l)
{
    json_t *group;
    VEC(schema_source) sources = { 0 };
    TRY(json_need_object(j, path, "dataSourceGroup", &group, p->err));
    const char *inner = path_of(p, "%s.dataSourceGroup", path);
    const json_t *external = json_object_get(group, "externalDataSource"),
                 *unions = json_object_get(group, "unionDataSource");
    bool is_union = is_enabled(unions);
    if (is_enabled(external) == is_union)
        return fail(p->err, ERR_INVALID,
                    "%s: exactly one of externalDataSource and unionDataSource must be enabled "
                    "(localDataSource: Floe keeps no second copy; name the table itself)",
                    inner);
    const json_t *input = json_object_get(unions, "input");
    for (size_t i = 0; i < (is_union ? json_array_size(input) : 1); i++) {
        schema_source s = { 0 };
        TRY(parse_c_source(p, j, is_union ? json_array_get(input, i) : external, path,
                           is_union ? path_of(p, "%s.unionDataSource.input[%zu]", inner, i)
                                    : path_of(p, "%s.externalDataSource", inner),
                           is_edge, is_union, l, &s));
        vec_push(p->arena, &sources, s);
    }
    if (sources.count == 0)
        return fail(p->err, ERR_INVALID, "%s.unionDataSource.input is empty", inner);
    set_sources(p, l, sources.items, sources.count);
    return !is_union || check_dedup(p, unions, inner, l);
}

static bool parse_c(parser *p, const json_t *j, const char *path, bool is_edge, schema_label *l)
{
    VEC(schema_property) properties = { 0 };
    TRY(need_text(p, j, path, "label", &l->label));
    const json_t *attributes = json_object_get(j, "attribute");
    for (size_t i = 0; i < json_array_size(attributes); i++) {
        schema_property x;
        TRY(need_text(p, json_array_get(attributes, i), path_of(p, "%s.attribute[%zu]", path, i),
                      "name", &x.name));
        x.type = text_of(p, json_array_get(attributes, i), "type");
        vec_push(p->arena, &properties, x);
    }
    l->properties = properties.items;
    l->property_count = properties.count;
    TRY(parse_c_sources(p, j, path, is_edge, l));
    if (is_edge) {
        TRY(need_text(p, j, path, "fromNodeLabel", &l->from_label));
        TRY(need_text(p, j, path, "toNodeLabel", &l->to_label));
    }
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

/* The ends' keys must have as many parts as the ids of the labels they lead to. */
static bool check_end(const schema_label *e, const schema_label *vertex, bool is_from, error *err)
{
    size_t count = is_from ? e->from_count : e->to_count;
    return count == vertex->id_count
               ? true
               : fail(err, ERR_INVALID,
                      STR_FMT ": its %s key has %zu fields, and the id of '" STR_FMT "' has %zu",
                      STR_ARG(e->path), is_from ? "from" : "to", count, STR_ARG(vertex->label),
                      vertex->id_count);
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
        for (int k = 0; k < 2; k++) {
            const schema_label *vertex = find_label(s->vertices, s->vertex_count, ends[k]);
            if (!vertex)
                return fail(err, ERR_INVALID,
                            STR_FMT ": '" STR_FMT "', the label it goes %s, is no vertex label",
                            STR_ARG(e->path), STR_ARG(ends[k]), k ? "to" : "from");
            TRY(check_end(e, vertex, k == 0, err));
        }
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
