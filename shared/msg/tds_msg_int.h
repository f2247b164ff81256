/* Inside of shared/msg: the tables as C sees them, and one check under way. Not for
 * other folders. */
#ifndef TDS_MSG_INT_H
#define TDS_MSG_INT_H

#include <stdint.h>
#include <string.h>
#include "tds_msg.h"

/* ---- formats: one hand-written matcher each ---------------------------- */

#define TDS_FORMATS(F)                                                                             \
    F(ANY)                                                                                         \
    F(CODE)                                                                                        \
    F(DIGITS) F(LETTERS) F(ALNUM) F(UUID) F(URL) F(URL_HTTPS) F(URL_OR_DATA) F(EMAIL) F(SOLID) F(IP)     \
        F(DATE) F(YYMM) F(DATETIME12) F(DATETIME14) F(TZ) F(BASE64) F(BASE64URL) F(JWE) F(JWS)     \
            F(COUNTRY) F(CURRENCY) F(CURRENCY_ALPHA) F(PAN) F(VERSION)
#define TDS_PATTERNS(F) F(NONE) F(DIGITS_1_2) F(DIGITS_3) F(DIGITS_5) F(AV28)

typedef enum tds_format_e {
#define F(name) TDS_F_##name,
    TDS_FORMATS(F)
#undef F
        TDS_F_COUNT
} tds_format_e;

typedef enum tds_pattern_e {
#define F(name) TDS_P_##name,
    TDS_PATTERNS(F)
#undef F
        TDS_P_COUNT
} tds_pattern_e;

/* 1 when the len bytes at s have the format; s[len] is NUL. Length limits are not looked at. */
typedef int tds_match_fn(const char *s, apr_size_t len);
extern tds_match_fn *const tds_format_fn[TDS_F_COUNT];
extern tds_match_fn *const tds_pattern_fn[TDS_P_COUNT];
extern const char *const tds_format_name[TDS_F_COUNT];

/* ---- tables ------------------------------------------------------------ */

enum { TDS_T_STRING = 1, TDS_T_OBJECT = 2, TDS_T_ARRAY = 4, TDS_T_BOOLEAN = 8 };
enum { TDS_VF_UNIQUE = 1, TDS_VF_ACCEPT_ANY = 2, TDS_VF_DECODED = 4, TDS_VF_EXTENSION = 8 };
enum { TDS_TF_INFORMATIVE = 1, TDS_TF_ANY_NAME = 2 };
enum { TDS_INC_O = 0, TDS_INC_R = 1, TDS_INC_C = 2 };
enum { TDS_RESERVED_EMVCO, TDS_RESERVED_DS, TDS_RESERVED_DS_REJECT };
enum { TDS_VARIANT_INTERIM = 1, TDS_VARIANT_FINAL = 2 };

/* What a value looks like. A maximum of 0 is no limit, min_value and max_value -1 none. */
typedef struct tds_val_t {
    uint8_t types, format, pattern, flags;
    uint32_t min, max;
    int32_t min_value, max_value;
    uint16_t codes, resv, nresv, table, items;
    uint32_t min_items, max_items, max_total;
    uint16_t key_min, key_max;
} tds_val_t;

/* Who carries it. Bit n of vers, chan, cat, must, cut: version, channel, category, leg n. */
typedef struct tds_row_t {
    uint16_t elem;
    uint8_t vers, chan, cat, variants;
    uint8_t inc[3]; /* payment, non-payment, category not known */
    uint8_t must, cut;
    uint8_t sure; /* nobody but the condition decides: where it does not hold, the element is
                     uncalled for */
    uint16_t when, absent_when, cross, ncross, val;
} tds_row_t;

typedef struct tds_table_t {
    const char *name;
    uint8_t vers;
    uint16_t row, nrows;
    uint8_t flags;
    uint8_t least[TDS_V_COUNT]; /* members there must be, by version */
} tds_table_t;

typedef struct tds_reserved_t {
    int from, to, digits, use;
} tds_reserved_t;

extern const tds_row_t tds_rows[];
extern const tds_val_t tds_vals[];
extern const tds_table_t
    tds_tables[]; /* 1..: messages in order of tds_msg_e, then objects; 0 unused */
extern const int tds_ntables;
extern const char *const tds_codes[]; /* ",01,02," */
extern const tds_reserved_t tds_reserved[];
extern const uint16_t tds_cross[];
extern const tds_prior_t tds_wanted[];
extern const int tds_nwanted;

/* As tds_elem_find(), for a name that ends with NUL. */
tds_elem_e tds_elem_find_z(const char *name);

/* 1 when text is in a list such as "01,02" or ",01,02,". Text holds no comma. */
int tds_list_has(const char *list, const char *text, apr_size_t len);

/* ---- a check under way ------------------------------------------------- */

/* Where we are: a chain of names up to the message. */
typedef struct tds_path_t {
    const struct tds_path_t *up;
    tds_elem_e elem;
} tds_path_t;

typedef struct tds_offender_t {
    struct tds_offender_t *next;
    int code;
    tds_elem_e top;
    const char *text;
} tds_offender_t;

