/* Writing Bolt's answers. */
#include <stdio.h>

#include "server/bolt_reply.h"

#include "base/clock.h"

enum { SUCCESS = 0x70, IGNORED = 0x7E, FAILURE = 0x7F };

/* Drivers take a server whose name begins so. */
#define SERVER_NAME "Neo4j/5.11.0"
enum { ROUTE_SECONDS = 300 };

static size_t begin_success(bolt *b, size_t members)
{
    size_t began = bolt_message_begin(b);
    pack_struct(b->out, SUCCESS, 1);
    pack_map(b->out, members);
    return began;
}

static void put_text(bolt *b, const char *key, str text)
{
    pack_text(b->out, str_of(key));
    pack_text(b->out, text);
}

static void put_int(bolt *b, const char *key, int64_t i)
{
    pack_text(b->out, str_of(key));
    pack_int(b->out, i);
}

static void put_bool(bolt *b, const char *key, bool is)
{
    pack_text(b->out, str_of(key));
    pack_bool(b->out, is);
}

void bolt_put_success(bolt *b)
{
    bolt_message_end(b, begin_success(b, 0));
}

void bolt_put_ignored(bolt *b)
{
    size_t began = bolt_message_begin(b);
    pack_struct(b->out, IGNORED, 0);
    bolt_message_end(b, began);
}

void bolt_put_failure_text(bolt *b, const char *code, str message)
{
    size_t began = bolt_message_begin(b);
    pack_struct(b->out, FAILURE, 1);
    pack_map(b->out, 2);
    put_text(b, "code", str_of(code));
    put_text(b, "message", message);
    bolt_message_end(b, began);
}

static const char *code_of(const error *err, bool is_compiling)
{
    switch (err->code) {
    case ERR_INVALID:
        return is_compiling ? "Neo.ClientError.Statement.SyntaxError"
                            : "Neo.ClientError.Statement.ArgumentError";
    case ERR_NOT_FOUND:
        return is_compiling ? "Neo.ClientError.Database.DatabaseNotFound"
                            : "Neo.ClientError.Statement.EntityNotFound";
    case ERR_CONFLICT: return "Neo.ClientError.Schema.ConstraintValidationFailed";
    case ERR_LIMIT:
        return str_contains(str_of(err->message), STR("took longer"))
                   ? "Neo.ClientError.Transaction.TransactionTimedOut"
                   : "Neo.ClientError.General.TransactionOutOfMemoryError";
    case ERR_CANCELLED: return "Neo.ClientError.Transaction.TransactionTerminated";
    default: return "Neo.DatabaseError.General.UnknownError";
    }
}

/* By the name that the language has for the kind of error. */
static const char *code_of_detail(const char *detail)
{
    static const struct {
        const char *type, *code;
    } codes[] = {
        { "TransientError", "Neo.TransientError.Transaction.DeadlockDetected" },
        { "SyntaxError", "Neo.ClientError.Statement.SyntaxError" },
        { "SemanticError", "Neo.ClientError.Statement.SemanticError" },
        { "TypeError", "Neo.ClientError.Statement.TypeError" },
        { "ArgumentError", "Neo.ClientError.Statement.ArgumentError" },
        { "ArithmeticError", "Neo.ClientError.Statement.ArithmeticError" },
        { "EntityNotFound", "Neo.ClientError.Statement.EntityNotFound" },
        { "ParameterMissing", "Neo.ClientError.Statement.ParameterMissing" },
        { "ProcedureError", "Neo.ClientError.Procedure.ProcedureNotFound" },
    };
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (str_starts_with(str_of(detail), str_of(codes[i].type)))
            return codes[i].code;
    return "Neo.ClientError.Statement.ExecutionFailed";
}

void bolt_put_failure(bolt *b, const error *err, bool is_compiling)
{
    if (!err->detail) {
        bolt_put_failure_text(b, code_of(err, is_compiling), str_of(err->message));
        return;
    }
    char message[ERROR_MESSAGE_BYTES + 128];
    ptrdiff_t colon = str_find_char(str_of(err->detail), ':');
    snprintf(message, sizeof message, "%s: %s", err->detail + (colon < 0 ? 0 : colon + 2),
             err->message);
    bolt_put_failure_text(b, code_of_detail(err->detail), str_of(message));
}

void bolt_put_hello(bolt *b, bool is_patched)
{
    char id[32];
    snprintf(id, sizeof id, "bolt-%llu",
             (unsigned long long)atomic_fetch_add(&b->server->connection_number, 1));
    size_t began = begin_success(b, is_patched ? 4 : 3);
    put_text(b, "server", STR(SERVER_NAME));
    put_text(b, "connection_id", str_of(id));
    pack_text(b->out, STR("hints"));
    pack_map(b->out, 0);
    if (is_patched) {
        pack_text(b->out, STR("patch_bolt"));
        pack_list(b->out, 1);
        pack_text(b->out, STR("utc"));
    }
    bolt_message_end(b, began);
}

