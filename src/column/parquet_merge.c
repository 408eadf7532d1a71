/* Row groups of several Parquet files as one file. */
#include <pthread.h>

#include "base/pool.h"
#include "base/stop.h"
#include "base/vec.h"
#include "column/parquet_file.h"

/* A row group of an input, and the row of the input that it begins with. */
typedef struct piece {
    size_t input, group;
    uint64_t first_row;
} piece;

typedef struct merge {
    const parquet_output *outputs;
    size_t output_count;
    const parquet_input *inputs;
    piece *pieces;
    parquet_file *file;
    pthread_mutex_t lock; /* guards what follows */
    size_t failed_input;
    error error;
} merge;

static bool make_chunk(const merge *m, page_maker *maker, arena *a, const piece *p, size_t column,
                       made_chunk *ret, error *err)
{
    const parquet_input *in = &m->inputs[p->input];
    const parquet_group *g = &in->footer->groups[p->group];
    const parquet_output *o = &m->outputs[column];
    switch (o->origin) {
    case ORIGIN_COPIED:
        return page_maker_copy(maker, a, in->bytes, &o->column, &g->chunks[in->sources[column]],
                               o->null_text, ret, err);
    case ORIGIN_CONSTANT:
        return page_maker_constant(maker, a, o->column.type, in->constants[column], g->row_count,
                                   ret, err);
    case ORIGIN_KEY: return page_maker_keys(maker, a, in, p->first_row, g->row_count, ret, err);
    }
    return true;
}

static bool note_failure(merge *m, size_t input, const error *why)
{
    pthread_mutex_lock(&m->lock);
    if (m->error.code == ERR_NONE) {
        m->error = *why;
        if (why->code == ERR_CORRUPT)
            m->failed_input = input;
    }
    pthread_mutex_unlock(&m->lock);
    return false;
}

static bool merge_piece(void *context, size_t i)
{
    merge *m = context;
    const piece *p = &m->pieces[i];
    int64_t rows = m->inputs[p->input].footer->groups[p->group].row_count;
    AUTO(arena_free) arena *a = arena_new();
    AUTO(page_maker_free) page_maker *maker = page_maker_new();
    made_chunk *chunks = arena_array_of(a, made_chunk, m->output_count);
    error err = { 0 };
    for (size_t k = 0; k < m->output_count; k++)
        if (!stop_check(&err) || !make_chunk(m, maker, a, p, k, &chunks[k], &err))
            return note_failure(m, p->input, &err);
    return parquet_file_add(m->file, page_maker_output(maker), chunks, rows, &err)
               ? true
               : note_failure(m, p->input, &err);
}

static piece *list_pieces(arena *a, const parquet_input *inputs, size_t count, size_t *ret_count)
{
    VEC(piece) pieces = { 0 };
    for (size_t i = 0; i < count; i++) {
        uint64_t row = 0;
        for (size_t g = 0; g < inputs[i].footer->group_count; g++) {
            int64_t rows = inputs[i].footer->groups[g].row_count;
            if (rows)
                vec_push(a, &pieces, (piece){ i, g, row });
            row += (uint64_t)rows;
        }
    }
    *ret_count = pieces.count;
    return pieces.items;
}

bool parquet_merge(arena *a, const char *path, const parquet_output *outputs, size_t output_count,
                   const parquet_input *inputs, size_t input_count, parquet_result *ret,
                   size_t *ret_input, error *err)
{
    AUTO(arena_free) arena *scratch = arena_new();
    AUTO(parquet_file_close) parquet_file *file = NULL;
    size_t count;
    merge m = { .outputs = outputs,
                .output_count = output_count,
                .inputs = inputs,
                .pieces = list_pieces(scratch, inputs, input_count, &count) };
    TRY(parquet_file_open(a, path, outputs, output_count, &file, err));
    m.file = file;
    pthread_mutex_init(&m.lock, NULL);
    bool works = pool_each(count, merge_piece, &m) && parquet_file_finish(file, ret, &m.error);
    pthread_mutex_destroy(&m.lock);
    if (works)
        return true;
    if (m.error.code == ERR_CORRUPT)
        *ret_input = m.failed_input;
    *err = m.error;
    return false;
}
