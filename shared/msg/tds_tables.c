#include "tds_msg_int.h"

/* The generated tables, and finding one's way in them. */

const tds_row_t tds_rows[] = {
#define O TDS_INC_O
#define R TDS_INC_R
#define C TDS_INC_C
#define U(e, vers, chan, cat, var, pa, npa, unk, must, cut, when, absent, cross, ncross, val,      \
          sure)                                                                                    \
    {TDS_E_##e, vers, chan, cat,    var,   {pa, npa, unk}, must,                                   \
     cut,       sure, when, absent, cross, ncross,         val},
#include "tds_usage.def"
#undef U
#undef O
#undef R
#undef C
};

const uint16_t tds_cross[] = {
#define X(cond) cond,
#include "tds_usage.def"
#undef X
};

const tds_table_t tds_tables[] = {
    {"", 0, 0, 0, 0, {0, 0, 0, 0}},
#define T(name, vers, row, nrows, flags, ...) {#name, vers, row, nrows, flags, {0, __VA_ARGS__}},
#include "tds_usage.def"
#undef T
};

const int tds_ntables = sizeof(tds_tables) / sizeof(tds_tables[0]);

const tds_val_t tds_vals[] = {
#define V(n, types, fmt, pat, flags, ...)                                                          \
    [n] = {types, TDS_F_##fmt, TDS_P_##pat, flags, __VA_ARGS__},
#include "tds_values.def"
#undef V
};

const char *const tds_codes[] = {
#define CODES(n, list) [n] = (list),
#include "tds_codes.def"
#undef CODES
};

const tds_reserved_t tds_reserved[] = {
#define RESERVED(from, to, digits, use) {from, to, digits, TDS_RESERVED_##use},
#include "tds_codes.def"
#undef RESERVED
};

const tds_prior_t tds_wanted[] = {
#define C(n, x)
#define P(msg, elem) {TDS_MSG_##msg, TDS_E_##elem, NULL},
#include "tds_conds.def"
#undef P
#undef C
};
const int tds_nwanted = sizeof(tds_wanted) / sizeof(tds_wanted[0]);

static const char *const names[] = {
    NULL,
#define E(id, name, mask) name,
#include "tds_elements.def"
#undef E
};

static const unsigned char masks[] = {
    TDS_MASK_PLAIN,
#define E(id, name, mask) TDS_MASK_##mask,
#include "tds_elements.def"
#undef E
};

static const uint16_t hash_disp[128] = {
#define TDS_HASH_DISP
#include "tds_names.def"
#undef TDS_HASH_DISP
};

static const uint16_t hash_slots[512] = {
#define TDS_HASH_SLOTS
#include "tds_names.def"
#undef TDS_HASH_SLOTS
};

#define FNV_START      2166136261u
#define FNV_STEP(h, c) (((h) ^ (unsigned char)(c)) * 16777619u)

static tds_elem_e slot_of(uint32_t h)
{
    return (tds_elem_e)hash_slots[((h ^ hash_disp[h & 127] * 0x9e3779b1u) * 0x85ebca6bu) >> 23];
}

tds_elem_e tds_elem_find_z(const char *name)
{
    uint32_t h = FNV_START;
    const char *p;
    tds_elem_e e;

    for (p = name; *p; ++p)
        h = FNV_STEP(h, *p);
    e = slot_of(h);
    return e && !strcmp(names[e], name) ? e : TDS_E_NONE;
}

tds_elem_e tds_elem_find(const char *name, apr_size_t len)
{
    uint32_t h = FNV_START;
    apr_size_t i;
    tds_elem_e e;

    for (i = 0; i < len; ++i)
        h = FNV_STEP(h, name[i]);
    e = slot_of(h);
    return e && !strncmp(names[e], name, len) && !names[e][len] ? e : TDS_E_NONE;
}

const char *tds_elem_name(tds_elem_e elem)
{
    return elem > TDS_E_NONE && elem < TDS_ELEM_END ? names[elem] : NULL;
}

tds_elem_mask_e tds_elem_mask(tds_elem_e elem)
{
    return elem > TDS_E_NONE && elem < TDS_ELEM_END ? (tds_elem_mask_e)masks[elem] : TDS_MASK_PLAIN;
}

int tds_list_has(const char *list, const char *text, apr_size_t len)
{
    const char *p = list;

    for (;;) {
        apr_size_t i = 0;

        while (*p == ',') ++p;
        if (!*p) return 0;
        while (i < len && p[i] && p[i] != ',' && p[i] == text[i]) ++i;
        if (i == len && len && (!p[i] || p[i] == ',')) return 1;
        for (p += i; *p && *p != ','; ++p) continue;
    }
}

int tds_prior_wanted(int n, tds_prior_t *row)
{
    if (n < 0 || n >= tds_nwanted) return 0;
    *row = tds_wanted[n];
    return 1;
}

/* A row of the table for the name, any version; NULL when there is none. */
static const tds_row_t *row_named(const tds_table_t *t, const char *name, apr_size_t len)
{
    tds_elem_e e = tds_elem_find(name, len);
    int i;

    for (i = 0; e && i < t->nrows; ++i)
        if (tds_rows[t->row + i].elem == e) return &tds_rows[t->row + i];
    return NULL;
}

/* Several rows of one name may lead to different objects (or to none in some version): try all. */
static int defined_in(const tds_table_t *t, const char *path)
{
    const char *dot = strchr(path, '.');
    apr_size_t len = dot ? (apr_size_t)(dot - path) : strlen(path);
    const tds_row_t *row = row_named(t, path, len), *end = tds_rows + t->row + t->nrows;
    int elem = row ? row->elem : 0;

    if (!row || !dot) return row != NULL;
    for (; row < end; ++row) {
        const tds_val_t *val = &tds_vals[row->val];

        if (row->elem != elem) continue;
        if (val->items) val = &tds_vals[val->items];
        if (val->table && defined_in(&tds_tables[val->table], dot + 1)) return 1;
    }
    return 0;
}

int tds_path_defined(tds_msg_e type, const char *path)
{
    return type > TDS_MSG_NONE && type < TDS_MSG_COUNT && defined_in(&tds_tables[type], path);
}