/* The items of an array that was checked piece by piece and is gone (tds_pres.c). */
typedef struct tds_items_t {
    const json_t *array; /* stands in its place: empty if there was no item */
    apr_size_t count;
    int twins;                   /* two of them are equal */
    const tds_offender_t *first; /* what was found in them */
} tds_items_t;

typedef struct tds_ctx_t {
    tds_msg_t *msg;
    apr_pool_t *pool;         /* of the offenders; all else that a check needs comes from msg->pool */
    const tds_items_t *items; /* or NULL */
    const tds_msg_rules_t *rules;
    int sending;
    int variant;       /* of a CRes */
    unsigned channels; /* bits of all the message exists for */
    const json_t *obj; /* the object whose members are looked at; NULL at the top */
    const tds_table_t *table;                  /* of obj */
    const tds_row_t *rows[TDS_ELEM_TOP_END];   /* of the elements that are there and apply */
    int guess, guesses;                        /* of tds_cond() */
    int faults;
    tds_offender_t *first, **last;
} tds_ctx_t;

/* tds_conds.c: condition n of the tables: 0, 1, or TDS_COND_UNKNOWN where a value of the wrong type would decide.
 * Condition 0 is never true. */
enum { TDS_COND_UNKNOWN = -1 };
int tds_cond(tds_ctx_t *ctx, int n);

/* tds_value.c: 1 when the value is there but "", null, {} or []; a missing one is not empty. */
int tds_value_empty(const json_t *value);
/* Check a value that is not empty; reports what is wrong. */
void tds_value_check(tds_ctx_t *ctx, const tds_val_t *val, const json_t *value,
                     const tds_path_t *path);

/* The members of an object against its table. path: of the object; NULL: names are not prefixed. */
void tds_members_check(tds_ctx_t *ctx, const tds_table_t *t, const json_t *value, const tds_path_t *path);

/* One item of an array; val: the row of the array. */
void tds_item_check(tds_ctx_t *ctx, const tds_val_t *val, const json_t *item, const tds_path_t *path);

/* tds_check.c: one row of a table against its value (or NULL). */
void tds_row_check(tds_ctx_t *ctx, const tds_row_t *row, const json_t *value, const tds_path_t *up);
int tds_row_applies(const tds_ctx_t *ctx, const tds_row_t *row);
/* 1 when every member of the object's table is optional for this message. */
int tds_table_optional(const tds_ctx_t *ctx, const tds_table_t *table);
/* Begin a check: ctx for msg, whose elements that do not apply are put aside. Whoever only checks values with it
 * needs no more. */
void tds_check_start(tds_ctx_t *ctx, tds_msg_t *msg, const tds_msg_rules_t *rules, apr_pool_t *pool);
/* The check itself, receiving or sending; APR_EINVAL with the report. items may be NULL. */
apr_status_t tds_check_run(tds_msg_t *msg, const tds_msg_rules_t *rules, const tds_items_t *items, int sending,
                           tds_err_t *err);

/* tds_decode.c: the steps of tds_msg_open() and tds_msg_check(). duplicates: the paths, NULL: none. */
tds_msg_t *tds_msg_of(json_t *root, const char *duplicates, apr_pool_t *pool);
apr_status_t tds_msg_head_check(const tds_msg_t *msg, const tds_msg_rules_t *rules, tds_err_t *err);
apr_status_t tds_msg_rest_check(tds_msg_t *msg, const tds_msg_rules_t *rules, const tds_items_t *items,
                                tds_err_t *err);
apr_status_t tds_msg_not_json(tds_err_t *err, const char *why);

/* tds_ext.c: message extensions beyond what their rows say. */
void tds_ext_check(tds_ctx_t *ctx, const json_t *array, const tds_path_t *path);

/* tds_screen.c: a CRes about to be sent that shows a screen: nothing it needs is missing, nothing is there that does not
 * belong to its acsUiType. */
void tds_screen_check(tds_ctx_t *ctx);

/* tds_report.c: note an offender; a text that is not the path (202: the id). */
void tds_report(tds_ctx_t *ctx, int code, const tds_path_t *path);
void tds_report_text(tds_ctx_t *ctx, int code, tds_elem_e top, const char *text);
/* Those of another check. */
void tds_report_join(tds_ctx_t *ctx, const tds_offender_t *list);
/* "acctInfo.chAccAgeInd", in pool. */
const char *tds_path_text(const tds_path_t *path, apr_pool_t *pool);
/* The first class that has offenders, as one report; APR_SUCCESS when there are none. */
apr_status_t tds_report_finish(tds_ctx_t *ctx, tds_err_t *err);
/* names cut at the last comma within the limit of errorDetail, in pool. */
const char *tds_detail_cut(const char *names, apr_pool_t *pool);

/* tds_iso.c: 0 when the well-formed code is excluded or, as far as the rules can tell, not
 * assigned. */
int tds_iso_good(const tds_msg_rules_t *rules, int format, const char *code);

#endif
