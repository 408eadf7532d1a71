/* Predicates over property columns, compiled: a block of vertices or edges of one label is tested
 * against the cells as they lie, without making values. What cannot be compiled is left to
 * expression.c. */
#include "exec/internal.h"

typedef enum test_kind {
    TEST_AND,
    TEST_OR,
    TEST_INTEGER, /* low ≤ cell ≤ high, or not */
    TEST_REAL,    /* the same of doubles and floats */
    TEST_CODE,    /* whether the text with this code passes */
    TEST_NULL,    /* is null, or is not */
    TEST_LISTED,  /* of vertices: have a row */
    TEST_RANGES,  /* of vertices: the id is in one of them, and has a row where `rows` are given */
} test_kind;

struct kernel {
    test_kind kind;
    const graph_column *column;
    int64_t low, high;
    double real_low, real_high;
    bool includes_low, includes_high; /* of TEST_REAL */
    bool is_negated;
    const uint8_t *passes; /* of TEST_CODE: by code */
    const graph_range *ranges;
    size_t range_count;
    const uint32_t *rows; /* of TEST_LISTED: by id; NULL: all have one */
    kernel *left, *right;
};

typedef struct maker {
    query *query;
    plan_slot slot;
    bool is_vertex;
    size_t label;
} maker;

static bool make(maker *m, const plan_expr *e, kernel **ret, error *err);

/* The column that `e` reads of the slot; NULL when it is something else. */
static bool column_of(maker *m, const plan_expr *e, const graph_column **ret, error *err)
{
    *ret = NULL;
    if (e->kind != EXPR_PROPERTY || e->property.of->kind != EXPR_SLOT ||
        e->property.of->slot != m->slot)
        return true;
    return query_column(m->query, m->is_vertex, m->label, e->property.key, ret, err);
}

static bool is_integral(column_type t)
{
    return t == COLUMN_INT32 || t == COLUMN_INT64 || t == COLUMN_DATE || t == COLUMN_TIME ||
           t == COLUMN_TIMESTAMP;
}

/* The literal as a number of the column's own unit. */
static bool integer_of(column_type t, const value *v, int64_t *ret)
{
    value_kind kind = t == COLUMN_DATE        ? VALUE_DATE
                      : t == COLUMN_TIMESTAMP ? VALUE_TIMESTAMP
                      : t == COLUMN_TIME      ? VALUE_TIME
                                              : VALUE_INT;
    *ret = v->integer;
    return v->kind == kind;
}

static bool make_integer(plan_function f, const graph_column *c, const value *v, kernel *ret)
{
    int64_t x;
    if (!integer_of(c->type, v, &x))
        return false;
    ret->kind = TEST_INTEGER;
    ret->low = INT64_MIN;
    ret->high = INT64_MAX;
    switch (f) {
    case FN_NE: ret->is_negated = true; /* fall through */
    case FN_EQ: ret->low = ret->high = x; return true;
    case FN_GE: ret->low = x; return true;
    case FN_LE: ret->high = x; return true;
    case FN_GT: ret->low = x + (x < INT64_MAX); return x < INT64_MAX;
    case FN_LT: ret->high = x - (x > INT64_MIN); return x > INT64_MIN;
    default: return false;
    }
}

static bool make_real(plan_function f, const value *v, kernel *ret)
{
    if (v->kind != VALUE_INT && v->kind != VALUE_DOUBLE)
        return false;
    double x = value_to_double(v);
    ret->kind = TEST_REAL;
    ret->real_low = -__builtin_inf();
    ret->real_high = __builtin_inf();
    ret->includes_low = ret->includes_high = true;
    switch (f) {
    case FN_NE: ret->is_negated = true; /* fall through */
    case FN_EQ: ret->real_low = ret->real_high = x; return x == x;
    case FN_GE: ret->real_low = x; return x == x;
    case FN_LE: ret->real_high = x; return x == x;
    case FN_GT:
        ret->real_low = x;
        ret->includes_low = false;
        return x == x;
    case FN_LT:
        ret->real_high = x;
        ret->includes_high = false;
        return x == x;
    default: return false;
    }
}

