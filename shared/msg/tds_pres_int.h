/* Inside of the PRes reader: its two halves. tds_pres_tree.c makes values out of the stream, tds_pres.c judges them. */
#ifndef TDS_PRES_INT_H
#define TDS_PRES_INT_H

#include "tds_json_push.h"
#include "tds_msg_int.h"
#include "tds_pres.h"

/* An item is complete; ours for the call. hash is equal for equal values. */
typedef apr_status_t tds_tree_item_fn(void *baton, const json_t *item, apr_uint64_t hash);

/* The array of items begins: TDS_VER_BIT of the versions that they may be of. */
typedef unsigned tds_tree_versions_fn(void *baton);

typedef struct tds_tree_t tds_tree_t;

tds_tree_t *tds_tree_make(tds_tree_item_fn *fn, tds_tree_versions_fn *versions, void *baton, apr_pool_t *pool);
tds_json_event_fn tds_tree_event;

/* The message so far: known elements, with a stand-in for the array cardRangeData. NULL: not begun. */
json_t *tds_tree_root(const tds_tree_t *tree);
/* The stand-in; NULL: there was no such array. */
json_t *tds_tree_array(const tds_tree_t *tree);
/* Paths of members sent twice, or NULL. */
const char *tds_tree_duplicates(const tds_tree_t *tree);

#endif
