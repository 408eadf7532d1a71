/* What a scan can pass over: manifests by their partition summaries, files by their partition and
 * by the bounds of their columns. Source: Iceberg spec, "Scan Planning". */
#include "base/clock.h"
#include "iceberg/avro.h"
#include "iceberg/internal.h"

/* The values of a predicate in binary form. False: it cannot be used, nothing is passed over. */
static bool to_bytes(arena *a, const iceberg_type *type, const value *v, str *ret)
{
    if (v->kind == VALUE_STRING && type->kind != ICEBERG_STRING) {
        iceberg_type exact = *type;
        return bounds_of_text(a, &exact, v->text, false, ret);
    }
    if (v->kind == VALUE_INT && (type->kind == ICEBERG_DOUBLE || type->kind == ICEBERG_FLOAT)) {
        value real = value_double((double)v->integer);
        return bounds_encode(a, type, &real, ret);
    }
    if (v->kind == VALUE_INT && type->kind == ICEBERG_INT &&
        (v->integer > INT32_MAX || v->integer < INT32_MIN))
        return false;
    return bounds_encode(a, type, v, ret);
}

/* May a value within [lower, upper] (either may be unknown) satisfy the predicate? */
static bool range_may_hold(const iceberg_type *type, const bound_predicate *p, str lower, str upper)
{
    switch (p->compare) {
    case ICEBERG_LESS: return !lower.data || bounds_compare(type, lower, p->bytes[0]) < 0;
    case ICEBERG_LESS_OR_EQUAL: return !lower.data || bounds_compare(type, lower, p->bytes[0]) <= 0;
    case ICEBERG_GREATER: return !upper.data || bounds_compare(type, upper, p->bytes[0]) > 0;
    case ICEBERG_GREATER_OR_EQUAL:
        return !upper.data || bounds_compare(type, upper, p->bytes[0]) >= 0;
    case ICEBERG_IN:
        for (size_t i = 0; i < p->count; i++)
            if ((!lower.data || bounds_compare(type, lower, p->bytes[i]) <= 0) &&
                (!upper.data || bounds_compare(type, upper, p->bytes[i]) >= 0))
                return true;
        return false;
    case ICEBERG_STARTS_WITH: {
        str prefix = p->bytes[0];
        str low = lower.data ? str_slice(lower, 0, prefix.len) : lower;
        str high = upper.data ? str_slice(upper, 0, prefix.len) : upper;
        return (!lower.data || str_compare(low, prefix) <= 0) &&
               (!upper.data || str_compare(high, prefix) >= 0);
    }
    case ICEBERG_IS_NULL:
    case ICEBERG_IS_NOT_NULL: return true;
    }
    return true;
}

bool predicates_bind(const iceberg_table *t, const iceberg_schema *s, arena *a,
                     const iceberg_predicate *where, size_t count, bound_predicate **ret,
                     error *err)
{
    bound_predicate *out = arena_array_of(a, bound_predicate, count);
    for (size_t i = 0; i < count; i++) {
        const iceberg_field *f = iceberg_schema_find(s, where[i].column);
        if (!f)
            return fail(err, ERR_NOT_FOUND, "table " STR_FMT " has no column " STR_FMT,
                        STR_ARG(t->name), STR_ARG(where[i].column));
        out[i] = (bound_predicate){ .field = f,
                                    .compare = where[i].compare,
                                    .values = where[i].values,
                                    .count = where[i].value_count,
                                    .is_usable = true };
        out[i].bytes = arena_array_of(a, str, where[i].value_count);
        for (size_t k = 0; k < where[i].value_count; k++)
            if (!to_bytes(a, f->type, &where[i].values[k], &out[i].bytes[k]))
                out[i].is_usable = false;
    }
    *ret = out;
    return true;
}

bool predicates_may_hold_in_file(const bound_predicate *p, size_t count, const iceberg_file *f)
{
    for (size_t i = 0; i < count; i++) {
        const iceberg_column_stats *s = NULL;
        for (size_t k = 0; k < f->stats_count && !s; k++)
            if (f->stats[k].field_id == p[i].field->id)
                s = &f->stats[k];
        if (!s || !p[i].is_usable)
            continue;
        bool all_null = s->null_count >= 0 && s->null_count == s->value_count;
        if (p[i].compare == ICEBERG_IS_NULL ? s->null_count == 0 : all_null)
            return false;
        if (!range_may_hold(p[i].field->type, &p[i], s->lower, s->upper))
            return false;
    }
    return true;
}

