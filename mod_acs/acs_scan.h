/* Reading the transaction log: the lines of one issuer between two times, a page at a time.
 *
 * Children write a line a moment after its time, so the file is in order only but for a few seconds. A page ends after limit
 * lines; next is then the earliest time left out: asked from there on, a line may come twice, and none is missed. */
#ifndef ACS_SCAN_H
#define ACS_SCAN_H

#include <sys/types.h>
#include <apr_pools.h>
#include <apr_time.h>

typedef struct acs_scan_t {
    int fd;
    apr_time_t from, to; /* from <= time < to */
    int limit;
    const char *mark; /* acs_log_issuer_mark */
    int (*put)(void *baton, const char *line, apr_size_t len); /* with its newline; not 0: no more, please */
    void *baton;
    apr_time_t next; /* of acs_scan_begin: where the next page begins; 0: there is none */
    int sent;        /* lines */
    /* its own */
    char *buf;
    off_t at, end;
    apr_time_t last;
} acs_scan_t;

/* Find the page. APR status of the file. Sends nothing. */
apr_status_t acs_scan_begin(acs_scan_t *scan, apr_pool_t *pool);

void acs_scan_send(acs_scan_t *scan);

#endif
