/* Reading JSON with errors that name the member at fault. */
#include "base/json.h"

bool json_parse(str text, str source_name, json_t **ret_root, error *err)
{
    json_error_t at;
    json_t *root = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &at);
    if (!root)
        return fail(err, ERR_INVALID, STR_FMT ":%d:%d: not valid JSON: %s", STR_ARG(source_name),
                    at.line, at.column, at.text);
    *ret_root = root;
    return true;
}

void json_release(json_t *j)
{
    json_decref(j);
}

static bool need(const json_t *object, const char *path, const char *member, json_type type,
                 const char *type_name, json_t **ret, error *err)
{
    const char *dot = path[0] ? "." : "";
    json_t *value = json_is_object(object) ? json_object_get(object, member) : NULL;
    if (!value)
        return fail(err, ERR_INVALID, "%s%s%s is missing", path, dot, member);
    if (json_typeof(value) != type)
        return fail(err, ERR_INVALID, "%s%s%s is not %s", path, dot, member, type_name);
    *ret = value;
    return true;
}

bool json_need_text(const json_t *object, const char *path, const char *member, str *ret,
                    error *err)
{
    json_t *value = NULL;
    TRY(need(object, path, member, JSON_STRING, "a string", &value, err));
    *ret = json_str(value);
    return true;
}

bool json_need_int(const json_t *object, const char *path, const char *member, int64_t *ret,
                   error *err)
{
    json_t *value = NULL;
    TRY(need(object, path, member, JSON_INTEGER, "a whole number", &value, err));
    *ret = json_integer_value(value);
    return true;
}

bool json_need_array(const json_t *object, const char *path, const char *member, json_t **ret,
                     error *err)
{
    return need(object, path, member, JSON_ARRAY, "an array", ret, err);
}

bool json_need_object(const json_t *object, const char *path, const char *member, json_t **ret,
                      error *err)
{
    return need(object, path, member, JSON_OBJECT, "an object", ret, err);
}

str json_text_or(const json_t *object, const char *member, str otherwise)
{
    json_t *value = json_object_get(object, member);
    return json_is_string(value) ? json_str(value) : otherwise;
}

int64_t json_int_or(const json_t *object, const char *member, int64_t otherwise)
{
    json_t *value = json_object_get(object, member);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}
