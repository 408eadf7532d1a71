/* Reading settings from the environment and floe.yaml. */
#include "cli/config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "base/file.h"

static const char default_path[] = "floe.yaml";

static const char *environment_name(arena *a, const char *name)
{
    char *text = arena_copy(a, str_format(a, "FLOE_%s", name).data, strlen(name) + 6);
    for (char *c = text; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    return text;
}

static setting *find(setting *settings, size_t count, str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(str_of(settings[i].name), name))
            return &settings[i];
    return NULL;
}

static bool fail_file(const char *path, const yaml_mark_t *at, error *err, const char *why)
{
    return fail(err, ERR_INVALID, "%s:%zu:%zu: %s", path, at->line + 1, at->column + 1, why);
}

/* A list is joined by commas, as the flag takes it. */
static bool read_value(arena *a, yaml_document_t *d, const char *path, const yaml_node_t *n,
                       const char **ret, error *err)
{
    if (n->type == YAML_SCALAR_NODE) {
        *ret = str_to_c(a, (str){ (char *)n->data.scalar.value, n->data.scalar.length });
        return true;
    }
    if (n->type != YAML_SEQUENCE_NODE)
        return fail_file(path, &n->start_mark, err, "expected a value or a list of values");
    strbuf b = strbuf_new(a);
    for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
        const yaml_node_t *item = yaml_document_get_node(d, *i);
        if (item->type != YAML_SCALAR_NODE)
            return fail_file(path, &item->start_mark, err, "expected a value");
        strbuf_format(&b, "%s%.*s", b.len ? "," : "", (int)item->data.scalar.length,
                      (char *)item->data.scalar.value);
    }
    *ret = str_to_c(a, strbuf_str(&b));
    return true;
}

static bool read_pairs(arena *a, yaml_document_t *d, const char *path, setting *settings,
                       size_t count, error *err)
{
    const yaml_node_t *root = yaml_document_get_root_node(d);
    if (!root)
        return true;
    if (root->type != YAML_MAPPING_NODE)
        return fail_file(path, &root->start_mark, err, "expected lines of the form name: value");
    for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top;
         p++) {
        const yaml_node_t *key = yaml_document_get_node(d, p->key),
                          *node = yaml_document_get_node(d, p->value);
        setting *s = key->type == YAML_SCALAR_NODE
                         ? find(settings, count, str_of((char *)key->data.scalar.value))
                         : NULL;
        if (!s)
            return fail_file(path, &key->start_mark, err,
                             "there is no such setting (floe serve --help lists them)");
        TRY(read_value(a, d, path, node, &s->value, err));
        s->from = path;
    }
    return true;
}

static bool read_file(arena *a, const char *path, setting *settings, size_t count, error *err)
{
    yaml_parser_t parser;
    yaml_document_t document;
    str text;
    TRY(file_read(a, path, &text, err));
    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.len);
    bool works = yaml_parser_load(&parser, &document);
    if (works) {
        works = read_pairs(a, &document, path, settings, count, err);
        yaml_document_delete(&document);
    } else {
        fail_file(path, &parser.problem_mark, err,
                  parser.problem ? parser.problem : "this is no YAML");
    }
    yaml_parser_delete(&parser);
    return works;
}

bool config_read(arena *a, const char *path, setting *settings, size_t count, const char **flags,
                 error *err)
{
    if (path || file_exists(default_path))
        TRY(read_file(a, path ? path : default_path, settings, count, err));
    for (size_t i = 0; i < count; i++) {
        setting *s = &settings[i];
        const char *name = environment_name(a, s->name), *value = getenv(name);
        if (value && value[0]) {
            s->value = value;
            s->from = name;
        }
        if (flags[i]) {
            s->value = flags[i];
            s->from = str_to_c(a, str_format(a, "--%s", s->name));
        }
        if (!s->value)
            s->value = s->otherwise;
    }
    return true;
}

bool config_number(const setting *s, int64_t least, int64_t most, int64_t *ret, error *err)
{
    if (str_to_i64(str_of(s->value), ret) && *ret >= least && *ret <= most)
        return true;
    return fail(err, ERR_INVALID, "%s: %s is a whole number from %lld to %lld, not '%s'",
                s->from ? s->from : "default", s->name, (long long)least, (long long)most,
                s->value);
}

bool config_switch(const setting *s, bool *ret, error *err)
{
    static const char *const words[2][4] = { { "false", "no", "off", "0" },
                                             { "true", "yes", "on", "1" } };
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < ARRAY_LEN(words[i]); k++)
            if (str_eq_nocase(str_of(s->value), str_of(words[i][k]))) {
                *ret = i;
                return true;
            }
    return fail(err, ERR_INVALID, "%s: %s is true or false, not '%s'", s->from, s->name, s->value);
}
