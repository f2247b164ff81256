#include "tds_ap_log.h"

#include <http_config.h>
#include <http_log.h>

typedef struct target_t {
    int module_index;
    request_rec *r;
    server_rec *s;
} target_t;

static void write_line(void *baton, int level, const char *id, const char *txn, const char *text)
{
    target_t *t = baton;

    if (t->r)
        ap_log_rerror_(__FILE__, __LINE__, t->module_index, level, 0, t->r, "%s: %s%s%s%s", id, txn ? "[" : "",
                       txn ? txn : "", txn ? "] " : "", text);
    else
        ap_log_error_(__FILE__, __LINE__, t->module_index, level, 0, t->s, "%s: %s%s%s%s", id, txn ? "[" : "",
                      txn ? txn : "", txn ? "] " : "", text);
}

void tds_ap_log_init(tds_log_t *log, module *m, request_rec *r, server_rec *s, apr_pool_t *pool)
{
    target_t *t = apr_palloc(pool, sizeof *t);

    t->module_index = m->module_index;
    t->r = r;
    t->s = s;
    log->write = write_line;
    log->baton = t;
    log->level = r ? ap_get_request_module_loglevel(r, m->module_index)
                   : ap_get_server_module_loglevel(s, m->module_index);
}
