/* Gremlin, as a protocol hands it in: scripts, bytecode and the variables of sessions. The one
 * place of server/ that knows its compiler. */
#include "gremlin/gremlin.h"
#include "server/language.h"

bool language_open_gremlin(answer *a, const answer_request *r, error *err)
{
    plan *p;
    gremlin_bindings bindings = r->parameters.kind == VALUE_MAP ? &r->parameters : NULL;
    if (r->bytecode)
        TRY(gremlin_compile_traversal(a->arena, r->text, r->bytecode, bindings, a->graph, &p, err));
    else
        TRY(gremlin_compile(a->arena, r->text, a->graph, &p, err));
    return answer_run(a, p, err);
}
