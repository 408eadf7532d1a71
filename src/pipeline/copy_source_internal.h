/* What the files share that find the objects of a COPY job. */
#pragma once

#include <regex.h>

#include "base/map.h"
#include "base/vec.h"
#include "pipeline/run_internal.h"

struct copy_events;

struct copy_source {
    arena *arena;
    store *store; /* the home's */
    str location; /* URI of the folder or file: LOCATION up to its first wildcard */
    str wild;    /* what of LOCATION comes after it, "*" and "?" within a folder's name; or empty */
    str pattern; /* DATE_PATTERN, or empty */
    str suffix;
    regex_t file_pattern;
    bool has_file_pattern;
    int64_t start_us, end_us; /* event times outside are not the job's business */
    map taken;                /* URI → its state_object, whose etag says which version */
    map gone;                 /* URI → how often it was listed, but not there */
    bool is_ledger_read;

    /* Listing: everything now and then, the folders of the newest days in between. */
    int64_t look_back_us;          /* how many days a listing in between goes back */
    int64_t full_every_us;         /* 0: by what a full listing costs */
    int64_t listed_us, listing_us; /* when everything was listed, on the monotonic clock, and how
                                      long that took; 0: not yet */
    int64_t newest_us;             /* newest event seen */
    map date_roots;                /* folders in which the date pattern begins */
    arena *found_arena;            /* of what follows */
    VEC(state_object) found;       /* what is to be loaded, oldest event first */
    size_t found_at;               /* handed out before */
    map found_uris;
    bool is_out;                /* what was handed out last has not been taken yet */
    struct copy_events *events; /* NULL: no queue */
};

/* Whether it is the job's business, by place and name (not by time), and not loaded yet. */
bool copy_source_wants(const copy_source *s, const store_object *object);
/* Its place in the folder tree is one of LOCATION's. */
bool copy_source_is_in_place(const copy_source *s, str uri);
bool copy_source_folder_matches(str wild, str name);
bool copy_source_read_ledger(job *j, error *err);
int64_t copy_source_time(const copy_source *s, const store_object *object);
/* Put an object with what is to be loaded, if it is wanted. A store_visit. */
bool copy_find_object(void *source, const store_object *object, error *err);

/* ---- copy_events.c: S3 event notifications ---- */

/* `queue`: SQS_QUEUE_NAME. */
bool copy_events_open(job *j, str queue, error *err);
void copy_events_close(struct copy_events *e); /* NULL is fine */
/* Receive what the queue has and find its objects. */
bool copy_events_receive(copy_source *s, error *err);
/* Delete the messages of which every object is loaded, bad or not the job's. What cannot be deleted
 * comes again, which does no harm. */
void copy_events_settle(copy_source *s);
