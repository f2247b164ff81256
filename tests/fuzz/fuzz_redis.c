/* What Redis sends: first byte: in pieces of that size. No reply is taken that has what its type has not; memory is bounded. */
#include "fuzz.h"
#include "tds_redis_int.h"

static void look(const tds_redis_reply_t *reply, int depth)
{
    const char *text = tds_redis_text(reply);
    apr_int64_t number;
    apr_size_t i;

    MUST(depth < 16);
    (void)tds_redis_number(&number, reply);
    (void)tds_redis_says(reply, "OK");
    if (text) MUST(reply->type == TDS_REPLY_STRING && strlen(text) == reply->len);
    if (reply->type == TDS_REPLY_ERROR || reply->type == TDS_REPLY_STRING) MUST(reply->text && !reply->text[reply->len]);
    MUST(tds_redis_item(reply, 1 << 20)->type == TDS_REPLY_NIL);
    if (reply->type != TDS_REPLY_ARRAY) return;
    MUST(reply->len <= 16384);
    for (i = 0; i < reply->len; ++i) look(tds_redis_item(reply, i), depth + 1);
}

static void one(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    redisReader *reader = redisReaderCreate();
    size_t step = size && data[0] ? data[0] : size, at = 1, n;
    tds_redis_budget_t budget;
    apr_status_t rv = APR_EAGAIN;

    MUST(reader && tds_redis_reader_bound(reader, &budget) == APR_SUCCESS);
    while (at < size && rv != APR_EGENERAL) {
        n = size - at < step ? size - at : step;
        MUST(redisReaderFeed(reader, (const char *)data + at, n) == REDIS_OK);
        at += n;
        do {
            tds_redis_reply_t reply = {0};

            if ((rv = tds_redis_reader_next(reader, &reply, pool)) != APR_SUCCESS) continue;
            look(&reply, 0);
            (void)tds_redis_error(&reply, pool);
        } while (rv == APR_SUCCESS);
    }
    redisReaderFree(reader);
}
