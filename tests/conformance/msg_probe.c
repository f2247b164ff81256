/* msg_probe LINK TYPES [EARLIER...]: a message from standard input, as who receives it on LINK (ds-server, app-acs)
 * checks it. TYPES: what is accepted there, separated by commas. EARLIER: files with the messages of the transaction
 * before it, in their order, the AReq first. Prints {"errorCode":"203","errorDetail":"..."}, or {} when there is no
 * fault. Exit 0 whatever the verdict, 2 when it could not be run or an earlier message is not valid. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <apr_general.h>
#include <apr_strings.h>
#include "tds_msg.h"

#define PRIOR_MAX 64
#define BODY_MAX (1024 * 1024)

static char *read_all(FILE *in, size_t *len, apr_pool_t *pool)
{
    char *buf = apr_palloc(pool, BODY_MAX);

    *len = fread(buf, 1, BODY_MAX, in);
    return buf;
}

static unsigned types_of(char *list)
{
    unsigned mask = 0;
    char *last, *word;

    for (word = apr_strtok(list, ",", &last); word; word = apr_strtok(NULL, ",", &last))
        mask |= TDS_MSG_BIT(tds_msg_type_find(word));
    return mask;
}

/* What the messages before it say. -1: a file cannot be read, or its message is not valid. */
static int earlier(char **names, int n, tds_msg_rules_t *rules, tds_prior_t *prior, apr_pool_t *pool)
{
    tds_msg_rules_t each = {.prior = prior};
    tds_msg_t *msg;
    tds_err_t err;
    size_t len;
    int i;

    for (i = 0; i < n; ++i) {
        FILE *f = fopen(names[i], "rb");
        char *text = f ? read_all(f, &len, pool) : NULL;

        if (f) fclose(f);
        tds_err_init(&err, pool);
        if (!text || tds_msg_decode(&msg, text, len, &each, pool, &err) != APR_SUCCESS) {
            fprintf(stderr, "%s: %d %s\n", names[i], err.proto, err.elements ? err.elements : "");
            return -1;
        }
        each.version_must = rules->version_must = msg->version;
        each.nprior += tds_msg_prior(msg, prior + each.nprior, PRIOR_MAX - each.nprior);
    }
    rules->prior = prior;
    rules->nprior = each.nprior;
    return 0;
}

int main(int argc, char **argv)
{
    tds_msg_rules_t rules = {0};
    tds_prior_t prior[PRIOR_MAX];
    json_t *out = json_object();
    apr_pool_t *pool;
    tds_msg_t *msg;
    tds_err_t err;
    size_t len;
    char *text;

    if (argc < 3 || apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) return 2;
    rules.leg = !strcmp(argv[1], "ds-server") ? TDS_LEG_DS_SERVER : TDS_LEG_NONE;
    rules.accept = types_of(argv[2]);
    if (earlier(argv + 3, argc - 3, &rules, prior, pool)) return 2;
    text = read_all(stdin, &len, pool);
    tds_err_init(&err, pool);
    if (tds_msg_decode(&msg, text, len, &rules, pool, &err) != APR_SUCCESS) {
        json_object_set_new(out, "errorCode", json_string(apr_itoa(pool, err.proto)));
        json_object_set_new(out, "errorDetail", json_string(err.elements ? err.elements : ""));
    }
    puts(json_dumps(out, JSON_COMPACT));
    return 0;
}
