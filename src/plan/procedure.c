/* Procedures: what they are called, what they take, what they give. */
#include "plan/plan.h"

#define LABELS "labels relationshipTypes "
#define WEIGHT "relationshipWeightProperty "
#define ENDS "source target direction maxHops "

static const plan_procedure procedures[] = {
    { PROCEDURE_PAGE_RANK,
      { "algo.pagerank", "algo.paral.pagerank" },
      LABELS WEIGHT "maxIterations dampingFactor tolerance threshold ",
      { { "node", SLOT_VERTEX }, { "score", SLOT_VALUE } } },
    { PROCEDURE_WEAK_COMPONENTS,
      { "algo.wcc", "algo.paral.wcc" },
      LABELS WEIGHT "threshold maxIterations minComponentSize ",
      { { "node", SLOT_VERTEX }, { "componentId", SLOT_VALUE } } },
    { PROCEDURE_STRONG_COMPONENTS,
      { "algo.scc" },
      LABELS "minComponentSize ",
      { { "node", SLOT_VERTEX }, { "componentId", SLOT_VALUE } } },
    { PROCEDURE_LABEL_PROPAGATION,
      { "algo.labelPropagation", "algo.paral.labelPropagation" },
      LABELS WEIGHT "maxIterations labelProperty pinLabel minComponentSize ",
      { { "node", SLOT_VERTEX }, { "communityId", SLOT_VALUE } } },
    { PROCEDURE_LOUVAIN,
      { "algo.louvain", "algo.paral.louvain" },
      LABELS WEIGHT
      "maxIterations maxLevels threshold largeCommunityThreshold seed minComponentSize ",
      { { "node", SLOT_VERTEX }, { "communityId", SLOT_VALUE } } },
    { PROCEDURE_CORE_NUMBERS,
      { "algo.kcore" },
      LABELS,
      { { "node", SLOT_VERTEX }, { "coreNumber", SLOT_VALUE } } },
    { PROCEDURE_TRIANGLES,
      { "algo.triangleCount" },
      LABELS,
      { { "node", SLOT_VERTEX }, { "triangles", SLOT_VALUE } } },
    { PROCEDURE_DEGREE,
      { "algo.degree" },
      LABELS WEIGHT,
      { { "node", SLOT_VERTEX },
        { "outDegree", SLOT_VALUE },
        { "inDegree", SLOT_VALUE },
        { "degree", SLOT_VALUE } } },
    { PROCEDURE_BETWEENNESS,
      { "algo.betweenness" },
      LABELS "samples ",
      { { "node", SLOT_VERTEX }, { "score", SLOT_VALUE } } },
    { PROCEDURE_DISTANCES,
      { "algo.bfs" },
      LABELS "source direction maxHops ",
      { { "node", SLOT_VERTEX }, { "distance", SLOT_VALUE } } },
    { PROCEDURE_SHORTEST,
      { "algo.shortestPath" },
      LABELS ENDS,
      { { "path", SLOT_VALUE }, { "length", SLOT_VALUE } } },
    { PROCEDURE_ALL_SHORTEST,
      { "algo.allShortestPaths" },
      LABELS ENDS,
      { { "path", SLOT_VALUE }, { "length", SLOT_VALUE } } },
    { PROCEDURE_CHEAPEST,
      { "algo.dijkstra", "algo.kShortestPaths" },
      LABELS WEIGHT ENDS "k ",
      { { "path", SLOT_VALUE }, { "cost", SLOT_VALUE } } },
    { PROCEDURE_EARLIEST,
      { "algo.earliestPath" },
      LABELS ENDS "startProperty endProperty notBefore ",
      { { "path", SLOT_VALUE }, { "arrival", SLOT_VALUE } } },
    { PROCEDURE_DEFINE, { "floe.defineProcedure" }, "signature rows ", { { "name", SLOT_VALUE } } },
};

const plan_procedure *plan_procedure_find(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(procedures); i++)
        for (size_t k = 0; k < ARRAY_LEN(procedures[i].names); k++)
            if (procedures[i].names[k] && str_eq_nocase(str_of(procedures[i].names[k]), name))
                return &procedures[i];
    return NULL;
}

const plan_procedure *plan_procedure_at(size_t i)
{
    return i < ARRAY_LEN(procedures) ? &procedures[i] : NULL;
}

const char *plan_procedure_nearest(str name)
{
    const char *nearest = procedures[0].names[0];
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < ARRAY_LEN(procedures); i++)
        for (size_t k = 0; k < ARRAY_LEN(procedures[i].names) && procedures[i].names[k]; k++) {
            size_t distance = str_distance(str_of(procedures[i].names[k]), name);
            if (distance < least) {
                least = distance;
                nearest = procedures[i].names[k];
            }
        }
    return nearest;
}