void bolt_put_run(bolt *b, const bolt_result *r, uint64_t first_ms)
{
    size_t columns = answer_column_count(r->answer);
    size_t began = begin_success(b, b->state == BOLT_TX ? 3 : 2);
    pack_text(b->out, STR("fields"));
    pack_list(b->out, columns);
    for (size_t i = 0; i < columns; i++)
        pack_text(b->out, answer_column_name(r->answer, i));
    put_int(b, "t_first", (int64_t)first_ms);
    if (b->state == BOLT_TX)
        put_int(b, "qid", r->qid);
    bolt_message_end(b, began);
}

void bolt_put_more(bolt *b)
{
    size_t began = begin_success(b, 1);
    put_bool(b, "has_more", true);
    bolt_message_end(b, began);
}

/* ---- Summaries ---- */

bool bolt_has_changes(const graph_changes *c)
{
    return c->vertices_created || c->vertices_deleted || c->edges_created || c->edges_deleted ||
           c->properties_set || c->labels_added || c->labels_removed;
}

static void put_stats(bolt *b, const graph_changes *c)
{
    const struct {
        const char *name;
        uint64_t count;
    } stats[] = {
        { "nodes-created", c->vertices_created },
        { "nodes-deleted", c->vertices_deleted },
        { "relationships-created", c->edges_created },
        { "relationships-deleted", c->edges_deleted },
        { "properties-set", c->properties_set },
        { "labels-added", c->labels_added },
        { "labels-removed", c->labels_removed },
    };
    size_t count = 1;
    for (size_t i = 0; i < ARRAY_LEN(stats); i++)
        count += stats[i].count != 0;
    pack_text(b->out, STR("stats"));
    pack_map(b->out, count);
    put_bool(b, "contains-updates", true);
    for (size_t i = 0; i < ARRAY_LEN(stats); i++)
        if (stats[i].count)
            put_int(b, stats[i].name, (int64_t)stats[i].count);
}

/* The text of the plan where clients look for it. */
static void put_plan(bolt *b, const bolt_result *r)
{
    value text = answer_cell(r->answer, 0, 0);
    pack_text(b->out, STR("plan"));
    pack_map(b->out, 4);
    put_text(b, "operatorType", STR("Floe"));
    pack_text(b->out, STR("identifiers"));
    pack_list(b->out, 0);
    pack_text(b->out, STR("args"));
    pack_map(b->out, 1);
    put_text(b, "string-representation", text.kind == VALUE_STRING ? text.text : STR(""));
    pack_text(b->out, STR("children"));
    pack_list(b->out, 0);
}

static void put_bookmark(bolt *b)
{
    char bookmark[48];
    snprintf(bookmark, sizeof bookmark, "floe:%lld", (long long)clock_wall_us());
    put_text(b, "bookmark", str_of(bookmark));
}

void bolt_put_summary(bolt *b, const bolt_result *r)
{
    graph_changes changes = answer_changes(r->answer);
    bool has_changes = bolt_has_changes(&changes), has_bookmark = b->state != BOLT_TX,
         is_plan = answer_is_plan(r->answer);
    size_t began = begin_success(b, 3 + has_changes + has_bookmark + is_plan);
    put_text(b, "type", has_changes ? STR("rw") : STR("r"));
    put_int(b, "t_last", (int64_t)((clock_monotonic_us() - r->ticket->started_us) / 1000));
    put_text(b, "db", STR("neo4j"));
    if (has_bookmark)
        put_bookmark(b);
    if (has_changes)
        put_stats(b, &changes);
    if (is_plan)
        put_plan(b, r);
    bolt_message_end(b, began);
}

void bolt_put_commit(bolt *b)
{
    size_t began = begin_success(b, 1);
    put_bookmark(b);
    bolt_message_end(b, began);
}

/* Every role is this server, at the address that the client knows it by. */
void bolt_put_route(bolt *b, str address, str database)
{
    static const str roles[] = { STR_INIT("ROUTE"), STR_INIT("READ"), STR_INIT("WRITE") };
    char own[64];
    if (!address.len) {
        snprintf(own, sizeof own, "localhost:%d", server_bolt_port(b->server));
        address = str_of(own);
    }
    size_t began = begin_success(b, 1);
    pack_text(b->out, STR("rt"));
    pack_map(b->out, 3);
    put_int(b, "ttl", ROUTE_SECONDS);
    put_text(b, "db", database.len ? database : STR("neo4j"));
    pack_text(b->out, STR("servers"));
    pack_list(b->out, ARRAY_LEN(roles));
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        pack_map(b->out, 2);
        pack_text(b->out, STR("addresses"));
        pack_list(b->out, 1);
        pack_text(b->out, address);
        put_text(b, "role", roles[i]);
    }
    bolt_message_end(b, began);
}
