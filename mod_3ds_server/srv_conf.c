#include "srv_conf.h"

#include <string.h>
#include "tds_http.h"

srv_ds_t *srv_ds_by_name(const srv_conf_t *conf, const char *name)
{
    int i;

    for (i = 0; i < conf->dss->nelts; ++i) {
        srv_ds_t *ds = APR_ARRAY_IDX(conf->dss, i, srv_ds_t *);
        if (!strcmp(ds->name, name)) return ds;
    }
    return NULL;
}

srv_requestor_t *srv_requestor_by_name(const srv_conf_t *conf, const char *name)
{
    int i;

    for (i = 0; i < conf->requestors->nelts; ++i) {
        srv_requestor_t *requestor = APR_ARRAY_IDX(conf->requestors, i, srv_requestor_t *);
        if (!strcmp(requestor->name, name)) return requestor;
    }
    return NULL;
}

const srv_ds_t *srv_ds_for(const srv_conf_t *conf, const char *ds, const char *requestor)
{
    const srv_ds_t *d = srv_ds_by_name(conf, ds);
    const srv_requestor_t *q = srv_requestor_by_name(conf, requestor);

    return d && q && d->environment == q->environment ? d : NULL;
}

static int any_equal(const apr_array_header_t *hashes, const unsigned char *hash)
{
    int i, hit = 0;

    for (i = 0; i < hashes->nelts; ++i) hit |= tds_equal(hashes->elts + (apr_size_t)i * TDS_HASH_LEN, hash, TDS_HASH_LEN);
    return hit;
}

const srv_requestor_t *srv_requestor_by_key(const srv_conf_t *conf, const char *key)
{
    const srv_requestor_t *found = NULL;
    unsigned char hash[TDS_HASH_LEN];
    int i;

    if (tds_sha256(hash, key, strlen(key)) != APR_SUCCESS) return NULL;
    for (i = 0; i < conf->requestors->nelts; ++i) {
        const srv_requestor_t *requestor = APR_ARRAY_IDX(conf->requestors, i, const srv_requestor_t *);
        if (any_equal(requestor->keys, hash)) found = requestor;
    }
    return found;
}

const srv_requestor_t *srv_requestor_by_cert(const srv_conf_t *conf, const unsigned char fingerprint[TDS_HASH_LEN])
{
    const srv_requestor_t *found = NULL;
    int i;

    for (i = 0; i < conf->requestors->nelts; ++i) {
        const srv_requestor_t *requestor = APR_ARRAY_IDX(conf->requestors, i, const srv_requestor_t *);
        if (any_equal(requestor->certs, fingerprint)) found = requestor;
    }
    return found;
}

const srv_merchant_t *srv_merchant_find(const srv_requestor_t *requestor, const char *acquirer_id)
{
    int i;

    for (i = 0; i < requestor->merchants->nelts; ++i) {
        const srv_merchant_t *merchant = &APR_ARRAY_IDX(requestor->merchants, i, const srv_merchant_t);
        if (!acquirer_id || !strcmp(merchant->acquirer_id, acquirer_id)) return merchant;
    }
    return NULL;
}

const char *srv_return_url(const srv_requestor_t *requestor, const char *url, apr_pool_t *pool)
{
    const char *canonical = tds_url_canonical(url, pool), *origin;
    int i;

    if (!canonical) return NULL;
    origin = tds_url_origin(canonical, pool);
    for (i = 0; i < requestor->origins->nelts; ++i) {
        if (!strcmp(origin, APR_ARRAY_IDX(requestor->origins, i, const char *))) return canonical;
    }
    return NULL;
}
