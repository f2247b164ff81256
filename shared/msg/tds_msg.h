/* The codec: bytes to message and back, for eleven message types and three versions, driven by
 * tables that are generated from the files in spec/. What we send passes the same tables as what we
 * receive.
 *
 *   receive:  tds_msg_decode(), or tds_msg_open() -> find the transaction -> tds_msg_check()
 *   send:     tds_msg_make(), tds_msg_set()..., tds_msg_encode()
 *   refuse:   tds_erro_make(), tds_msg_encode()
 *
 * Everything lives in the pool given; nothing needs to be freed. No function keeps state between
 * calls; a message is used by one thread at a time. No value of a message is ever put into a
 * tds_err_t. */
#ifndef TDS_MSG_H
#define TDS_MSG_H

#include "tds_err.h"
#include "tds_json.h"
#include "tds_elements.h"

typedef enum tds_msg_e {
    TDS_MSG_NONE = 0, /* not known */
    TDS_MSG_AREQ,
    TDS_MSG_ARES,
    TDS_MSG_CREQ,
    TDS_MSG_CRES,
    TDS_MSG_RREQ,
    TDS_MSG_RRES,
    TDS_MSG_PREQ,
    TDS_MSG_PRES,
    TDS_MSG_OREQ,
    TDS_MSG_ORES,
    TDS_MSG_ERRO,
    TDS_MSG_COUNT
} tds_msg_e;

typedef enum tds_ver_e { TDS_V_NONE = 0, TDS_V210, TDS_V220, TDS_V231, TDS_V_COUNT } tds_ver_e;

/* Device channel and message category as the tables know them; 0: not known (or not valid). */
enum { TDS_CHANNEL_APP = 1, TDS_CHANNEL_BRW = 2, TDS_CHANNEL_3RI = 3 };
enum { TDS_CATEGORY_PA = 1, TDS_CATEGORY_NPA = 2 };

/* The link a message travels on; some elements are there on one link only. */
typedef enum tds_leg_e {
    TDS_LEG_NONE = 0, /* not told: what depends on the link is optional */
    TDS_LEG_SERVER_DS,
    TDS_LEG_DS_ACS,
    TDS_LEG_ACS_DS,
    TDS_LEG_DS_SERVER,
    TDS_LEG_REQUESTOR_ACS,
    TDS_LEG_ACS_REQUESTOR
} tds_leg_e;

#define TDS_MSG_BIT(type) (1u << (type)) /* TDS_MSG_BIT(TDS_MSG_AREQ) | ... */
#define TDS_VER_BIT(ver)  (1u << (ver))

/* One fact about an earlier message of the transaction: "AReq.deviceChannel was 02". A transaction
 * record keeps these rows, not the messages. An element that holds several values has a row for
 * each; a boolean is "true" or "false"; for a text of which only presence counts any non-empty
 * value will do. Facts the tables and rules read: tds_prior_wanted(). A plain messageCategory or
 * deviceChannel, where a message has none itself, is that of the AReq. */
typedef struct tds_prior_t {
    tds_msg_e msg;
    tds_elem_e elem;
    const char *value;
} tds_prior_t;

/* A DS-defined value (80-99) that the tables do not list: 1 accept, 0 refuse (203, in 2.3.1 207).
 * path: as errorDetail writes it. */
typedef int tds_ds_value_fn(void *baton, const char *path, const char *value);

/* Is a well-formed code assigned? kind: TDS_ISO_. 1 yes, 0 no (304). */
enum { TDS_ISO_COUNTRY = 1, TDS_ISO_CURRENCY = 2, TDS_ISO_CURRENCY_ALPHA = 3 };
typedef int tds_iso_fn(void *baton, int kind, const char *code);

/* Settings with a documented default (0). */
#define TDS_RULE_STRICT_CONDITION                                                                  \
    0x1u                           /* an element whose condition does not hold, yet is there: 203 */
#define TDS_RULE_LAX_ABSENT   0x2u /* tolerate what a table wants left out (purchaseInstalData) */
#define TDS_RULE_LAX_EXPONENT 0x4u /* do not compare currency and exponent */

/* What is expected of a message at this place. All zero except what you set: zero is "no demand".
 */
typedef struct tds_msg_rules_t {
    unsigned accept;   /* TDS_MSG_BIT of the types allowed here; 0: all. Others that exist: 101 */
    unsigned versions; /* TDS_VER_BIT of the active versions; 0: all. Others: 102 with the list */
    tds_ver_e version_must; /* version of the transaction: another one is 203 messageVersion */
    tds_leg_e leg;
    const tds_prior_t *prior;
    int nprior;
    const char *const
        *extensions; /* ids of the message extensions we process, NULL at the end; may be NULL */
    tds_ds_value_fn
        *ds_value;   /* NULL: accept, but never for deviceChannel, messageCategory, acsUiType */
    tds_iso_fn *iso; /* NULL: only format and excluded codes are checked */
    void *baton;     /* for both functions */
    unsigned flags;  /* TDS_RULE_ */
} tds_msg_rules_t;

