/* The decision: facts in, outcome out. No I/O. */
#include <stdlib.h>
#include <string.h>
#include <apr_strings.h>
#include "acs_hook.h"

static int is(const tds_msg_t *areq, tds_elem_e elem, const char *value)
{
    const char *have = tds_msg_get(areq, elem);

    return have && !strcmp(have, value);
}

static const acs_outcome_t *in_case(const acs_facts_t *facts, acs_case_e which)
{
    return acs_case_outcome(facts->ds, which);
}

/* ---- before the rules ----------------------------------------------------- */

/* A-AREQ-15, A-3RI-02: card and issuer themselves may settle it. */
static const acs_outcome_t *settled(const acs_facts_t *facts)
{
    if (is(facts->areq, TDS_E_DEVICE_CHANNEL, "03") && !facts->issuer->offers_3ri) return in_case(facts, ACS_CASE_NO_3RI);
    if (is(facts->areq, TDS_E_MESSAGE_CATEGORY, "02") && !facts->issuer->offers_npa) return in_case(facts, ACS_CASE_NO_NPA);
    if (facts->bad_prior) return in_case(facts, ACS_CASE_BAD_PRIOR);
    if (facts->instead) return facts->instead;
    if (facts->card.status == ACS_CARD_UNKNOWN) return in_case(facts, ACS_CASE_UNKNOWN_CARD);
    if (facts->card.status == ACS_CARD_NOT_ENROLLED) return in_case(facts, ACS_CASE_NOT_ENROLLED);
    return facts->card.status == ACS_CARD_BLOCKED ? in_case(facts, ACS_CASE_BLOCKED_CARD) : NULL;
}

/* ---- decoupled ------------------------------------------------------------ */

/* A-DEC-01: minutes, padded or not. */
static apr_interval_time_t time_asked(const tds_msg_t *areq)
{
    const char *minutes = tds_msg_get(areq, TDS_E_THREE_DS_REQUESTOR_DEC_MAX_TIME);

    return minutes ? apr_time_from_sec(60 * strtol(minutes, NULL, 10)) : 0;
}

static int may_be_decoupled(const acs_facts_t *facts)
{
    return facts->areq->version >= TDS_V220 && tds_view_decoupled(facts->areq) && facts->issuer->hooks[ACS_HOOK_DECOUPLED] &&
           facts->ds_url;
}

/* D, or what stands in its place. */
static const acs_outcome_t *decoupled(acs_run_t *run, const acs_facts_t *facts, acs_decision_t *d)
{
    static const acs_outcome_t yes = {"D", NULL, NULL};

    if (!facts->ds_url) return in_case(facts, ACS_CASE_NO_DS_URL);
    if (!may_be_decoupled(facts)) return in_case(facts, ACS_CASE_NEEDS_DECOUPLED);
    if (!acs_hook_open(run, facts->issuer, ACS_HOOK_DECOUPLED)) return facts->issuer->hooks[ACS_HOOK_DECOUPLED]->outcome;
    d->limit = time_asked(facts->areq);
    if (d->limit < facts->issuer->decoupled_min) return in_case(facts, ACS_CASE_LITTLE_TIME);
    d->how = TDS_AUTH_DECOUPLED;
    return &yes;
}

/* ---- challenge ------------------------------------------------------------ */

/* Can the issuer do it, and for this cardholder? */
static int can(acs_run_t *run, const acs_facts_t *facts, acs_cha_e cha)
{
    const acs_issuer_t *issuer = facts->issuer;

    if (issuer->methods && !acs_cha_listed(issuer->methods, cha)) return 0;
    if (cha == ACS_CHA_SPC) return acs_spc_can(facts);
    if (cha == ACS_CHA_DELEGATE) return acs_hook_open(run, issuer, ACS_HOOK_DELEGATE);
    if (cha == ACS_CHA_OOB)
        return acs_hook_open(run, issuer, ACS_HOOK_OOB) ||
               (issuer->hooks[ACS_HOOK_OOB] && issuer->hooks[ACS_HOOK_OOB]->fallback == ACS_FALLBACK_AGAIN);
    return issuer->otp_delivery && (facts->card.phone || facts->card.email);
}

