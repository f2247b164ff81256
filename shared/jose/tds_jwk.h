/* Keys as JSON Web Keys (RFC 7517). */
#ifndef TDS_JWK_H
#define TDS_JWK_H

#include <apr_pools.h>
#include "tds_json.h"

/* Is this a public EC key whose point lies on P-256 (A-AREQ-20)? 1 or 0. The members are taken to be texts, as the tables
 * have checked. */
int tds_jwk_p256_good(const json_t *jwk, apr_pool_t *pool);

#endif
