/* A token that ties a page to a transaction and to a version of its record: 36 bytes (id, version, MAC) as 48 base64url
 * characters. Unguessable, made and read without the store. */
#ifndef TDS_TOKEN_H
#define TDS_TOKEN_H

#include "tds_keys.h"
#include "tds_rand.h"

typedef struct tds_token_t {
    char id[TDS_UUID_LEN + 1];
    unsigned version; /* the record has been at least so far */
} tds_token_t;

/* label: what the token is for; tokens of another label do not read. NULL: no such id, or no key. */
const char *tds_token_make(const tds_keys_t *keys, const char *label, const char *id, unsigned version,
                           apr_pool_t *pool);

/* APR_EINVAL: not one of ours. text may be NULL. */
apr_status_t tds_token_read(tds_token_t *token, const tds_keys_t *keys, const char *label, const char *text,
                            apr_pool_t *pool);

#endif