/* The methods of the card, else those of the issuer, in order. */
static const char *preferred(const acs_facts_t *facts)
{
    const char *list = facts->card.methods ? facts->card.methods : facts->issuer->methods;

    return list ? list : "otp";
}

/* The first of the list that can be done and is not the one left out. */
static acs_cha_e pick(acs_run_t *run, const acs_facts_t *facts, const char *list, acs_cha_e out)
{
    const char *at = list;

    while (*at) {
        apr_size_t n = strcspn(at, " ");
        acs_cha_e cha = acs_cha_named(at, n);

        if (cha < ACS_CHA_COUNT && cha != out && can(run, facts, cha)) return cha;
        at += n;
        while (*at == ' ') ++at;
    }
    return ACS_CHA_COUNT;
}

/* C, or what stands in its place (section 2.3). */
static const acs_outcome_t *challenge(acs_run_t *run, const acs_facts_t *facts, const acs_outcome_t *want, acs_decision_t *d)
{
    static const char *const data_share[] = {"06", NULL};
    static const acs_outcome_t yes = {"C", NULL, NULL};

    if (tds_view_asks(facts->areq, data_share)) return in_case(facts, ACS_CASE_NO_CHALLENGE);
    if (is(facts->areq, TDS_E_DEVICE_CHANNEL, "03")) {
        if (facts->issuer->hooks[ACS_HOOK_DECOUPLED]) return decoupled(run, facts, d);
        return in_case(facts, ACS_CASE_NO_3RI);
    }
    if (!is(facts->areq, TDS_E_DEVICE_CHANNEL, "02")) /* A-AREQ-31: no challenge in an app */
        return may_be_decoupled(facts) ? decoupled(run, facts, d) : in_case(facts, ACS_CASE_NO_DEVICE);
    if (!facts->ds_url) return in_case(facts, ACS_CASE_NO_DS_URL);
    d->cha = pick(run, facts, want->method ? want->method : preferred(facts), ACS_CHA_COUNT);
    if (d->cha == ACS_CHA_COUNT) return in_case(facts, ACS_CASE_NO_METHOD);
    d->other = d->cha == ACS_CHA_SPC ? pick(run, facts, preferred(facts), ACS_CHA_SPC) : ACS_CHA_COUNT;
    d->how = acs_cha_auth(d->cha);
    return &yes;
}

/* ---- the whole ------------------------------------------------------------ */

/* What the protocol makes of a wish. */
static const acs_outcome_t *allowed(acs_run_t *run, const acs_facts_t *facts, const acs_outcome_t *want, acs_decision_t *d)
{
    static const char *const informational[] = {"05", "06", "07", NULL};

    switch (*want->trans_status) {
    case 'C':
        return challenge(run, facts, want, d);
    case 'D':
        return decoupled(run, facts, d);
    case 'S':
        if (facts->no_spc) return in_case(facts, ACS_CASE_FAULT);
        return facts->ds_url ? want : in_case(facts, ACS_CASE_NO_DS_URL);
    case 'A':
        return facts->ds->attempts ? want : in_case(facts, ACS_CASE_NO_ATTEMPTS);
    case 'I':
        if (facts->areq->version >= TDS_V220 && (facts->ds->informational || tds_view_asks(facts->areq, informational)))
            return want;
        return in_case(facts, ACS_CASE_NO_INFORMATION);
    default:
        return want;
    }
}

acs_decision_t acs_decide(acs_run_t *run, const acs_facts_t *facts)
{
    static const acs_outcome_t authenticated = {"Y", NULL, NULL};
    static const acs_outcome_t failed = {"N", "01", NULL}; /* N-13: C, where the rules want it, or N; never an Erro */
    acs_decision_t d = {.how = TDS_AUTH_SMS_OTP};
    const acs_outcome_t *want = settled(facts);

    if (!want) {
        d.rule = run->match(run->baton, facts, run->pool);
        want = d.rule ? d.rule->outcome : in_case(facts, ACS_CASE_FAULT);
    }
    if (facts->spc == ACS_SPC_GOOD && strchr("CS", *want->trans_status)) { /* N-13: that was the challenge */
        want = &authenticated;
        d.how = TDS_AUTH_SPC;
    }
    d.outcome = *allowed(run, facts, facts->spc == ACS_SPC_BAD && strchr("YASI", *want->trans_status) ? &failed : want, &d);
    return d;
}
