/* Results as GraphBinary 1. Source: TinkerPop IO documentation, "GraphBinary 1.0". */
#pragma once

#include "wire/element.h"

typedef struct graphbinary {
    strbuf *out;
    element_reader *elements;
    arena *arena; /* scratch, of one result */
    bool has_properties;
    int depth;
} graphbinary;

/* Type codes, as far as both directions need them. */
enum {
    BINARY_INT = 0x01,
    BINARY_LONG = 0x02,
    BINARY_STRING = 0x03,
    BINARY_DATE = 0x04,
    BINARY_TIMESTAMP = 0x05,
    BINARY_CLASS = 0x06,
    BINARY_DOUBLE = 0x07,
    BINARY_FLOAT = 0x08,
    BINARY_LIST = 0x09,
    BINARY_MAP = 0x0A,
    BINARY_SET = 0x0B,
    BINARY_UUID = 0x0C,
    BINARY_EDGE = 0x0D,
    BINARY_PATH = 0x0E,
    BINARY_PROPERTY = 0x0F,
    BINARY_GRAPH = 0x10,
    BINARY_VERTEX = 0x11,
    BINARY_VERTEX_PROPERTY = 0x12,
    BINARY_BARRIER = 0x13,
    BINARY_BINDING = 0x14,
    BINARY_BYTECODE = 0x15,
    BINARY_CARDINALITY = 0x16,
    BINARY_COLUMN = 0x17,
    BINARY_DIRECTION = 0x18,
    BINARY_OPERATOR = 0x19,
    BINARY_ORDER = 0x1A,
    BINARY_PICK = 0x1B,
    BINARY_POP = 0x1C,
    BINARY_LAMBDA = 0x1D,
    BINARY_P = 0x1E,
    BINARY_SCOPE = 0x1F,
    BINARY_T = 0x20,
    BINARY_TRAVERSER = 0x21,
    BINARY_BIG_DECIMAL = 0x22,
    BINARY_BIG_INTEGER = 0x23,
    BINARY_BYTE = 0x24,
    BINARY_BUFFER = 0x25,
    BINARY_SHORT = 0x26,
    BINARY_BOOLEAN = 0x27,
    BINARY_TEXT_P = 0x28,
    BINARY_STRATEGY = 0x29,
    BINARY_TREE = 0x2B,
    BINARY_MERGE = 0x2E,
    BINARY_DT = 0x2F,
    BINARY_GTYPE = 0x30,
    BINARY_CHAR = 0x80,
    BINARY_DURATION = 0x81,
    BINARY_INSTANT = 0x83,
    BINARY_LOCAL_DATE = 0x84,
    BINARY_LOCAL_DATETIME = 0x85,
    BINARY_LOCAL_TIME = 0x86,
    BINARY_OFFSET_DATETIME = 0x88,
    BINARY_OFFSET_TIME = 0x89,
    BINARY_NULL = 0xFE,
};

/* With its type and value flag. */
NODISCARD bool graphbinary_put(graphbinary *g, const value *v, error *err);
/* Parts of a response: big endian numbers, a text with its length. */
void binary_put_number(strbuf *out, uint64_t x, int bytes);
void binary_put_text(strbuf *out, str s);
void binary_put_head(strbuf *out, uint8_t type); /* type and "not null" */
/* 36 characters as 16 bytes. */
void binary_put_uuid(strbuf *out, str text);
