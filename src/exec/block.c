/* Blocks of IPv4 addresses as ranges of ids. */
#include <arpa/inet.h>
#include <stdio.h>

#include "exec/internal.h"

static bool parse_block(str text, uint32_t *ret_first, uint32_t *ret_last)
{
    ptrdiff_t slash = str_find_char(text, '/');
    str base = slash < 0 ? text : str_slice(text, 0, (size_t)slash);
    int64_t bits = 32;
    struct in_addr address;
    char c[32];
    if (base.len >= sizeof c ||
        (slash >= 0 && (!str_to_i64(str_slice(text, (size_t)slash + 1, text.len), &bits) ||
                        bits < 0 || bits > 32)))
        return false;
    snprintf(c, sizeof c, STR_FMT, STR_ARG(base));
    if (inet_pton(AF_INET, c, &address) != 1)
        return false;
    uint32_t mask = bits ? UINT32_MAX << (32 - bits) : 0;
    *ret_first = ntohl(address.s_addr) & mask;
    *ret_last = *ret_first | ~mask;
    return true;
}

/* Whether the property is all there is to the key. */
static bool is_key(const graph_label *l, str name)
{
    size_t parts = 0;
    bool is_part = false;
    for (size_t i = 0; i < l->property_count; i++) {
        parts += l->properties[i].is_id;
        is_part |= l->properties[i].is_id && str_eq(l->properties[i].name, name);
    }
    return parts == 1 && is_part;
}

bool block_ranges(query *q, const plan_expr *in_cidr, size_t label, graph_range **ret,
                  size_t *ret_count, bool *ret_has, error *err)
{
    const plan_expr *of = in_cidr->call.args[0], *block = in_cidr->call.args[1];
    uint32_t first, last;
    bool is_of_key =
        of->kind == EXPR_SLOT || (of->kind == EXPR_PROPERTY &&
                                  is_key(graph_vertex_label(q->graph, label), of->property.key));
    *ret_has = is_of_key && !graph_is_scratch(q->graph) && block->kind == EXPR_LITERAL &&
               block->literal.kind == VALUE_STRING &&
               parse_block(block->literal.text, &first, &last);
    return *ret_has ? graph_vertex_address_ranges(q->graph, label, first, last, q->arena, ret,
                                                  ret_count, err)
                    : true;
}
