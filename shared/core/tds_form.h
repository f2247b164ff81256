/* HTML forms: application/x-www-form-urlencoded. */
#ifndef TDS_FORM_H
#define TDS_FORM_H

#include <apr.h>

/* One field of a parsed form. */
typedef struct tds_field_t {
    const char *name, *value;
    apr_size_t len; /* of value, which may hold NUL bytes */
} tds_field_t;

#define TDS_FIELDS_MAX 32

/* Split an application/x-www-form-urlencoded body and decode it in place. Returns the number of fields, or -1 when it
 * is malformed or has too many. */
int tds_form_split(char *body, apr_size_t len, tds_field_t fields[TDS_FIELDS_MAX]);

/* The field's value; NULL when it is absent, present twice, or holds a NUL byte. */
const char *tds_form_get(const tds_field_t *fields, int n, const char *name);

#endif
