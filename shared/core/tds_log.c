#include "tds_log.h"

#include <stdarg.h>
#include <stdio.h>

void tds_log_write(const tds_log_t *log, int level, const char *id, const char *txn, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    log->write(log->baton, level, id, txn, text);
}
