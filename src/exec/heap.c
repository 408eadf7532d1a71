/* A binary heap in an array. */
#include "exec/heap.h"

void heap_push(heap *h, double cost, uint32_t vertex)
{
    vec_push(h->arena, &h->items, (heap_item){ cost, vertex });
    heap_item *x = h->items.items;
    for (size_t i = h->items.count - 1; i && x[(i - 1) / 2].cost > x[i].cost; i = (i - 1) / 2) {
        heap_item swap = x[i];
        x[i] = x[(i - 1) / 2];
        x[(i - 1) / 2] = swap;
    }
}

heap_item heap_pop(heap *h)
{
    heap_item *x = h->items.items, top = x[0];
    size_t count = --h->items.count;
    x[0] = x[count];
    for (size_t i = 0;;) {
        size_t least = 2 * i + 1;
        if (least >= count)
            return top;
        if (least + 1 < count && x[least + 1].cost < x[least].cost)
            least++;
        if (x[i].cost <= x[least].cost)
            return top;
        heap_item swap = x[i];
        x[i] = x[least];
        x[least] = swap;
        i = least;
    }
}
