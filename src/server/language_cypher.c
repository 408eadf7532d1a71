/* Cypher, as a protocol hands it in: the one place of server/ that knows its compiler. */
#include "cypher/cypher.h"
#include "server/language.h"

bool language_open_cypher(answer *a, const answer_request *r, error *err)
{
    cypher_statement s;
    const value *parameters = r->parameters.kind == VALUE_MAP ? &r->parameters : NULL;
    int64_t moment_us;
    TRY(cypher_moment(a->arena, r->text, parameters, a->graph, &moment_us, err));
    if (moment_us)
        TRY(answer_turn_back(a, moment_us, err));
    TRY(cypher_compile_statement(a->arena, r->text, parameters, a->graph, &s, err));
    return answer_run(a, s.plan, err);
}
