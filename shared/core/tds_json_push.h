/* JSON in pieces: bytes are fed as they come, what they mean is told at once, and nothing is kept but the piece of a
 * text that is cut by the end of a chunk. For what is too long to be a tree; everything else uses tds_json.h.
 *
 * The same texts pass as with tds_json_parse(): RFC 8259 in UTF-8, an object or array, one BOM before it (F-01), at
 * most depth_max deep (F-12), no unpaired surrogate (F-13), no NUL in a name. Duplicate names are the caller's
 * affair. */
#ifndef TDS_JSON_PUSH_H
#define TDS_JSON_PUSH_H

#include <apr_errno.h>
#include <apr_pools.h>

typedef enum tds_json_event_e {
    TDS_JSON_OBJECT,
    TDS_JSON_OBJECT_END,
    TDS_JSON_ARRAY,
    TDS_JSON_ARRAY_END,
    TDS_JSON_NAME,   /* with text */
    TDS_JSON_STRING, /* with text */
    TDS_JSON_NUMBER, /* with text, as written */
    TDS_JSON_TRUE,
    TDS_JSON_FALSE,
    TDS_JSON_NULL
} tds_json_event_e;

/* text (escapes resolved, not NUL-terminated, valid during the call) comes in one or more parts, cut between
 * characters; last is 1 with the last one, which may be empty. For events without text it is "" and 1. Any status but
 * APR_SUCCESS ends the reading. */
typedef apr_status_t tds_json_event_fn(void *baton, tds_json_event_e event, const char *text, apr_size_t len, int last);

typedef struct tds_json_push_t tds_json_push_t;

/* Takes some 5 kB of pool, and never more. */
tds_json_push_t *tds_json_push_make(int depth_max, tds_json_event_fn *fn, void *baton, apr_pool_t *pool);

/* The next bytes. APR_EINVAL when the text is no longer JSON, or what fn returned; the same again from then on. */
apr_status_t tds_json_push_feed(tds_json_push_t *push, const char *bytes, apr_size_t len);

/* There are no more. APR_EINVAL when something is missing. */
apr_status_t tds_json_push_end(tds_json_push_t *push);

#endif
