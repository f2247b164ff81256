/* A PRes out of a stream. It may be of hundreds of megabytes: each item of cardRangeData is checked and handed on as
 * soon as it is complete, and only the small rest is kept. The verdict is that of tds_msg_decode() for the same bytes:
 * the same tables, the same code, the same errorDetail, wherever in the message its elements stand.
 *
 *   make -> feed, feed, feed ... -> end -> (ids: tds_msg_match()) -> use what the sink collected, or drop it
 *
 * A fault may be found after items were handed on, so nothing of them counts before tds_pres_end() has said so.
 *
 * Memory does not depend on the length of the message: in all some 64 MB at worst (a message made for it), some 100 kB
 * commonly. Where tds_msg_decode() has no limit, this has: an item, the rest of the message, and the unknown names of
 * one object with those round it are limited (TDS_PRES_KEEP_MAX, TDS_PRES_NAMES_MAX); beyond it is 101 (F-12). */
#ifndef TDS_PRES_H
#define TDS_PRES_H

#include "tds_msg.h"

#define TDS_PRES_KEEP_MAX  (16u << 20) /* bytes */
#define TDS_PRES_NAMES_MAX (1u << 20)

/* An item of cardRangeData that is good by the tables: the members that its version has; borrowed for the call. No more
 * items come after the first fault of the message. A status other than APR_SUCCESS ends the reading; err says why. */
typedef apr_status_t tds_pres_item_fn(void *baton, const json_t *item, tds_err_t *err);

typedef struct tds_pres_t tds_pres_t;

/* rules as for tds_msg_decode(), borrowed; accept may name PRes and Erro, and no type else is accepted; where fn is
 * given the version must be known, version_must: without it, items that come before messageVersion are checked by all
 * active versions, and good by one of them is good enough to be handed on. fn may be NULL. */
tds_pres_t *tds_pres_make(const tds_msg_rules_t *rules, tds_pres_item_fn *fn, void *baton, apr_pool_t *pool);

/* The next bytes, in chunks of any size. Anything but APR_SUCCESS: more is not wanted, tds_pres_end() says why. */
apr_status_t tds_pres_feed(tds_pres_t *pres, const char *bytes, apr_size_t len);

/* All bytes were fed: the verdict, as tds_msg_decode() gives it. In *pmsg a member cardRangeData that is an array has
 * lost its items: it is empty, or holds "true" if there were any. *pmsg is NULL where the text is not a message at all
 * (101 "Invalid Formatted Message"). */
apr_status_t tds_pres_end(tds_msg_t **pmsg, tds_pres_t *pres, tds_err_t *err);

/* Items read so far. */
apr_size_t tds_pres_count(const tds_pres_t *pres);

#endif
