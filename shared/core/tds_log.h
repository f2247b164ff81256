/* Logging of a library that has no server: through a callback. Every message of level debug or above
 * has an id of its own (docs/log-ids.md) and names the transaction it belongs to. Nothing is formatted
 * unless the level is on. Values of PAN, OTP, authentication value and keys never come here; what looks like an account
 * number all the same, in a name or an id of a peer, is masked. */
#ifndef TDS_LOG_H
#define TDS_LOG_H

/* The numbers are those of syslog and of httpd's APLOG_*. */
enum { TDS_LOG_ERR = 3, TDS_LOG_WARNING = 4, TDS_LOG_NOTICE = 5, TDS_LOG_INFO = 6, TDS_LOG_DEBUG = 7 };

typedef void tds_log_fn(void *baton, int level, const char *id, const char *txn, const char *text);

typedef struct tds_log_t {
    tds_log_fn *write;
    void *baton;
    int level; /* highest level that is written */
} tds_log_t;

#define tds_log_on(log, lvl) ((log) && (lvl) <= (log)->level)

/* id: "ACS0214"; txn: the transaction's id or NULL. */
#define tds_log(log, lvl, id, txn, ...)                                                            \
    do {                                                                                           \
        if (tds_log_on((log), (lvl))) tds_log_write((log), (lvl), (id), (txn), __VA_ARGS__);       \
    } while (0)

void tds_log_write(const tds_log_t *log, int level, const char *id, const char *txn, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

#endif
