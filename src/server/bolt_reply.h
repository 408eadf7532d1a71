/* Bolt's answers: SUCCESS, FAILURE, IGNORED and what they carry. */
#pragma once

#include "server/bolt.h"

void bolt_put_success(bolt *b); /* with nothing */
void bolt_put_ignored(bolt *b);
void bolt_put_failure_text(bolt *b, const char *code, str message);
/* `is_compiling`: the text is at fault. */
void bolt_put_failure(bolt *b, const error *err, bool is_compiling);
void bolt_put_hello(bolt *b, bool is_patched);
void bolt_put_run(bolt *b, const bolt_result *r, uint64_t first_ms);
void bolt_put_more(bolt *b);
void bolt_put_summary(bolt *b, const bolt_result *r);
void bolt_put_commit(bolt *b);
void bolt_put_route(bolt *b, str address, str database);
bool bolt_has_changes(const graph_changes *c);
