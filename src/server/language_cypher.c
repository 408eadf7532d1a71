/* Cypher, as a protocol hands it in: the one place of server/ that knows its compiler. */
#include "cypher/cypher.h"
#include "server/language.h"

bool language_open_cypher(answer *a, const answer_request *r, error *err)
{
    plan *p;
    TRY(cypher_compile(a->arena, r->text, a->graph, &p, err));
    return answer_run(a, p, err);
}
