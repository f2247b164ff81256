/* The master key of a module and everything derived from it. One file holds one generation: 64 hex
 * digits (32 bytes), white space round them ignored. The first generation writes, the second only reads
 * what another configuration wrote. Every key is HMAC-SHA256(master, label ‖ parts): nothing else is
 * ever distributed. Identifiers, tokens and codes stay put through a rotation: they come from the id key,
 * which is a file of its own as soon as there are two generations. */
#ifndef TDS_KEYS_H
#define TDS_KEYS_H

#include <apr_file_io.h>
#include "tds_err.h"
#include "tds_hash.h"

#define TDS_KEYS_GENERATIONS 2
#define TDS_KEY_LEN          32

typedef struct tds_keys_t tds_keys_t;

/* An empty set; its bytes are wiped when pool goes. */
tds_keys_t *tds_keys_make(apr_pool_t *pool);

/* Add the next generation from text. APR_EINVAL: not 64 hex digits; APR_ENOSPC: too many. */
apr_status_t tds_keys_add(tds_keys_t *keys, const char *hex, tds_err_t *err);

/* The same from a file (read whole, at most 1 KiB). APR_EINVAL also for a key that anybody tries. */
apr_status_t tds_keys_add_file(tds_keys_t *keys, const char *path, apr_pool_t *ptemp, tds_err_t *err);

/* The text of any key file (at most size - 1 bytes of it) without the white space round it, NUL-terminated. The caller wipes
 * text, also when this fails. APR_EACCES: others than its owner may write it, or others than its group read it. */
apr_status_t tds_keys_read(char *text, apr_size_t size, const char *path, apr_pool_t *ptemp, tds_err_t *err);

/* May the owner alone change the open file, and at most its group read it? */
int tds_keys_closed(apr_file_t *f);

/* Is it a key that anybody tries: one byte or one part again and again, bytes that count up or down, or a key that stands in
 * published examples and test vectors? */
int tds_keys_known(const unsigned char *key, apr_size_t len);

/* The id key, from a file of the same form. Without one it is the only generation. */
apr_status_t tds_keys_id_file(tds_keys_t *keys, const char *path, apr_pool_t *ptemp, tds_err_t *err);

/* How many generations there are. */
int tds_keys_count(const tds_keys_t *keys);

/* Which generation writes (its id, one byte that survives a rotation: taken from the key itself). */
unsigned char tds_keys_writer(const tds_keys_t *keys);

/* The ids of all generations, one byte each; they live as long as keys. */
tds_bytes_t tds_keys_generations(const tds_keys_t *keys);

/* Derive a key. generation: an id as tds_keys_writer gives it. APR_NOTFOUND: no such generation. */
apr_status_t tds_keys_derive(const tds_keys_t *keys, unsigned char generation, unsigned char out[TDS_KEY_LEN],
                             const char *label, const tds_bytes_t *parts, int nparts);

/* MAC under the id key: identifiers, tokens, codes, card index. label is part of what is authenticated.
 * APR_NOTFOUND: no key. */
apr_status_t tds_keys_mac(const tds_keys_t *keys, unsigned char out[TDS_HASH_LEN], const char *label,
                          const tds_bytes_t *parts, int nparts);

#endif