/* ---- Partitions ---- */

/* What a predicate on the source column says of a partition field. False: nothing. */
static bool project(arena *a, const bound_predicate *p, const iceberg_partition_field *f,
                    const iceberg_type *result, bound_predicate *ret)
{
    bool keeps_order = f->transform != TRANSFORM_BUCKET && f->transform != TRANSFORM_VOID &&
                       f->transform != TRANSFORM_UNKNOWN;
    bool is_identity = f->transform == TRANSFORM_IDENTITY;
    if (!p->is_usable || f->transform == TRANSFORM_VOID || f->transform == TRANSFORM_UNKNOWN)
        return false;
    *ret = *p;
    ret->bytes = arena_array_of(a, str, p->count);
    if (p->compare == ICEBERG_IS_NULL || p->compare == ICEBERG_IS_NOT_NULL)
        return true;
    if (p->compare == ICEBERG_STARTS_WITH) {
        if (!is_identity && f->transform != TRANSFORM_TRUNCATE)
            return false;
    } else if (p->compare != ICEBERG_IN && !keeps_order) {
        return false;
    }
    for (size_t i = 0; i < p->count; i++) {
        value typed, out;
        if (!iceberg_bound_value(a, p->field->type, p->bytes[i], &typed) ||
            !transform_value(a, p->field->type, f->transform, f->argument, &typed, &out) ||
            !bounds_encode(a, result, &out, &ret->bytes[i]))
            return false;
    }
    /* x < 10:30 leaves hour(x) = 10 possible */
    if (!is_identity && p->compare == ICEBERG_LESS)
        ret->compare = ICEBERG_LESS_OR_EQUAL;
    if (!is_identity && p->compare == ICEBERG_GREATER)
        ret->compare = ICEBERG_GREATER_OR_EQUAL;
    return true;
}

/* `has_null` and the range of one partition field, of a file (one value) or a manifest. */
static bool partition_may_hold(const iceberg_type *type, const bound_predicate *p, bool has_null,
                               bool has_value, str lower, str upper)
{
    if (p->compare == ICEBERG_IS_NULL)
        return has_null;
    return has_value &&
           (p->compare == ICEBERG_IS_NOT_NULL || range_may_hold(type, p, lower, upper));
}

bool predicates_may_hold_in_manifest(const iceberg_table *t, arena *a, const bound_predicate *p,
                                     size_t count, const manifest *m)
{
    const iceberg_spec *spec = iceberg_table_spec_by_id(t, m->spec_id);
    if (!spec || !m->partitions || m->partitions->list.count != spec->field_count)
        return true;
    for (size_t k = 0; k < spec->field_count; k++) {
        const value *item = &m->partitions->list.items[k];
        const value *has_null = avro_field(item, 509), *lower = avro_field(item, 510),
                    *upper = avro_field(item, 511);
        const iceberg_type *type = partition_type(t->schema, &spec->fields[k]);
        for (size_t i = 0; i < count; i++) {
            bound_predicate q;
            if (p[i].field->id != spec->fields[k].source_id ||
                !project(a, &p[i], &spec->fields[k], type, &q))
                continue;
            if (!partition_may_hold(type, &q, !has_null || has_null->boolean, lower != NULL,
                                    lower ? lower->text : (str){ 0 },
                                    upper ? upper->text : (str){ 0 }))
                return false;
        }
    }
    return true;
}

bool predicates_may_hold_in_partition(const iceberg_table *t, arena *a, const bound_predicate *p,
                                      size_t count, const iceberg_file *f)
{
    const iceberg_spec *spec = iceberg_table_spec_by_id(t, f->spec_id);
    for (size_t k = 0; k < spec->field_count; k++) {
        const iceberg_type *type = partition_type(t->schema, &spec->fields[k]);
        for (size_t i = 0; i < count; i++) {
            bound_predicate q;
            str bytes = { 0 };
            bool is_null = f->partition[k].kind == VALUE_NULL;
            if (p[i].field->id != spec->fields[k].source_id ||
                !project(a, &p[i], &spec->fields[k], type, &q) ||
                (!is_null && !bounds_encode(a, type, &f->partition[k], &bytes)))
                continue;
            if (!partition_may_hold(type, &q, is_null, !is_null, bytes, bytes))
                return false;
        }
    }
    return true;
}
