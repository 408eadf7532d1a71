/* Any bytes as a worksheet: parsed, and what parses is rewritten for DuckDB and altered. */
#include "base/arena.h"
#include "worksheet/date_pattern.h"
#include "worksheet/worksheet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(arena_free) arena *a = arena_new();
    worksheet *w;
    str text = { (const char *)data, size }, sql;
    error err = { 0 };
    int64_t time;
    date_pattern_find(STR("yyyy/MM/dd/HH/mm"), text, &time);
    if (!worksheet_parse(a, STR("fuzz"), text, &w, &err))
        return 0;
    for (size_t i = 0; i < w->count; i++) {
        const statement *s = &w->statements[i];
        error why = { 0 };
        statement_text(a, w, s);
        if (s->query.text.len && !query_to_sql(a, s->query.text, &sql, &why))
            error_clear(&why);
        if (s->query.source.name.len &&
            !select_to_sql(a, text, &s->query, STR("(SELECT 1)"), STR("\"x\""), 0, 1, &sql, &why))
            error_clear(&why);
        for (size_t k = 0; k < s->expectation_count; k++)
            expression_to_sql(a, s->expectations[k].predicate);
        if (s->kind == STATEMENT_CREATE_COPY_JOB || s->kind == STATEMENT_CREATE_INSERT_JOB) {
            worksheet *altered;
            str changed = statement_with_option(a, text, s, STR("COMMENT"), STR("'x'"));
            if (!worksheet_parse(a, STR("altered"), changed, &altered, &why))
                error_clear(&why);
        }
    }
    return 0;
}
