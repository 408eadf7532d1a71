/* The last step of lineage: from the columns of tables to the labels of the home's graph. */
#include "base/json.h"
#include "base/vec.h"
#include "pipeline/system.h"
#include "server/schema_catalogs.h"
#include "server/session.h"

/* The catalog's name as SQL has it; the schema may call it otherwise. */
static str catalog_of(home *h, arena *a, const json_t *schema, str name)
{
    catalog *c;            /* the home's */
    error ignored = { 0 }; /* one that is out of reach keeps the schema's name for it */
    return schema_catalog_find(h, schema, name, &c, &ignored) ? str_copy(a, catalog_name(c)) : name;
}

static bool fill_labels(home *h, arena *a, const system_lineage_line **ret, size_t *ret_count,
                        error *err)
{
    AUTO(json_release) json_t *root = NULL;
    str json, last = STR(""), catalog = STR("");
    const graph_origin *origins;
    size_t count;
    VEC(system_lineage_line) lines = { 0 };
    *ret_count = 0;
    if (!session_schema_get(h, a, &json, err)) {
        if (err->code != ERR_NOT_FOUND)
            return false;
        error_clear(err);
        return true;
    }
    TRY(json_parse(json, STR("graph schema"), &root, err));
    TRY(graph_schema_origins(a, json, STR("graph schema"), &origins, &count, err));
    for (size_t i = 0; i < count; i++) {
        const graph_origin *o = &origins[i];
        if (catalog.len == 0 || !str_eq(o->catalog, last))
            catalog = catalog_of(h, a, root, o->catalog);
        last = o->catalog;
        vec_push(a, &lines,
                 (system_lineage_line){
                     .kind = o->is_vertex ? STR("VERTEX") : STR("EDGE"),
                     .source = str_format(a, STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(catalog),
                                          STR_ARG(o->namespace), STR_ARG(o->table)),
                     .source_column = o->column,
                     .target = o->label,
                     .target_column = o->property,
                     .expression = o->expression });
    }
    *ret = lines.items;
    *ret_count = lines.count;
    return true;
}

void session_tell_lineage(void)
{
    system_set_lineage(fill_labels);
}
