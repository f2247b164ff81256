/* WebAuthn assertions: authenticator data, and the signature over it and the client data. What the client data must say is the
 * caller's affair. */
#ifndef TDS_WEBAUTHN_H
#define TDS_WEBAUTHN_H

#include "tds_err.h"
#include "tds_hash.h"

typedef struct tds_webauthn_t {
    tds_bytes_t public_key;  /* SubjectPublicKeyInfo in DER: P-256 (ES256), RSA of 2048 bits or more (RS256), Ed25519 */
    const char *rp_id;       /* relying party */
    tds_bytes_t client_data; /* clientDataJSON as it was signed */
    tds_bytes_t auth_data;   /* authenticatorData */
    tds_bytes_t signature;   /* ECDSA: in DER */
    unsigned count_before;   /* sign count when it was last seen; 0: not known, nothing is compared */
} tds_webauthn_t;

/* Does the assertion hold: is it of this relying party, were user presence and user verification asserted, is the signature that
 * of the key, and, where the count before is known, has it been exceeded (a copied key would not)? APR_SUCCESS; APR_EACCES: no, *err says what does not hold. */
apr_status_t tds_webauthn_check(const tds_webauthn_t *assertion, tds_err_t *err);

/* The sign count of authenticator data that were found good; 0: the authenticator does not count. */
unsigned tds_webauthn_count(const tds_webauthn_t *assertion);

#endif
