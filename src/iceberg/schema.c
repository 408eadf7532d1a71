/* Types of columns: their names in Iceberg and DuckDB, widening, look-up. */
#include "iceberg/schema.h"

#include "base/arena.h"

static const struct {
    const char *name, *sql;
} kinds[] = {
    [ICEBERG_BOOLEAN] = { "boolean", "BOOLEAN" },
    [ICEBERG_INT] = { "int", "INTEGER" },
    [ICEBERG_LONG] = { "long", "BIGINT" },
    [ICEBERG_FLOAT] = { "float", "FLOAT" },
    [ICEBERG_DOUBLE] = { "double", "DOUBLE" },
    [ICEBERG_DECIMAL] = { "decimal", "DECIMAL" },
    [ICEBERG_DATE] = { "date", "DATE" },
    [ICEBERG_TIME] = { "time", "TIME" },
    [ICEBERG_TIMESTAMP] = { "timestamp", "TIMESTAMP" },
    [ICEBERG_TIMESTAMPTZ] = { "timestamptz", "TIMESTAMP WITH TIME ZONE" },
    [ICEBERG_STRING] = { "string", "VARCHAR" },
    [ICEBERG_UUID] = { "uuid", "UUID" },
    [ICEBERG_FIXED] = { "fixed", "BLOB" },
    [ICEBERG_BINARY] = { "binary", "BLOB" },
    [ICEBERG_TIMESTAMP_NS] = { "timestamp_ns", "TIMESTAMP_NS" },
    [ICEBERG_TIMESTAMPTZ_NS] = { "timestamptz_ns", "TIMESTAMP_NS" },
    [ICEBERG_UNKNOWN] = { "unknown", "INTEGER" },
    [ICEBERG_VARIANT] = { "variant", "VARIANT" },
    [ICEBERG_GEOMETRY] = { "geometry", "BLOB" },
    [ICEBERG_GEOGRAPHY] = { "geography", "BLOB" },
    [ICEBERG_STRUCT] = { "struct", "STRUCT" },
    [ICEBERG_LIST] = { "list", "LIST" },
    [ICEBERG_MAP] = { "map", "MAP" },
};

const iceberg_type *iceberg_primitive(iceberg_kind kind)
{
    static const iceberg_type types[] = {
        { ICEBERG_BOOLEAN },        { ICEBERG_INT },       { ICEBERG_LONG },
        { ICEBERG_FLOAT },          { ICEBERG_DOUBLE },    { ICEBERG_DECIMAL },
        { ICEBERG_DATE },           { ICEBERG_TIME },      { ICEBERG_TIMESTAMP },
        { ICEBERG_TIMESTAMPTZ },    { ICEBERG_STRING },    { ICEBERG_UUID },
        { ICEBERG_FIXED },          { ICEBERG_BINARY },    { ICEBERG_TIMESTAMP_NS },
        { ICEBERG_TIMESTAMPTZ_NS }, { ICEBERG_UNKNOWN },   { ICEBERG_VARIANT },
        { ICEBERG_GEOMETRY },       { ICEBERG_GEOGRAPHY },
    };
    return &types[kind];
}

str iceberg_type_text(arena *a, const iceberg_type *t)
{
    switch (t->kind) {
    case ICEBERG_DECIMAL: return str_format(a, "decimal(%d, %d)", t->precision, t->scale);
    case ICEBERG_FIXED: return str_format(a, "fixed[%d]", t->length);
    case ICEBERG_GEOMETRY:
    case ICEBERG_GEOGRAPHY: return t->text.len ? t->text : str_of(kinds[t->kind].name);
    case ICEBERG_LIST:
        return str_format(a, "list<" STR_FMT ">", STR_ARG(iceberg_type_text(a, t->fields[0].type)));
    case ICEBERG_MAP:
        return str_format(a, "map<" STR_FMT ", " STR_FMT ">",
                          STR_ARG(iceberg_type_text(a, t->fields[0].type)),
                          STR_ARG(iceberg_type_text(a, t->fields[1].type)));
    default: return str_of(kinds[t->kind].name);
    }
}

static str struct_sql(arena *a, const iceberg_type *t)
{
    strbuf b = strbuf_new(a);
    strbuf_add(&b, STR("STRUCT("));
    for (size_t i = 0; i < t->field_count; i++) {
        strbuf_add_c(&b, i ? ", " : "");
        strbuf_add_sql_name(&b, t->fields[i].name);
        strbuf_add_char(&b, ' ');
        strbuf_add(&b, iceberg_type_sql(a, t->fields[i].type));
    }
    strbuf_add_char(&b, ')');
    return strbuf_str(&b);
}

str iceberg_type_sql(arena *a, const iceberg_type *t)
{
    switch (t->kind) {
    case ICEBERG_DECIMAL: return str_format(a, "DECIMAL(%d,%d)", t->precision, t->scale);
    case ICEBERG_LIST:
        return str_format(a, STR_FMT "[]", STR_ARG(iceberg_type_sql(a, t->fields[0].type)));
    case ICEBERG_MAP:
        return str_format(a, "MAP(" STR_FMT ", " STR_FMT ")",
                          STR_ARG(iceberg_type_sql(a, t->fields[0].type)),
                          STR_ARG(iceberg_type_sql(a, t->fields[1].type)));
    case ICEBERG_STRUCT: return struct_sql(a, t);
    default: return str_of(kinds[t->kind].sql);
    }
}

