/* Updates of table metadata in the form of the REST catalog, carried out on the metadata's JSON. A
 * change is always made of these, whichever catalog it goes to: a REST catalog carries them out
 * itself, for others this file does. Source: rest-catalog-open-api.yaml, "TableUpdate",
 * "TableRequirement". */
#include "iceberg/internal.h"

typedef struct updating {
    json_t *root;
    int64_t now_ms;
    int64_t last_added[3]; /* ids of the newest schema, spec and sort order; -1 in an update */
    error *err;
} updating;

enum { ADDED_SCHEMA, ADDED_SPEC, ADDED_ORDER };

static json_t *member_array(json_t *root, const char *name)
{
    json_t *list = json_object_get(root, name);
    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(root, name, list);
    }
    return list;
}

static json_t *member_object(json_t *root, const char *name)
{
    json_t *object = json_object_get(root, name);
    if (!json_is_object(object)) {
        object = json_object();
        json_object_set_new(root, name, object);
    }
    return object;
}

static int64_t find_by_id(const json_t *list, const char *member, int64_t id)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_int_or(json_array_get(list, i), member, -1) == id)
            return (int64_t)i;
    return -1;
}

/* ---- Schemas, specs, sort orders ---- */

/* Put `item` under a new id unless its own is free; `kind` remembers it for "-1". */
static bool add_numbered(updating *u, const char *list_name, const char *id_name, json_t *item,
                         int kind)
{
    if (!json_is_object(item))
        return fail(u->err, ERR_INVALID, "an update of %s has no object", list_name);
    json_t *list = member_array(u->root, list_name);
    int64_t id = json_int_or(item, id_name, -1), largest = -1;
    for (size_t i = 0; i < json_array_size(list); i++) {
        int64_t there = json_int_or(json_array_get(list, i), id_name, 0);
        largest = there > largest ? there : largest;
    }
    if (id < 0 || find_by_id(list, id_name, id) >= 0)
        id = largest + 1;
    json_t *copy = json_deep_copy(item);
    json_object_set_new(copy, id_name, json_integer(id));
    json_array_append_new(list, copy);
    u->last_added[kind] = id;
    return true;
}

static bool add_schema(updating *u, const json_t *update)
{
    json_t *schema = json_object_get(update, "schema");
    TRY(add_numbered(u, "schemas", "schema-id", schema, ADDED_SCHEMA));
    int64_t last = json_int_or(u->root, "last-column-id", 0);
    int64_t highest = metadata_highest_field_id(schema);
    int64_t told = json_int_or(update, "last-column-id", 0);
    last = highest > last ? highest : last;
    json_object_set_new(u->root, "last-column-id", json_integer(told > last ? told : last));
    return true;
}

static bool set_current(updating *u, const json_t *update, const char *member, const char *list,
                        const char *current, int kind)
{
    int64_t id;
    TRY(json_need_int(update, "update", member, &id, u->err));
    id = id == -1 ? u->last_added[kind] : id;
    const char *id_name = kind == ADDED_ORDER ? "order-id" : member;
    if (find_by_id(json_object_get(u->root, list), id_name, id) < 0)
        return fail(u->err, ERR_INVALID, "%s has no %s %lld", list, id_name, (long long)id);
    json_object_set_new(u->root, current, json_integer(id));
    return true;
}

static bool set_current_schema(updating *u, const json_t *update)
{
    TRY(set_current(u, update, "schema-id", "schemas", "current-schema-id", ADDED_SCHEMA));
    if (json_int_or(u->root, "format-version", 2) == 1) {
        const json_t *list = json_object_get(u->root, "schemas");
        int64_t at = find_by_id(list, "schema-id", json_int_or(u->root, "current-schema-id", 0));
        json_object_set(u->root, "schema", json_array_get(list, (size_t)at));
    }
    return true;
}

static bool add_spec(updating *u, const json_t *update)
{
    json_t *spec = json_object_get(update, "spec");
    TRY(add_numbered(u, "partition-specs", "spec-id", spec, ADDED_SPEC));
    int64_t last = json_int_or(u->root, "last-partition-id", 999);
    const json_t *fields = json_object_get(spec, "fields");
    for (size_t i = 0; i < json_array_size(fields); i++) {
        int64_t id = json_int_or(json_array_get(fields, i), "field-id", 0);
        last = id > last ? id : last;
    }
    json_object_set_new(u->root, "last-partition-id", json_integer(last));
    return true;
}

static bool set_default_spec(updating *u, const json_t *update)
{
    return set_current(u, update, "spec-id", "partition-specs", "default-spec-id", ADDED_SPEC);
}

static bool add_sort_order(updating *u, const json_t *update)
{
    return add_numbered(u, "sort-orders", "order-id", json_object_get(update, "sort-order"),
                        ADDED_ORDER);
}

static bool set_default_sort_order(updating *u, const json_t *update)
{
    return set_current(u, update, "sort-order-id", "sort-orders", "default-sort-order-id",
                       ADDED_ORDER);
}

