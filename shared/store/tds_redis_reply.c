/* Bytes of Redis -> replies. Whoever has the port of Redis can send anything here: what no command of ours is answered with
 * is a fault of the connection, and nothing is reserved before the bytes for it are there. */
#include "tds_redis_int.h"

#include <pthread.h>
#include <string.h>
#include <apr_strings.h>

/* In one reply. The largest that we ask for: the hash of a card with its credentials, and a claim. */
#define ELEMENTS_MAX 16384
#define BYTES_MAX    (8 * 1024 * 1024)

#if HIREDIS_MAJOR >= 1
typedef size_t count_t;
#else
typedef int count_t;
#endif

static redisReplyObjectFunctions standard, bounded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* hiredis reserves room for as many elements as the head of an array announces. */
static void *array_within(const redisReadTask *task, count_t elements)
{
    tds_redis_budget_t *left = task->privdata;

    if ((long long)elements < 0 || (long long)elements > left->elements) return NULL;
    left->elements -= (int)elements;
    return standard.createArray(task, elements);
}

static void *string_within(const redisReadTask *task, char *text, size_t len)
{
    tds_redis_budget_t *left = task->privdata;

    if (len > left->bytes) return NULL;
    left->bytes -= len;
    return standard.createString(task, text, len);
}

static void make_functions(void)
{
    redisReader *reader = redisReaderCreate();

    if (!reader) return;
    standard = bounded = *reader->fn;
    bounded.createArray = array_within;
    bounded.createString = string_within;
    redisReaderFree(reader);
}

static void refill(tds_redis_budget_t *budget)
{
    *budget = (tds_redis_budget_t){.elements = ELEMENTS_MAX, .bytes = BYTES_MAX};
}

apr_status_t tds_redis_reader_bound(redisReader *reader, tds_redis_budget_t *budget)
{
    (void)pthread_once(&once, make_functions);
    if (!bounded.createArray) return APR_ENOMEM;
    refill(budget);
    reader->fn = &bounded;
    reader->privdata = budget;
    return APR_SUCCESS;
}

static apr_status_t copy_text(tds_redis_reply_t *to, const redisReply *from, apr_pool_t *pool)
{
    if (!from->str) return APR_EGENERAL;
    to->type = from->type == REDIS_REPLY_ERROR ? TDS_REPLY_ERROR : TDS_REPLY_STRING;
    to->len = (apr_size_t)from->len;
    to->text = apr_pstrmemdup(pool, from->str, to->len);
    return APR_SUCCESS;
}

static apr_status_t copy_reply(tds_redis_reply_t *to, const redisReply *from, apr_pool_t *pool)
{
    apr_status_t rv = APR_SUCCESS;
    size_t i;

    *to = (tds_redis_reply_t){.type = TDS_REPLY_NIL};
    if (!from) return APR_EGENERAL;
    switch (from->type) {
    case REDIS_REPLY_NIL:
        return APR_SUCCESS;
    case REDIS_REPLY_INTEGER:
        to->type = TDS_REPLY_INT;
        to->number = from->integer;
        return APR_SUCCESS;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        return copy_text(to, from, pool);
    case REDIS_REPLY_ARRAY:
        to->type = TDS_REPLY_ARRAY;
        to->len = from->elements;
        to->items = apr_pcalloc(pool, from->elements * sizeof *to->items + 1);
        for (i = 0; rv == APR_SUCCESS && i < from->elements; ++i) rv = copy_reply(&to->items[i], from->element[i], pool);
        return rv;
    default: /* of RESP3, which we have not asked for */
        return APR_EGENERAL;
    }
}

apr_status_t tds_redis_reader_next(redisReader *reader, tds_redis_reply_t *reply, apr_pool_t *pool)
{
    void *raw = NULL;
    apr_status_t rv;

    if (redisReaderGetReply(reader, &raw) != REDIS_OK) return APR_EGENERAL;
    if (!raw) return reader->len - reader->pos > BYTES_MAX ? APR_EGENERAL : APR_EAGAIN;
    rv = copy_reply(reply, raw, pool);
    freeReplyObject(raw);
    refill(reader->privdata);
    return rv;
}

/* ---- what is in a reply ------------------------------------------------------ */

static const tds_redis_reply_t nil = {.type = TDS_REPLY_NIL};

const tds_redis_reply_t *tds_redis_item(const tds_redis_reply_t *reply, apr_size_t i)
{
    return reply->type == TDS_REPLY_ARRAY && i < reply->len ? &reply->items[i] : &nil;
}

const char *tds_redis_text(const tds_redis_reply_t *reply)
{
    if (reply->type != TDS_REPLY_STRING || strlen(reply->text) != reply->len) return NULL;
    return reply->text;
}

int tds_redis_says(const tds_redis_reply_t *reply, const char *text)
{
    const char *own = tds_redis_text(reply);

    return own && !strcmp(own, text);
}

apr_status_t tds_redis_number(apr_int64_t *number, const tds_redis_reply_t *reply)
{
    const char *text = tds_redis_text(reply);
    char *end;

    if (reply->type == TDS_REPLY_INT) {
        *number = reply->number;
        return APR_SUCCESS;
    }
    if (!text || !*text) return APR_EINVAL;
    *number = apr_strtoi64(text, &end, 10);
    return *end ? APR_EINVAL : APR_SUCCESS;
}

const char *tds_redis_error(const tds_redis_reply_t *reply, apr_pool_t *pool)
{
    char *text, *s;

    if (reply->type != TDS_REPLY_ERROR) return "unexpected reply";
    text = apr_pstrndup(pool, reply->text, 80);
    for (s = text; *s && *s != ','; ++s) { /* behind the comma Redis repeats the arguments of a command it does not know */
        if (*s < ' ' || *s > '~') *s = '?';
    }
    *s = '\0';
    return text;
}