typedef struct tds_msg_t {
    tds_msg_e type;    /* TDS_MSG_NONE: not a defined type */
    tds_ver_e version; /* TDS_V_NONE: not a defined version */
    int channel;       /* TDS_CHANNEL_, known after the check */
    int category;      /* TDS_CATEGORY_, known after the check */
    json_t *root;      /* the whole object, with what was sent along */
    apr_pool_t *pool;
    const char *duplicates;         /* paths of members sent twice (204), or NULL */
    json_t *elem[TDS_ELEM_TOP_END]; /* top-level members by id. After the check those that do not
                                     * apply to the version, channel, category, link or variant are
                                     * NULL: they count as not sent */
} tds_msg_t;

/* ---- receiving --------------------------------------------------------- */

/* Parse and check: tds_msg_open() and tds_msg_check(). */
apr_status_t tds_msg_decode(tds_msg_t **pmsg, const char *bytes, apr_size_t len,
                            const tds_msg_rules_t *rules, apr_pool_t *pool, tds_err_t *err);

/* First half, enough to find the transaction: JSON (101), messageType (201, 101), messageVersion
 * (201, 102, 203 when it is not version_must). Elements are not checked yet: test an id with
 * tds_msg_id() before use.
 *
 * On a fault APR_EINVAL with err->proto = the EMV errorCode, err->elements = the errorDetail (NULL
 * where there is none) and err->detail for people. *pmsg is set whenever the text was a JSON
 * object, whatever is wrong with it, so that ids can be echoed and an Erro be recognised (type is
 * TDS_MSG_ERRO: never answer it); else NULL. */
apr_status_t tds_msg_open(tds_msg_t **pmsg, const char *bytes, apr_size_t len,
                          const tds_msg_rules_t *rules, apr_pool_t *pool, tds_err_t *err);

/* Second half; once per message. One report, first failing class of: version_must 203, duplicates
 * 204, missing 201, format and value 203, reserved value 207, critical extension 202, country and
 * currency 304. All offenders of the class, in message order (missing ones: in table order), cut at
 * 2048 characters between names. Faults as in tds_msg_open(). Not done here: ids against the
 * transaction, see tds_msg_match(). */
apr_status_t tds_msg_check(tds_msg_t *msg, const tds_msg_rules_t *rules, tds_err_t *err);

/* Compare elements of msg with what they must be: rows.value by rows.elem (rows.msg is not looked
 * at). UUIDs are equal in either case. A row whose element msg lacks is passed over: presence is
 * the tables' affair. So is a row without a value: what the transaction does not know cannot
 * differ. APR_EINVAL with proto (301 or 203, as the caller says) and the names that differ. */
apr_status_t tds_msg_match(const tds_msg_t *msg, const tds_prior_t *rows, int n, int proto,
                           tds_err_t *err);

/* An object that travels outside a message but has a table: threeDSMethodData, browserForm, acsSignedContentBody,
 * sdkServerSignedContentBody. Members are judged as those of a message; faults as in tds_msg_check(), APR_ENOENT when that
 * version has no such object. rules may be NULL. */
apr_status_t tds_object_check(const char *name, tds_ver_e version, const json_t *object, const tds_msg_rules_t *rules,
                              apr_pool_t *pool, tds_err_t *err);

/* ---- reading ----------------------------------------------------------- */

/* Text of a top-level element; "true" or "false" for a boolean; NULL when absent, empty or neither.
 */
const char *tds_msg_get(const tds_msg_t *msg, tds_elem_e elem);

/* A transaction id that has the shape of one, else NULL. */
const char *tds_msg_id(const tds_msg_t *msg, tds_elem_e elem);

/* For whoever has to know an id before the rest of the message is checked: 201 when it is missing, 203 when it is no UUID,
 * which another JSON type is not (F-02, F-06). */
apr_status_t tds_msg_id_check(const tds_msg_t *msg, tds_elem_e elem, tds_err_t *err);

/* Borrowed; NULL when absent. */
const json_t *tds_msg_get_json(const tds_msg_t *msg, tds_elem_e elem);

/* By specification name, nested ones dotted: "acctInfo.chAccAgeInd". In an array of objects the
 * first item that has the member counts; of an array of texts the first text. NULL when absent. */
const char *tds_msg_get_path(const tds_msg_t *msg, const char *path);
const json_t *tds_msg_get_json_path(const tds_msg_t *msg, const char *path);

/* 1 when some version of the message type defines this element (dotted for members). */
int tds_path_defined(tds_msg_e type, const char *path);

/* Rows for the facts of msg that later messages are judged by, into rows (at most max). Returns
 * their number. The values are those of msg, not copied. */
int tds_msg_prior(const tds_msg_t *msg, tds_prior_t *rows, int max);

/* The n-th fact that some table or rule reads, value NULL; 0 when there is no n-th. */
int tds_prior_wanted(int n, tds_prior_t *row);

/* ---- writing ----------------------------------------------------------- */