static bool remove_numbered(updating *u, const json_t *update, const char *ids_name,
                            const char *list_name, const char *id_name)
{
    json_t *ids;
    TRY(json_need_array(update, "update", ids_name, &ids, u->err));
    for (size_t i = 0; i < json_array_size(ids); i++) {
        json_t *list = member_array(u->root, list_name);
        int64_t at = find_by_id(list, id_name, json_integer_value(json_array_get(ids, i)));
        if (at >= 0)
            json_array_remove(list, (size_t)at);
    }
    return true;
}

static bool remove_specs(updating *u, const json_t *update)
{
    return remove_numbered(u, update, "spec-ids", "partition-specs", "spec-id");
}

static bool remove_schemas(updating *u, const json_t *update)
{
    return remove_numbered(u, update, "schema-ids", "schemas", "schema-id");
}

/* ---- Snapshots and refs ---- */

static bool add_snapshot(updating *u, const json_t *update)
{
    json_t *snapshot;
    int64_t id;
    TRY(json_need_object(update, "update", "snapshot", &snapshot, u->err));
    TRY(json_need_int(snapshot, "update.snapshot", "snapshot-id", &id, u->err));
    json_t *list = member_array(u->root, "snapshots");
    if (find_by_id(list, "snapshot-id", id) >= 0)
        return fail(u->err, ERR_CONFLICT, "snapshot %lld exists already", (long long)id);
    json_array_append(list, snapshot);
    int64_t number = json_int_or(snapshot, "sequence-number", 0);
    if (json_int_or(u->root, "format-version", 2) > 1)
        json_object_set_new(u->root, "last-sequence-number", json_integer(number));
    if (json_object_get(snapshot, "first-row-id"))
        json_object_set_new(u->root, "next-row-id",
                            json_integer(json_int_or(snapshot, "first-row-id", 0) +
                                         json_int_or(snapshot, "added-rows", 0)));
    return true;
}

static bool set_snapshot_ref(updating *u, const json_t *update)
{
    static const char *const carried[] = { "snapshot-id", "type", "max-ref-age-ms",
                                           "max-snapshot-age-ms", "min-snapshots-to-keep" };
    str name;
    int64_t id;
    TRY(json_need_text(update, "update", "ref-name", &name, u->err));
    TRY(json_need_int(update, "update", "snapshot-id", &id, u->err));
    if (find_by_id(json_object_get(u->root, "snapshots"), "snapshot-id", id) < 0)
        return fail(u->err, ERR_NOT_FOUND, "there is no snapshot %lld for ref " STR_FMT,
                    (long long)id, STR_ARG(name));
    json_t *ref = json_object();
    for (size_t i = 0; i < ARRAY_LEN(carried); i++) {
        json_t *member = json_object_get(update, carried[i]);
        if (member && !json_is_null(member))
            json_object_set(ref, carried[i], member);
    }
    json_object_setn_new(member_object(u->root, "refs"), name.data, name.len, ref);
    if (!str_eq(name, STR("main")) || json_int_or(u->root, "current-snapshot-id", -1) == id)
        return true;
    json_object_set_new(u->root, "current-snapshot-id", json_integer(id));
    json_array_append_new(member_array(u->root, "snapshot-log"),
                          json_pack("{s:I, s:I}", "timestamp-ms", (json_int_t)u->now_ms,
                                    "snapshot-id", (json_int_t)id));
    return true;
}

static bool remove_snapshot_ref(updating *u, const json_t *update)
{
    str name;
    TRY(json_need_text(update, "update", "ref-name", &name, u->err));
    json_object_deln(member_object(u->root, "refs"), name.data, name.len);
    if (str_eq(name, STR("main")))
        json_object_set_new(u->root, "current-snapshot-id", json_integer(-1));
    return true;
}

/* Statistics files of snapshots that are gone go as well; the log keeps its newest unbroken part,
 * as the spec asks. */
static bool remove_snapshots(updating *u, const json_t *update)
{
    TRY(remove_numbered(u, update, "snapshot-ids", "snapshots", "snapshot-id"));
    TRY(remove_numbered(u, update, "snapshot-ids", "statistics", "snapshot-id"));
    TRY(remove_numbered(u, update, "snapshot-ids", "partition-statistics", "snapshot-id"));
    json_t *log = member_array(u->root, "snapshot-log");
    const json_t *there = json_object_get(u->root, "snapshots");
    size_t broken = 0;
    for (size_t i = 0; i < json_array_size(log); i++)
        if (find_by_id(there, "snapshot-id",
                       json_int_or(json_array_get(log, i), "snapshot-id", -1)) < 0)
            broken = i + 1;
    while (broken-- > 0)
        json_array_remove(log, 0);
    return true;
}

/* ---- The rest ---- */