/* Any test of one text column: asked once for each text that the column has. */
static bool make_code(maker *m, const plan_expr *e, const plan_expr *property,
                      const graph_column *c, kernel *ret, error *err)
{
    enum { MOST_TEXTS = 1 << 16 };
    query *q = m->query;
    if (c->dictionary_count > MOST_TEXTS)
        return true;
    uint8_t *passes = arena_alloc(q->arena, c->dictionary_count + 1ull);
    plan_expr call = *e, literal = { .kind = EXPR_LITERAL };
    plan_expr *args[2] = { e->call.args[0], e->call.args[1] };
    args[args[0] == property ? 0 : 1] = &literal;
    call.call.args = args;
    uint64_t bulk[1] = { 1 };
    rows one = { .count = 1, .bulk = bulk };
    for (uint32_t i = 0; i < c->dictionary_count; i++) {
        value answer;
        literal.literal = value_text(c->dictionary[i]);
        TRY(expr_eval(q, &call, &one, &answer, err));
        passes[i] = answer.kind == VALUE_BOOL && answer.boolean;
    }
    ret->kind = TEST_CODE;
    ret->passes = passes;
    return true;
}

static plan_function mirrored(plan_function f)
{
    return f == FN_LT ? FN_GT : f == FN_GT ? FN_LT : f == FN_LE ? FN_GE : f == FN_GE ? FN_LE : f;
}

static bool make_test(maker *m, const plan_expr *e, kernel **ret, error *err)
{
    const graph_column *c;
    plan_function f = e->call.function;
    const plan_expr *property = e->call.args[0], *other = e->call.args[1];
    TRY(column_of(m, property, &c, err));
    if (!c && f != FN_IN) {
        TRY(column_of(m, other, &c, err));
        other = property;
        property = e->call.args[1];
        f = mirrored(f);
    }
    if (!c || other->kind != EXPR_LITERAL)
        return true;
    kernel *k = arena_new_of(m->query->arena, kernel);
    k->column = c;
    bool is_made = false;
    if (c->type == COLUMN_STRING) {
        k->kind = TEST_AND;
        TRY(make_code(m, e, property, c, k, err));
        is_made = k->kind == TEST_CODE;
    } else if (f == FN_IN && is_integral(c->type) && other->literal.kind == VALUE_LIST) {
        kernel *last = NULL;
        is_made = other->literal.list.count > 0;
        for (size_t i = 0; is_made && i < other->literal.list.count; i++) {
            kernel *one = arena_new_of(m->query->arena, kernel);
            one->column = c;
            is_made = make_integer(FN_EQ, c, &other->literal.list.items[i], one);
            if (last) {
                kernel *both = arena_new_of(m->query->arena, kernel);
                *both = (kernel){ .kind = TEST_OR, .left = last, .right = one };
                one = both;
            }
            last = one;
        }
        k = last;
    } else if (is_integral(c->type)) {
        is_made = make_integer(f, c, &other->literal, k);
    } else if (c->type == COLUMN_DOUBLE || c->type == COLUMN_FLOAT) {
        is_made = make_real(f, &other->literal, k);
    }
    *ret = is_made ? k : NULL;
    return true;
}

/* Of the key itself: a vertex without a row has none as a property. */
static bool make_ranges(maker *m, const plan_expr *e, kernel **ret, error *err)
{
    const plan_expr *of = e->call.args[0];
    bool is_property = of->kind == EXPR_PROPERTY, has_ranges;
    graph_range *ranges;
    size_t count;
    of = is_property ? of->property.of : of;
    if (!m->is_vertex || of->kind != EXPR_SLOT || of->slot != m->slot)
        return true;
    TRY(block_ranges(m->query, e, m->label, &ranges, &count, &has_ranges, err));
    if (!has_ranges)
        return true;
    *ret = arena_new_of(m->query->arena, kernel);
    **ret = (kernel){ .kind = TEST_RANGES, .ranges = ranges, .range_count = count };
    return !is_property || graph_vertex_rows(m->query->graph, m->label, &(*ret)->rows, err);
}

