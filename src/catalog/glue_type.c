/* Columns in Glue's terms. Source: Iceberg's IcebergToGlueConverter names and parameters. */
#include "catalog/glue_type.h"

#include "base/arena.h"

static const char *primitive_name(iceberg_kind kind)
{
    switch (kind) {
    case ICEBERG_BOOLEAN: return "boolean";
    case ICEBERG_INT: return "int";
    case ICEBERG_LONG: return "bigint";
    case ICEBERG_FLOAT: return "float";
    case ICEBERG_DOUBLE: return "double";
    case ICEBERG_DATE: return "date";
    case ICEBERG_TIMESTAMP:
    case ICEBERG_TIMESTAMPTZ:
    case ICEBERG_TIMESTAMP_NS:
    case ICEBERG_TIMESTAMPTZ_NS: return "timestamp";
    case ICEBERG_FIXED:
    case ICEBERG_BINARY:
    case ICEBERG_VARIANT:
    case ICEBERG_GEOMETRY:
    case ICEBERG_GEOGRAPHY: return "binary";
    case ICEBERG_TIME:
    case ICEBERG_STRING:
    case ICEBERG_UUID:
    case ICEBERG_UNKNOWN: return "string";
    case ICEBERG_DECIMAL:
    case ICEBERG_STRUCT:
    case ICEBERG_LIST:
    case ICEBERG_MAP: break;
    }
    return NULL;
}

static void add_type(strbuf *b, const iceberg_type *type)
{
    const char *name = primitive_name(type->kind);
    if (name) {
        strbuf_add_c(b, name);
        return;
    }
    if (type->kind == ICEBERG_DECIMAL) {
        strbuf_format(b, "decimal(%d,%d)", type->precision, type->scale);
        return;
    }
    strbuf_add_c(b, type->kind == ICEBERG_STRUCT ? "struct<"
                    : type->kind == ICEBERG_LIST ? "array<"
                                                 : "map<");
    for (size_t i = 0; i < type->field_count; i++) {
        strbuf_add_c(b, i ? "," : "");
        if (type->kind == ICEBERG_STRUCT)
            strbuf_format(b, STR_FMT ":", STR_ARG(type->fields[i].name));
        add_type(b, type->fields[i].type);
    }
    strbuf_add_char(b, '>');
}

str glue_type_text(arena *a, const iceberg_type *type)
{
    strbuf b = strbuf_new(a);
    add_type(&b, type);
    return strbuf_str(&b);
}

static void put_pair(json_writer *w, const char *key, str value)
{
    json_put_key(w, str_of(key));
    json_put_text(w, value);
}

void glue_put_storage(json_writer *w, arena *a, const iceberg_table *t)
{
    const iceberg_schema *s = iceberg_table_schema(t);
    json_put_key(w, STR("StorageDescriptor"));
    json_put_object_begin(w);
    put_pair(w, "Location", iceberg_table_location(t));
    json_put_key(w, STR("Columns"));
    json_put_array_begin(w);
    for (size_t i = 0; i < s->field_count; i++) {
        const iceberg_field *f = &s->fields[i];
        json_put_object_begin(w);
        put_pair(w, "Name", f->name);
        put_pair(w, "Type", glue_type_text(a, f->type));
        if (f->doc.len)
            put_pair(w, "Comment", str_slice(f->doc, 0, 255));
        json_put_key(w, STR("Parameters"));
        json_put_object_begin(w);
        put_pair(w, "iceberg.field.id", str_format(a, "%d", f->id));
        put_pair(w, "iceberg.field.optional", f->is_required ? STR("false") : STR("true"));
        put_pair(w, "iceberg.field.current", STR("true"));
        json_put_object_done(w);
        json_put_object_done(w);
    }
    json_put_array_done(w);
    json_put_object_done(w);
}
