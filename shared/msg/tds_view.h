/* What a message means, whatever its version calls it. An engine asks here instead of naming an element that only some
 * versions have, or have in another shape. Values are borrowed from the message. */
#ifndef TDS_VIEW_H
#define TDS_VIEW_H

#include "tds_msg.h"

/* ---- AReq ---------------------------------------------------------------- */

/* Does the requestor's challenge indicator (one text, in 2.3.1 up to two) say one of codes (NULL at the end)? Absent
 * counts as 01 (A-AREQ-35). */
int tds_view_asks(const tds_msg_t *areq, const char *const *codes);

/* threeDSRequestorDecReqInd: may this transaction be decoupled from the start (Y, in 2.3.1 also B)? May a challenge fall
 * back to it (F, B)? Absent counts as N. */
int tds_view_decoupled(const tds_msg_t *areq);
int tds_view_fallback(const tds_msg_t *areq);

/* browserJavascriptEnabled; 2.1.0 has no such element and takes it for granted. */
int tds_view_javascript(const tds_msg_t *areq);

/* The browser's first language: browserLanguage, in 2.3.1 else the first of acceptLanguage; NULL when not told. */
const char *tds_view_language(const tds_msg_t *areq);

/* For whoever gives elements of an AReq without knowing its version: set elem under the name, and in the shape (one, or an
 * array of them), that the version of areq has. Takes the reference to value. 0, or -1 when out of memory. What cannot be
 * brought into shape, several where one is allowed, is set as it is: the check will say so. */
int tds_view_put(tds_msg_t *areq, tds_elem_e elem, json_t *value);

/* ---- AReq, ARes, RReq ---------------------------------------------------- */

/* whiteListStatus(Source), from 2.3.1 on trustListStatus(Source) (N-21). NULL when absent. 2.1.0 has neither: reading
 * finds nothing, setting does nothing. */
typedef struct tds_listing_t {
    const char *status, *source;
} tds_listing_t;
tds_listing_t tds_view_trust_list(const tds_msg_t *msg);
int tds_view_set_trust_list(tds_msg_t *msg, const tds_listing_t *listing);

/* cardholderInfo: a text, from 2.3.1 on a text in an object. */
const char *tds_view_cardholder_info(const tds_msg_t *msg);
int tds_view_set_cardholder_info(tds_msg_t *msg, const char *text);

/* How the cardholder is, or was, authenticated: authenticationType, from 2.3.1 on authenticationMethod (A-ARES-06, R-17).
 * 0, or -1 when out of memory. */
typedef enum tds_auth_e {
    TDS_AUTH_PASSCODE,
    TDS_AUTH_SMS_OTP,
    TDS_AUTH_OTHER_OTP,
    TDS_AUTH_OOB,
    TDS_AUTH_DECOUPLED,
    TDS_AUTH_SPC /* 2.3.1 */
} tds_auth_e;
int tds_view_set_auth(tds_msg_t *msg, tds_auth_e how);

/* authenticationMethod of an RReq up to 2.2.0, for a DS that wants it beside authenticationType. */
int tds_view_set_method_code(tds_msg_t *rreq, tds_auth_e how);

/* ---- CReq ---------------------------------------------------------------- */

/* oobContinue: a boolean, from 2.3.1 on a code. */
typedef enum tds_oob_e { TDS_OOB_NONE, TDS_OOB_BUTTON, TDS_OOB_AUTOMATIC } tds_oob_e;
tds_oob_e tds_view_oob_continue(const tds_msg_t *creq);

/* The cardholder's answer to the trust list question, "Y" or "N": whitelistingDataEntry, from 2.3.1 on
 * trustListDataEntry. NULL: none. */
const char *tds_view_trust_list_entry(const tds_msg_t *creq);

/* ---- errorCode ----------------------------------------------------------- */

/* Faults whose errorCode depends on the version. */
typedef enum tds_fault_e {
    TDS_FAULT_RESERVED,   /* value reserved for EMVCo: 203, 207 */
    TDS_FAULT_DUPLICATE,  /* message or id seen before: 301, 312 */
    TDS_FAULT_RREQ_UNDUE, /* RReq though no challenge was agreed: 305, 313 */
    TDS_FAULT_CREQ_LATE,  /* CReq after the RReq: 305, 315 */
    TDS_FAULT_OVERLAP,    /* card ranges: 203, 205 */
    TDS_FAULT_ACTION      /* card range action that cannot be done: 203, 206 */
} tds_fault_e;
int tds_view_code(tds_ver_e version, tds_fault_e fault);

#endif
