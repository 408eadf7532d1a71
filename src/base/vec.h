/* A growing array in an arena: `VEC(int) ids = {0}; vec_push(arena, &ids, 7);` */
#pragma once

#include "base/arena.h"

/* items[0..count) are valid; `items` moves while the vector grows. */
#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count, capacity;                                                                    \
    }

#define vec_push(a, v, ...)                                                                        \
    do {                                                                                           \
        if ((v)->count == (v)->capacity) {                                                         \
            size_t grown_ = (v)->capacity ? (v)->capacity * 2 : 8;                                 \
            (v)->items = arena_grow((a), (v)->items, (v)->capacity * sizeof *(v)->items,           \
                                    grown_ * sizeof *(v)->items);                                  \
            (v)->capacity = grown_;                                                                \
        }                                                                                          \
        (v)->items[(v)->count++] = (__VA_ARGS__);                                                  \
    } while (0)
