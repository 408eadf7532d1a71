/* Whether whoever waits for a table to be read still does. */
#include "graph/internal.h"

static __thread patience of_thread;

void graph_set_patience(graph_ask ask, void *context)
{
    of_thread = (patience){ ask, context };
}

patience patience_of_thread(void)
{
    return of_thread;
}

bool patience_ask(const patience *p, error *err)
{
    return !p->ask || p->ask(p->context, err);
}
