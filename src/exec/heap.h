/* A queue of vertices that gives the cheapest first. */
#pragma once

#include "base/arena.h"
#include "base/vec.h"

typedef struct heap_item {
    double cost;
    uint32_t vertex;
} heap_item;

typedef struct heap {
    arena *arena;
    VEC(heap_item) items;
} heap;

void heap_push(heap *h, double cost, uint32_t vertex);
heap_item heap_pop(heap *h); /* of one that is not empty */