/* `*ret` NULL: it cannot be compiled. Null fails every test, so NOT is left to others. */
static bool make(maker *m, const plan_expr *e, kernel **ret, error *err)
{
    *ret = NULL;
    if (e->kind != EXPR_CALL)
        return true;
    switch (e->call.function) {
    case FN_AND:
    case FN_OR: {
        kernel *all = NULL;
        for (size_t i = 0; i < e->call.arg_count; i++) {
            kernel *one, *both;
            TRY(make(m, e->call.args[i], &one, err));
            if (!one)
                return true;
            both = arena_new_of(m->query->arena, kernel);
            *both = (kernel){ .kind = e->call.function == FN_AND ? TEST_AND : TEST_OR,
                              .left = all,
                              .right = one };
            all = all ? both : one;
        }
        *ret = all;
        return true;
    }
    case FN_IS_NULL:
    case FN_IS_NOT_NULL: {
        const graph_column *c;
        TRY(column_of(m, e->call.args[0], &c, err));
        if (!c)
            return true;
        *ret = arena_new_of(m->query->arena, kernel);
        **ret = (kernel){ .kind = TEST_NULL,
                          .column = c,
                          .is_negated = e->call.function == FN_IS_NOT_NULL };
        return true;
    }
    case FN_IS_LISTED:
        if (e->call.args[0]->kind != EXPR_SLOT || e->call.args[0]->slot != m->slot)
            return true;
        *ret = arena_new_of(m->query->arena, kernel);
        (*ret)->kind = TEST_LISTED;
        return graph_vertex_rows(m->query->graph, m->label, &(*ret)->rows, err);
    case FN_IN_CIDR: return make_ranges(m, e, ret, err);
    case FN_EQ:
    case FN_NE:
    case FN_LT:
    case FN_LE:
    case FN_GT:
    case FN_GE:
    case FN_IN:
    case FN_STARTS_WITH:
    case FN_ENDS_WITH:
    case FN_CONTAINS: return make_test(m, e, ret, err);
    default: return true;
    }
}

bool kernel_make(query *q, const plan_expr *e, plan_slot slot, size_t label, kernel **ret,
                 error *err)
{
    *ret = NULL;
    if (graph_is_scratch(q->graph))
        return true; /* has no columns */
    maker m = { q, slot, q->plan->slots[slot].kind == SLOT_VERTEX, label };
    return make(&m, e, ret, err);
}

/* ---- Running ---- */

/* All numbers of a block, one behind the other: the common case, and a loop without gathers. */
static bool is_run(const uint64_t *refs, size_t count)
{
    if (refs[count - 1] - refs[0] != count - 1)
        return false;
    uint64_t differs = 0;
    for (size_t i = 0; i < count; i++)
        differs |= refs[i] - refs[0] - i;
    return differs == 0;
}

#define TEST_CELLS(type, condition)                                                                \
    do {                                                                                           \
        const type *cells = c->data;                                                               \
        if (runs)                                                                                  \
            for (size_t i = 0; i < count; i++) {                                                   \
                type x = cells[first + i];                                                         \
                keep[i] = (uint8_t)((condition) != k->is_negated);                                 \
            }                                                                                      \
        else                                                                                       \
            for (size_t i = 0; i < count; i++) {                                                   \
                type x = cells[graph_ref_number(refs[i])];                                         \
                keep[i] = (uint8_t)((condition) != k->is_negated);                                 \
            }                                                                                      \
    } while (0)

static void test_cells(const kernel *k, const uint64_t *refs, size_t count, bool runs,
                       uint8_t *keep)
{
    const graph_column *c = k->column;
    uint64_t first = graph_ref_number(refs[0]);
    if (k->kind == TEST_CODE) {
        const uint8_t *passes = k->passes;
        TEST_CELLS(uint32_t, passes[x] != 0);
    } else if (k->kind == TEST_INTEGER && column_type_bytes(c->type) == 4) {
        int64_t low = k->low, high = k->high;
        TEST_CELLS(int32_t, (int64_t)x >= low && (int64_t)x <= high);
    } else if (k->kind == TEST_INTEGER) {
        int64_t low = k->low, high = k->high;
        TEST_CELLS(int64_t, x >= low && x <= high);
    } else {
        double low = k->real_low, high = k->real_high;
        bool with_low = k->includes_low, with_high = k->includes_high;
        if (c->type == COLUMN_FLOAT)
            TEST_CELLS(float, (with_low ? (double)x >= low : (double)x > low) &&
                                  (with_high ? (double)x <= high : (double)x < high));
        else
            TEST_CELLS(double,
                       (with_low ? x >= low : x > low) && (with_high ? x <= high : x < high));
    }
    for (size_t i = 0; c->valid && i < count; i++) {
        uint64_t n = graph_ref_number(refs[i]);
        keep[i] &= (uint8_t)(c->valid[n / 64] >> (n % 64) & 1);
    }
}

