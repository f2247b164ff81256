/* What a text consists of: UTF-8, characters, blanks. */
#ifndef TDS_TEXT_H
#define TDS_TEXT_H

#include <apr.h>

/* 1 when the len bytes at s are UTF-8 (RFC 3629: no overlong form, no surrogate). */
int tds_text_utf8(const char *s, apr_size_t len);

/* The number of characters (code points) of a UTF-8 text. */
apr_size_t tds_text_chars(const char *s, apr_size_t len);

/* The length in bytes of the first chars characters. */
apr_size_t tds_text_head(const char *s, apr_size_t len, apr_size_t chars);

/* 1 when the UTF-8 text has neither a control character (C0, DEL, C1) nor a blank, ASCII or Unicode's White_Space. Such
 * a character is part of no URL and of no e-mail address (F-09). */
int tds_text_solid(const char *s, apr_size_t len);

#endif
