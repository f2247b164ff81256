/* Time as it is handed to an engine, and as messages write it. */
#ifndef TDS_TIME_H
#define TDS_TIME_H

#include <apr_pools.h>
#include <apr_time.h>

/* A clock; engines own none, tests hand in one that they move. */
typedef apr_time_t tds_clock_fn(void);

/* Microseconds of a clock that nobody sets: for time limits and breakers within this machine, in all its processes. Says
 * nothing about the time of day; what is stored, or told to others, is of the wall clock. */
apr_time_t tds_time_mono(void);

/* YYYYMMDDHHMMSS in UTC (purchaseDate, F-08). */
const char *tds_time_compact(apr_time_t t, apr_pool_t *pool);

/* The same read back. 30 February or a leap second is the time that it comes to; 0: not 14 digits, or no such month. */
apr_time_t tds_time_read(const char *text);

/* 2026-01-31T23:59:59Z (APIs and logs). */
const char *tds_time_iso(apr_time_t t, apr_pool_t *pool);

#endif