bool iceberg_type_of_sql(arena *a, str sql_type, const iceberg_type **ret_type)
{
    static const struct {
        const char *sql;
        iceberg_kind kind;
    } names[] = {
        { "BOOLEAN", ICEBERG_BOOLEAN },
        { "BOOL", ICEBERG_BOOLEAN },
        { "TINYINT", ICEBERG_INT },
        { "SMALLINT", ICEBERG_INT },
        { "INTEGER", ICEBERG_INT },
        { "INT", ICEBERG_INT },
        { "UTINYINT", ICEBERG_INT },
        { "USMALLINT", ICEBERG_INT },
        { "UINTEGER", ICEBERG_LONG },
        { "BIGINT", ICEBERG_LONG },
        { "LONG", ICEBERG_LONG },
        { "UBIGINT", ICEBERG_LONG },
        { "HUGEINT", ICEBERG_LONG },
        { "FLOAT", ICEBERG_FLOAT },
        { "REAL", ICEBERG_FLOAT },
        { "DOUBLE", ICEBERG_DOUBLE },
        { "DATE", ICEBERG_DATE },
        { "TIME", ICEBERG_TIME },
        { "TIMESTAMP", ICEBERG_TIMESTAMP },
        { "TIMESTAMP_S", ICEBERG_TIMESTAMP },
        { "TIMESTAMP_MS", ICEBERG_TIMESTAMP },
        { "TIMESTAMP_NS", ICEBERG_TIMESTAMP }, /* version 2 has no finer time */
        { "TIMESTAMP WITH TIME ZONE", ICEBERG_TIMESTAMPTZ },
        { "TIMESTAMPTZ", ICEBERG_TIMESTAMPTZ },
        { "VARCHAR", ICEBERG_STRING },
        { "STRING", ICEBERG_STRING },
        { "TEXT", ICEBERG_STRING },
        { "UUID", ICEBERG_UUID },
        { "BLOB", ICEBERG_BINARY },
        { "BINARY", ICEBERG_BINARY },
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(sql_type, str_of(names[i].sql))) {
            *ret_type = iceberg_primitive(names[i].kind);
            return true;
        }
    str rest = str_slice(sql_type, 8, sql_type.len);
    if (!str_eq_nocase(str_slice(sql_type, 0, 8), STR("DECIMAL(")) ||
        !str_ends_with(rest, STR(")")))
        return false;
    rest.len--;
    int64_t precision, scale = 0;
    str first = str_trim(str_cut(&rest, ','));
    if (!str_to_i64(first, &precision) || (rest.len && !str_to_i64(str_trim(rest), &scale)) ||
        precision < 1 || precision > 38 || scale < 0 || scale > precision)
        return false;
    iceberg_type *t = arena_new_of(a, iceberg_type);
    *t = (iceberg_type){ .kind = ICEBERG_DECIMAL,
                         .precision = (int32_t)precision,
                         .scale = (int32_t)scale };
    *ret_type = t;
    return true;
}

const iceberg_field *iceberg_schema_find(const iceberg_schema *s, str name)
{
    for (size_t i = 0; i < s->field_count; i++)
        if (str_eq(s->fields[i].name, name))
            return &s->fields[i];
    for (size_t i = 0; i < s->field_count; i++)
        if (str_eq_nocase(s->fields[i].name, name))
            return &s->fields[i];
    return NULL;
}

const iceberg_field *iceberg_schema_find_id(const iceberg_schema *s, int32_t id)
{
    for (size_t i = 0; i < s->field_count; i++)
        if (s->fields[i].id == id)
            return &s->fields[i];
    return NULL;
}

static const iceberg_field *find_deep(const iceberg_field *fields, size_t count, int32_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].id == id)
            return &fields[i];
        const iceberg_field *inner =
            find_deep(fields[i].type->fields, fields[i].type->field_count, id);
        if (inner)
            return inner;
    }
    return NULL;
}

const iceberg_field *iceberg_schema_find_deep(const iceberg_schema *s, int32_t id)
{
    return find_deep(s->fields, s->field_count, id);
}

bool iceberg_type_can_widen(const iceberg_type *from, const iceberg_type *to)
{
    if (from->kind == ICEBERG_DECIMAL && to->kind == ICEBERG_DECIMAL)
        return from->scale == to->scale && from->precision <= to->precision;
    return (from->kind == ICEBERG_UNKNOWN) ||
           (from->kind == ICEBERG_INT && to->kind == ICEBERG_LONG) ||
           (from->kind == ICEBERG_FLOAT && to->kind == ICEBERG_DOUBLE);
}

const iceberg_schema *iceberg_schema_with(arena *a, const iceberg_schema *s,
                                          const iceberg_field *added, size_t added_count,
                                          int32_t *last_id)
{
    iceberg_schema *out = arena_copy(a, s, sizeof *s);
    iceberg_field *fields = arena_array_of(a, iceberg_field, s->field_count + added_count);
    if (s->field_count)
        memcpy(fields, s->fields, s->field_count * sizeof *fields);
    for (size_t i = 0; i < added_count; i++) {
        fields[s->field_count + i] = added[i];
        fields[s->field_count + i].id = ++*last_id;
    }
    out->fields = fields;
    out->field_count += added_count;
    return out;
}