static bool set_statistics_in(updating *u, const json_t *update, const char *list_name,
                              const char *member)
{
    json_t *file;
    TRY(json_need_object(update, "update", member, &file, u->err));
    json_t *list = member_array(u->root, list_name);
    int64_t at = find_by_id(list, "snapshot-id", json_int_or(file, "snapshot-id", -1));
    if (at >= 0)
        json_array_remove(list, (size_t)at);
    json_array_append(list, file);
    return true;
}

static bool remove_statistics_in(updating *u, const json_t *update, const char *list_name)
{
    json_t *list = member_array(u->root, list_name);
    int64_t at = find_by_id(list, "snapshot-id", json_int_or(update, "snapshot-id", -1));
    if (at >= 0)
        json_array_remove(list, (size_t)at);
    return true;
}

static bool set_statistics(updating *u, const json_t *update)
{
    return set_statistics_in(u, update, "statistics", "statistics");
}

static bool remove_statistics(updating *u, const json_t *update)
{
    return remove_statistics_in(u, update, "statistics");
}

static bool set_partition_statistics(updating *u, const json_t *update)
{
    return set_statistics_in(u, update, "partition-statistics", "partition-statistics");
}

static bool remove_partition_statistics(updating *u, const json_t *update)
{
    return remove_statistics_in(u, update, "partition-statistics");
}

static bool assign_uuid(updating *u, const json_t *update)
{
    str uuid;
    TRY(json_need_text(update, "update", "uuid", &uuid, u->err));
    json_object_set_new(u->root, "table-uuid", json_stringn(uuid.data, uuid.len));
    return true;
}

static bool set_location(updating *u, const json_t *update)
{
    str location;
    TRY(json_need_text(update, "update", "location", &location, u->err));
    json_object_set_new(u->root, "location", json_stringn(location.data, location.len));
    return true;
}

static bool upgrade_format(updating *u, const json_t *update)
{
    int64_t version, now = json_int_or(u->root, "format-version", 2);
    TRY(json_need_int(update, "update", "format-version", &version, u->err));
    if (version < now || version > 3)
        return fail(u->err, ERR_INVALID, "format version %lld cannot become %lld", (long long)now,
                    (long long)version);
    json_object_set_new(u->root, "format-version", json_integer(version));
    if (now == 1 && version > 1) {
        json_object_set_new(u->root, "last-sequence-number", json_integer(0));
        json_object_del(u->root, "schema");
        json_object_del(u->root, "partition-spec");
    }
    if (version == 3 && !json_object_get(u->root, "next-row-id"))
        json_object_set_new(u->root, "next-row-id", json_integer(0));
    return true;
}

static bool set_properties(updating *u, const json_t *update)
{
    json_t *updates;
    TRY(json_need_object(update, "update", "updates", &updates, u->err));
    json_object_update(member_object(u->root, "properties"), updates);
    return true;
}

static bool remove_properties(updating *u, const json_t *update)
{
    json_t *removals;
    TRY(json_need_array(update, "update", "removals", &removals, u->err));
    for (size_t i = 0; i < json_array_size(removals); i++) {
        const char *key = json_string_value(json_array_get(removals, i));
        if (key)
            json_object_del(member_object(u->root, "properties"), key);
    }
    return true;
}

static const struct {
    const char *action;
    bool (*carry_out)(updating *u, const json_t *update);
} actions[] = {
    { "assign-uuid", assign_uuid },
    { "upgrade-format-version", upgrade_format },
    { "add-schema", add_schema },
    { "set-current-schema", set_current_schema },
    { "add-spec", add_spec },
    { "set-default-spec", set_default_spec },
    { "add-sort-order", add_sort_order },
    { "set-default-sort-order", set_default_sort_order },
    { "add-snapshot", add_snapshot },
    { "set-snapshot-ref", set_snapshot_ref },
    { "remove-snapshots", remove_snapshots },
    { "remove-snapshot-ref", remove_snapshot_ref },
    { "set-location", set_location },
    { "set-properties", set_properties },
    { "remove-properties", remove_properties },
    { "set-statistics", set_statistics },
    { "remove-statistics", remove_statistics },
    { "set-partition-statistics", set_partition_statistics },
    { "remove-partition-statistics", remove_partition_statistics },
    { "remove-partition-specs", remove_specs },
    { "remove-schemas", remove_schemas },
};

bool metadata_update(json_t *root, const json_t *updates, int64_t now_ms, error *err)
{
    updating u = { root, now_ms, { -1, -1, -1 }, err };
    for (size_t i = 0; i < json_array_size(updates); i++) {
        const json_t *update = json_array_get(updates, i);
        str action;
        size_t k = 0;
        TRY(json_need_text(update, "update", "action", &action, err));
        while (k < ARRAY_LEN(actions) && !str_eq(action, str_of(actions[k].action)))
            k++;
        if (k == ARRAY_LEN(actions))
            return fail(err, ERR_INVALID, "the metadata update '" STR_FMT "' is not known",
                        STR_ARG(action));
        if (!actions[k].carry_out(&u, update))
            return fail_while(err, "%s", actions[k].action);
    }
    json_object_set_new(root, "last-updated-ms", json_integer(now_ms));
    return true;
}
