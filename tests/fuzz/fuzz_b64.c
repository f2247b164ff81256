/* base64url: what is accepted strictly is what would be written; lax accepts all that strict does. */
#include "fuzz.h"
#include "tds_b64.h"

static void one(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    char *text = fuzz_exact(data, size);
    unsigned char *strict = NULL, *lax = NULL, *back;
    apr_size_t nstrict = 0, nlax = 0, nback;
    const char *written;
    int ok = tds_b64url_decode(&strict, &nstrict, text, size, 0, pool) == APR_SUCCESS;

    if (ok) {
        written = tds_b64url_encode(strict, nstrict, pool);
        MUST(strlen(written) == size && !memcmp(written, text, size));
        MUST(tds_b64url_decode(&lax, &nlax, text, size, 1, pool) == APR_SUCCESS);
        MUST(nlax == nstrict && !memcmp(lax, strict, nlax) && lax[nlax] == '\0');
    }
    else if (tds_b64url_decode(&lax, &nlax, text, size, 1, pool) == APR_SUCCESS)
        MUST(nlax <= size && lax[nlax] == '\0');
    written = tds_b64url_encode(text, size, pool);
    MUST(tds_b64url_decode(&back, &nback, written, strlen(written), 0, pool) == APR_SUCCESS);
    MUST(nback == size && !memcmp(back, text, size));
    written = tds_b64_encode(text, size, pool);
    MUST(strlen(written) == (size + 2) / 3 * 4);
    free(text);
}
