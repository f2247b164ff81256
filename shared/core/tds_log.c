#include "tds_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "tds_mask.h"

/* A number that was cut off is no account number any more, but most of one perhaps. */
static void drop_last_number(char *text)
{
    char *s = text + strlen(text);

    while (s > text && s[-1] >= '0' && s[-1] <= '9') *--s = '*';
}

void tds_log_write(const tds_log_t *log, int level, const char *id, const char *txn, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof text) drop_last_number(text);
    (void)tds_mask_buffer(text);
    log->write(log->baton, level, id, txn, text);
}
