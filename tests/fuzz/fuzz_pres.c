/* The PRes reader against tds_msg_decode(): the same verdict for the same bytes, cut anywhere, and a snapshot of card
 * ranges out of what is good. Byte 0 picks the version that is expected, byte 1 how the text is cut; the rest is the
 * text. */
#include "fuzz.h"
#include "srv_ranges.h"
#include "tds_pres.h"

static const srv_ds_t ds = {.name = "ds"};

typedef struct sink_t {
    srv_load_t *load;
    apr_size_t items;
} sink_t;

static apr_status_t take(void *baton, const json_t *item, tds_err_t *err)
{
    sink_t *sink = baton;

    ++sink->items;
    return srv_load_add(sink->load, item, err);
}

static tds_pres_t *streamed(const uint8_t *data, size_t size, unsigned cut, const tds_msg_rules_t *rules, sink_t *sink,
                            apr_pool_t *pool)
{
    tds_pres_t *pres = tds_pres_make(rules, rules->version_must ? take : NULL, sink, pool);
    size_t at, n;

    for (at = 0; at < size; at += n) {
        char *chunk;

        cut = cut * 1103515245u + 12345u;
        n = cut & 0x40000000u ? 1 + (cut >> 16) % 7 : 1 + (cut >> 16) % 200;
        if (n > size - at) n = size - at;
        chunk = fuzz_exact(data + at, n);
        (void)tds_pres_feed(pres, chunk, n);
        free(chunk);
    }
    return pres;
}

static void same(const tds_err_t *a, const tds_err_t *b)
{
    MUST(a->proto == b->proto);
    MUST(!a->elements == !b->elements);
    MUST(!a->elements || !strcmp(a->elements, b->elements));
}

/* A snapshot finds what is in it; a refusal has its code. */
static void snapshot(srv_load_t *load, const tds_msg_t *msg, apr_pool_t *pool)
{
    srv_ranges_t *ranges;
    srv_hit_t hit;
    tds_err_t err;

    tds_err_init(&err, pool);
    if (srv_load_commit(&ranges, load, msg, pool, &err) != APR_SUCCESS) {
        MUST(!ranges && (err.proto == 203 || err.proto == 205 || err.proto == 206) && err.elements);
        return;
    }
    if (!ranges) return;
    if (srv_ranges_find(ranges, "4000000000000001", &hit))
        MUST(hit.ds == &ds && (!srv_hit_method_url(&hit, TDS_V220) || *srv_hit_method_url(&hit, TDS_V220)));
}

static void one(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    tds_msg_rules_t rules = {.accept = TDS_MSG_BIT(TDS_MSG_PRES) | TDS_MSG_BIT(TDS_MSG_ERRO)};
    tds_msg_t *whole, *msg;
    tds_err_t err, want;
    sink_t sink = {NULL, 0};
    tds_pres_t *pres;
    char *text;
    apr_status_t rv;

    if (size < 2) return;
    rules.version_must = (tds_ver_e)(data[0] & 3);
    if (data[0] & 4) rules.versions = TDS_VER_BIT(1 + data[0] / 8 % 3);
    tds_err_init(&err, pool);
    tds_err_init(&want, pool);
    text = fuzz_exact(data + 2, size - 2);
    rv = tds_msg_decode(&whole, text, size - 2, &rules, pool, &want);
    free(text);
    sink.load = srv_load_begin(&ds, NULL, data[0] & 64, pool);
    /* Where the version is not known from the start, items may be handed on by another one than it turns out to be. */
    pres = streamed(data + 2, size - 2, data[1], &rules, &sink, pool);
    MUST(tds_pres_end(&msg, pres, &err) == rv);
    same(&err, &want);
    if (rv != APR_SUCCESS) return;
    MUST(msg->type == whole->type && msg->version == whole->version);
    if (msg->type != TDS_MSG_PRES || !rules.version_must) return;
    MUST(sink.items == json_array_size(whole->elem[TDS_E_CARD_RANGE_DATA]));
    snapshot(sink.load, msg, pool);
}