/* A message with messageType and messageVersion. type and version must be real ones. */
tds_msg_t *tds_msg_make(tds_msg_e type, tds_ver_e version, apr_pool_t *pool);

/* Set a top-level element; NULL or "" sets nothing, since a sender leaves out what it has no data
 * for. 0, or -1 when out of memory or text is not UTF-8. A second set replaces the first. */
int tds_msg_set(tds_msg_t *msg, tds_elem_e elem, const char *text);
int tds_msg_set_bool(tds_msg_t *msg, tds_elem_e elem, int value);

/* Takes the reference to value, also when it fails. NULL sets nothing. */
int tds_msg_set_json(tds_msg_t *msg, tds_elem_e elem, json_t *value);

/* Copy an element as it is from another message (an echo); nothing when it is absent there. */
int tds_msg_copy(tds_msg_t *msg, const tds_msg_t *from, tds_elem_e elem);

/* Compact text, NUL-terminated, in pool, after the check a careful receiver would do, and stricter:
 * no empty text, null, or element that the version does not know, that does not apply or that the
 * link leaves out; a CRes with a screen has all that SDKs insist on, and nothing of another
 * acsUiType (P-06 to P-08). APR_EGENERAL when the message is not fit to be sent: err->proto, err->elements
 * say what a receiver would have objected to. That is our own fault or that of who gave us the
 * data: never send it to the peer as an Erro. Used of the rules: leg, prior, extensions, ds_value,
 * iso, flags. rules may be NULL. */
apr_status_t tds_msg_encode(const char **bytes, apr_size_t *len, tds_msg_t *msg,
                            const tds_msg_rules_t *rules, apr_pool_t *pool, tds_err_t *err);

/* ---- Erro -------------------------------------------------------------- */

typedef struct tds_erro_t {
    char component;          /* C, S, D, A */
    const tds_err_t *err;    /* proto and elements; proto 0 becomes 403 */
    const tds_msg_t *faulty; /* what *pmsg held; NULL: could not be read */
    unsigned versions;       /* active versions, as in the rules */
    tds_ver_e version;       /* of the transaction, if known; else 0 */
    const char *server_trans_id, *ds_trans_id, *acs_trans_id,
        *sdk_trans_id; /* of the transaction, or NULL */
} tds_erro_t;

/* An Erro that is always valid: version of the faulty message if active, else that of the
 * transaction, else the highest active one; ids of the faulty message unless malformed or sent
 * twice, the rest from the transaction; a fixed text where the code has no detail. errorDescription
 * names both versions where that of the message is not that of the transaction. */
tds_msg_t *tds_erro_make(const tds_erro_t *in, apr_pool_t *pool);

/* A short fixed text for an errorCode. */
const char *tds_erro_text(int code);

/* ---- names ------------------------------------------------------------- */

/* "acctNumber"; NULL for an id that is none. */
const char *tds_elem_name(tds_elem_e elem);

/* TDS_E_NONE when no message or object has such a name. */
tds_elem_e tds_elem_find(const char *name, apr_size_t len);

/* May a message of that type say that code for an element of its own, in that version? Those left to the Directory Server
 * count as known. */
int tds_code_known(tds_msg_e type, tds_elem_e elem, tds_ver_e version, const char *code);

/* How a log may show the value. */
typedef enum tds_elem_mask_e {
    TDS_MASK_PLAIN,
    TDS_MASK_PAN,
    TDS_MASK_SECRET,
    TDS_MASK_PERSONAL
} tds_elem_mask_e;
tds_elem_mask_e tds_elem_mask(tds_elem_e elem);

/* "AReq"; "" for TDS_MSG_NONE. TDS_MSG_NONE when there is no such type. */
const char *tds_msg_type_text(tds_msg_e type);
tds_msg_e tds_msg_type_find(const char *name);

/* "2.2.0"; "" for TDS_V_NONE. TDS_V_NONE when it is not a defined version. */
const char *tds_ver_text(tds_ver_e version);
tds_ver_e tds_ver_parse(const char *text);

/* Highest version of a mask (0: of all); the mask as errorDetail of 102 lists it: "2.1.0,2.2.0". */
tds_ver_e tds_ver_highest(unsigned versions);
const char *tds_versions_text(unsigned versions, apr_pool_t *pool);

/* The mask of "2.1.0 2.3.1" or "2.1.0-2.2.0": versions and spans of active ones, parted by blanks or commas. 0: *bad is the
 * word that is neither, "" when there is none at all. */
unsigned tds_versions_parse(const char *text, const char **bad, apr_pool_t *pool);

/* The codes that iso-codes knew when this was built: a tds_iso_fn without a baton. */
int tds_iso_assigned(void *baton, int kind, const char *code);

/* Minor units of an ISO 4217 numeric currency, or -1 when it has none or is not known here. */
int tds_currency_exponent(const char *code);

/* "978" to "EUR"; NULL when not known here. */
const char *tds_currency_alpha(const char *code);

#endif