static void run(const kernel *k, const uint64_t *refs, size_t count, bool runs, uint8_t *keep)
{
    if (k->kind == TEST_AND || k->kind == TEST_OR) {
        uint8_t other[BATCH_ROWS];
        run(k->left, refs, count, runs, keep);
        run(k->right, refs, count, runs, other);
        for (size_t i = 0; i < count; i++)
            keep[i] = k->kind == TEST_AND ? keep[i] & other[i] : keep[i] | other[i];
    } else if (k->kind == TEST_RANGES) {
        for (size_t i = 0; i < count; i++) {
            uint64_t n = graph_ref_number(refs[i]);
            bool is_inside = false;
            for (size_t r = 0; r < k->range_count; r++)
                is_inside |= n >= k->ranges[r].from && n < k->ranges[r].to;
            keep[i] = is_inside && (!k->rows || k->rows[n] != GRAPH_NO_ROW);
        }
    } else if (k->kind == TEST_LISTED) {
        for (size_t i = 0; i < count; i++)
            keep[i] = !k->rows || k->rows[graph_ref_number(refs[i])] != GRAPH_NO_ROW;
    } else if (k->kind == TEST_NULL) {
        for (size_t i = 0; i < count; i++) {
            uint64_t n = graph_ref_number(refs[i]);
            bool is_valid = !k->column->valid || (k->column->valid[n / 64] >> (n % 64) & 1);
            keep[i] = is_valid == k->is_negated;
        }
    } else {
        test_cells(k, refs, count, runs, keep);
    }
}

void kernel_run(const kernel *k, const uint64_t *refs, size_t count, uint8_t *ret_keep)
{
    if (count)
        run(k, refs, count, is_run(refs, count), ret_keep);
}

/* ---- Sums over runs of edges ---- */

/* Halves are added apart: neither can overflow, and both loops are short work for vector units. */
static __int128 sum_int64(const int64_t *cells, uint64_t count)
{
    int64_t high = 0;
    uint64_t low = 0;
    for (uint64_t i = 0; i < count; i++) {
        high += cells[i] >> 32;
        low += (uint32_t)cells[i];
    }
    return ((__int128)high << 32) + low;
}

bool column_sum_run(const graph_column *c, uint64_t first, uint64_t count, __int128 *ret_integer,
                    double *ret_real, uint64_t *ret_count)
{
    *ret_integer = 0;
    *ret_real = 0;
    *ret_count = count;
    if (c->valid) {
        *ret_count = 0;
        for (uint64_t i = first; i < first + count; i++) {
            if (!(c->valid[i / 64] >> (i % 64) & 1))
                continue;
            ++*ret_count;
            switch (c->type) {
            case COLUMN_INT64: *ret_integer += ((const int64_t *)c->data)[i]; break;
            case COLUMN_INT32: *ret_integer += ((const int32_t *)c->data)[i]; break;
            case COLUMN_DOUBLE: *ret_real += ((const double *)c->data)[i]; break;
            case COLUMN_FLOAT: *ret_real += (double)((const float *)c->data)[i]; break;
            default: return false;
            }
        }
        return true;
    }
    switch (c->type) {
    case COLUMN_INT64: *ret_integer = sum_int64((const int64_t *)c->data + first, count); break;
    case COLUMN_INT32: {
        int64_t sum = 0;
        for (uint64_t i = first; i < first + count; i++)
            sum += ((const int32_t *)c->data)[i];
        *ret_integer = sum;
        break;
    }
    case COLUMN_DOUBLE:
        for (uint64_t i = first; i < first + count; i++)
            *ret_real += ((const double *)c->data)[i];
        break;
    case COLUMN_FLOAT:
        for (uint64_t i = first; i < first + count; i++)
            *ret_real += (double)((const float *)c->data)[i];
        break;
    default: return false;
    }
    return true;
}
