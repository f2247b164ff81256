/* A circuit breaker: after so many failures in a row calls fail at once for a while, then one call tries again. Its cell may
 * lie in memory that processes share; nothing here locks. */
#ifndef TDS_BREAKER_H
#define TDS_BREAKER_H

#include <apr_time.h>

/* All zero: closed. */
typedef struct tds_breaker_t {
    apr_uint32_t failures; /* in a row */
    apr_uint32_t unused;
    apr_time_t until;      /* open until then; 0: closed */
} tds_breaker_t;

typedef struct tds_breaker_conf_t {
    int failures;              /* in a row, to open; 0: never opens */
    apr_interval_time_t pause; /* how long it stays open, and between two tries after that */
} tds_breaker_conf_t;

typedef enum tds_breaker_state_e { TDS_BREAKER_CLOSED, TDS_BREAKER_OPEN, TDS_BREAKER_HALF_OPEN } tds_breaker_state_e;

/* May a call be made now? 1 yes: tell how it went with tds_breaker_note(). Of all who ask when the pause is over, one is told
 * yes. */
int tds_breaker_allows(tds_breaker_t *breaker, const tds_breaker_conf_t *conf, apr_time_t now);

/* 1: this call has just opened the breaker. */
int tds_breaker_note(tds_breaker_t *breaker, const tds_breaker_conf_t *conf, apr_time_t now, int ok);

/* HALF_OPEN: the pause is over, the next call is a try. */
tds_breaker_state_e tds_breaker_state(const tds_breaker_t *breaker, apr_time_t now);

#endif
