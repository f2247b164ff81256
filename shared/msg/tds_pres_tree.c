#include "tds_pres_int.h"
#include "tds_json_scan.h"

#include <stdlib.h>
#include <apr_hash.h>
#include <apr_strings.h>

/* Events to values. What the tables know is kept, item by item; the rest is only looked through: for duplicates, whose
 * paths are reported, and for a hash, since items that differ in an unknown member only are not equal. */

#define PATH_NAME  2100   /* bytes of a name that a path is made of: more than an errorDetail takes */
#define TEXT_MAX   330000 /* a longer text is cut: it is too long for every element as it is (81920 characters) */
#define NUMBER_MAX 4096   /* a longer number counts as 0 */
#define VALUE_COST 256    /* bytes of a value beside its text, about */
#define LIST_MAX   4096   /* more duplicates than this many bytes are not listed */

#define FNV_START      14695981039346656037u
#define FNV_STEP(h, c) (((h) ^ (unsigned char)(c)) * 1099511628211u)

/* Names that the tables do not know, of one open object: a set of hashes with open addressing. */
typedef struct names_t {
    apr_uint64_t *slots; /* 0: free */
    unsigned size, used;
} names_t;

typedef struct frame_t {
    json_t *into;      /* being filled; NULL: looked through */
    int object, items; /* items: the array cardRangeData itself */
    int table;         /* tells the members to keep; 0: all. Of an array: that of its items */
    tds_elem_e elem;   /* of the member at hand; TDS_E_NONE: not known */
    int keep;          /* the member at hand, or the items, are kept */
    apr_uint64_t hash, name_hash;
    apr_uint64_t strange; /* of the members that were passed over */
    int nstrange;
    char *name; /* of the member at hand if elem is not known */
    apr_size_t name_cap;
    unsigned char seen[TDS_ELEM_END / 8 + 1];
    names_t names;
} frame_t;

struct tds_tree_t {
    tds_tree_item_fn *fn;
    tds_tree_versions_fn *versions_fn;
    unsigned versions; /* of the elements to keep */
    void *baton;
    apr_pool_t *pool;
    json_t *root, *array;
    json_t *item; /* the item being filled, if it is an object or array */
    int depth;    /* frames open */
    frame_t frames[TDS_JSON_DEPTH_MAX];
    apr_size_t root_cost, item_cost;
    unsigned names_used;
    char *text; /* of the string, number or name at hand */
    apr_size_t len, cap;
    apr_uint64_t text_hash;
    int in_text;
    apr_hash_t *listed;
    apr_size_t listed_len;
    const char *duplicates;
};

static apr_status_t tree_gone(void *baton)
{
    tds_tree_t *t = baton;
    int i;

    for (i = 0; i < TDS_JSON_DEPTH_MAX; ++i) {
        free(t->frames[i].names.slots);
        free(t->frames[i].name);
    }
    free(t->text);
    json_decref(t->item);
    json_decref(t->root);
    return APR_SUCCESS;
}

tds_tree_t *tds_tree_make(tds_tree_item_fn *fn, tds_tree_versions_fn *versions, void *baton, apr_pool_t *pool)
{
    tds_tree_t *t = apr_pcalloc(pool, sizeof(*t));

    t->fn = fn;
    t->versions_fn = versions;
    t->versions = ~0u;
    t->baton = baton;
    t->pool = pool;
    apr_pool_cleanup_register(pool, t, tree_gone, apr_pool_cleanup_null);
    return t;
}

json_t *tds_tree_root(const tds_tree_t *tree)
{
    return tree->root;
}

json_t *tds_tree_array(const tds_tree_t *tree)
{
    return tree->array;
}

const char *tds_tree_duplicates(const tds_tree_t *tree)
{
    return tree->duplicates;
}

/* ---- text in parts ----------------------------------------------------- */

static int text_add(tds_tree_t *t, const char *text, apr_size_t len)
{
    if (t->len > TEXT_MAX) return 1; /* cut: see TEXT_MAX */
    if (t->len + len + 1 > t->cap) {
        apr_size_t cap = (t->len + len + 1) * 2;
        char *more = realloc(t->text, cap);

        if (!more) return 0;
        t->text = more;
        t->cap = cap;
    }
    memcpy(t->text + t->len, text, len);
    t->len += len;
    t->text[t->len] = '\0';
    return 1;
}

static apr_uint64_t hash_bytes(apr_uint64_t h, const char *text, apr_size_t len)
{
    while (len--) {
        h = FNV_STEP(h, *text);
        ++text;
    }
    return h;
}

/* Two hashes to one, order counting. */
static apr_uint64_t mix(apr_uint64_t a, apr_uint64_t b)
{
    apr_uint64_t h = (a ^ (a >> 32)) * 0x9e3779b97f4a7c15u + b;

    h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9u;
    return h ^ (h >> 32);
}

/* ---- duplicates -------------------------------------------------------- */

static void names_drop(tds_tree_t *t, names_t *names)
{
    if (!names->used) return;
    t->names_used -= names->used;
    names->used = 0;
    if (names->size <= 256) {
        memset(names->slots, 0, names->size * sizeof(*names->slots));
        return;
    }
    free(names->slots);
    names->slots = NULL;
    names->size = 0;
}

static apr_uint64_t *names_slot(const names_t *names, apr_uint64_t hash)
{
    unsigned i = (unsigned)mix(hash, 1) & (names->size - 1);

    while (names->slots[i] && names->slots[i] != hash) i = (i + 1) & (names->size - 1);
    return &names->slots[i];
}

static int names_grow(names_t *names)
{
    names_t more = {NULL, names->size ? names->size * 2 : 16, names->used};
    unsigned i;

    more.slots = calloc(more.size, sizeof(*more.slots));
    if (!more.slots) return 0;
    for (i = 0; i < names->size; ++i)
        if (names->slots[i]) *names_slot(&more, names->slots[i]) = names->slots[i];
    free(names->slots);
    *names = more;
    return 1;
}

/* 1: it was there already, 0: it is new, -1: too many. */
static int names_put(tds_tree_t *t, names_t *names, apr_uint64_t hash)
{
    apr_uint64_t *slot;

    if (!hash) hash = 1;
    if (names->used * 2 >= names->size && !names_grow(names)) return -1;
    slot = names_slot(names, hash);
    if (*slot) return 1;
    if (t->names_used >= TDS_PRES_NAMES_MAX) return -1;
    *slot = hash;
    names->used++;
    t->names_used++;
    return 0;
}

static const char *frame_name(const frame_t *f)
{
    return f->elem ? tds_elem_name(f->elem) : f->name;
}

/* The member at hand of the innermost object is there for the second time: its path to the list, once. */
static void duplicate(tds_tree_t *t)
{
    const char *path = NULL, *name;
    int i;

    if (t->listed_len > LIST_MAX) return;
    for (i = 0; i < t->depth; ++i) {
        if (!t->frames[i].object) continue;
        name = apr_pstrndup(t->pool, tds_json_name_shown(frame_name(&t->frames[i])), PATH_NAME);
        path = path ? apr_pstrcat(t->pool, path, ".", name, NULL) : name;
    }
    if (!t->listed) t->listed = apr_hash_make(t->pool);
    if (!path || apr_hash_get(t->listed, path, APR_HASH_KEY_STRING)) return;
    apr_hash_set(t->listed, path, APR_HASH_KEY_STRING, path);
    t->duplicates = t->duplicates ? apr_pstrcat(t->pool, t->duplicates, ",", path, NULL) : path;
    t->listed_len += strlen(path) + 1;
}

/* ---- what is kept ------------------------------------------------------ */

/* A row of the table for the element, in one of the versions; NULL: none. */
static const tds_row_t *row_of(const tds_tree_t *t, int table, tds_elem_e elem)
{
    const tds_row_t *row = &tds_rows[tds_tables[table].row], *end = row + tds_tables[table].nrows;

    while (row < end && (row->elem != elem || !(row->vers & t->versions))) ++row;
    return row < end ? row : NULL;
}

/* The message is a PRes or an Erro; which, may be told at its end. */
static int known_here(const tds_tree_t *t, const frame_t *f, tds_elem_e elem)
{
    if (t->depth == 1) return row_of(t, TDS_MSG_PRES, elem) || row_of(t, TDS_MSG_ERRO, elem);
    return !f->table || row_of(t, f->table, elem);
}

/* The table of the objects in the member elem of table. All counts where the length of the text does. */
static int table_below(const tds_tree_t *t, int table, tds_elem_e elem)
{
    const tds_row_t *row = row_of(t, table, elem);
    const tds_val_t *val;

    if (!row) return 0;
    val = &tds_vals[row->val];
    if (val->max_total) return 0;
    if (val->items) val = &tds_vals[val->items];
    return tds_tables[val->table].flags & (TDS_TF_INFORMATIVE | TDS_TF_ANY_NAME) ? 0 : val->table;
}

/* Room in f for one more value of len bytes. */
static int afford(tds_tree_t *t, const frame_t *f, apr_size_t len)
{
    apr_size_t *cost = t->item ? &t->item_cost : &t->root_cost;

    if (f->items) return 1; /* it is gone as soon as it is there */
    *cost += VALUE_COST + len;
    return *cost <= TDS_PRES_KEEP_MAX;
}

/* ---- values ------------------------------------------------------------ */

static apr_status_t item_done(tds_tree_t *t, const json_t *item, apr_uint64_t hash)
{
    if (!json_array_size(t->array)) json_array_append_new(t->array, json_true());
    return t->fn(t->baton, item, hash);
}

/* A value of the container f is there: its hash, and itself unless it was put in at its beginning or passed over. */
static apr_status_t put(tds_tree_t *t, frame_t *f, json_t *value, apr_uint64_t hash)
{
    apr_status_t rv;

    if (!f->object) {
        f->hash = mix(f->hash, hash);
        if (!value) return APR_SUCCESS;
        if (!f->items) return json_array_append_new(f->into, value) ? APR_ENOMEM : APR_SUCCESS;
        rv = item_done(t, value, hash);
        json_decref(value);
        return rv;
    }
    hash = mix(f->name_hash, hash);
    f->hash += hash;
    if (!f->keep) {
        f->strange += hash;
        f->nstrange++;
    }
    if (!value) return APR_SUCCESS;
    if (f->elem) return json_object_set_new_nocheck(f->into, tds_elem_name(f->elem), value) ? APR_ENOMEM : APR_SUCCESS;
    return json_object_set_new_nocheck(f->into, f->name, value) ? APR_ENOMEM : APR_SUCCESS;
}

static int keep_here(const frame_t *f)
{
    return f->items || (f->into && f->keep);
}

/* An object or array begins. It is put into what is round it at once, and filled there. */
static apr_status_t begin(tds_tree_t *t, int object)
{
    frame_t *up = t->depth ? &t->frames[t->depth - 1] : NULL, *f = &t->frames[t->depth];
    json_t *made = NULL;
    int table = 0, items = 0;

    if (!up && !object) return APR_EINVAL;
    if (!up) {
        t->root = made = json_object();
    }
    else if (keep_here(up)) {
        if (!afford(t, up, 0)) return APR_ENOSPC;
        made = object ? json_object() : json_array();
        items = t->depth == 1 && up->elem == TDS_E_CARD_RANGE_DATA && !object;
        table = up->object ? table_below(t, t->depth == 1 ? (int)TDS_MSG_PRES : up->table, up->elem) : up->table;
        if (up->items)
            t->item = made;
        else if (up->object ? json_object_set_new_nocheck(up->into, frame_name(up), made)
                            : json_array_append_new(up->into, made))
            return APR_ENOMEM;
        if (items) {
            t->array = made;
            t->versions = t->versions_fn(t->baton);
        }
    }
    if (!made && (!up || keep_here(up))) return APR_ENOMEM;
    f->into = made;
    f->object = object;
    f->items = items;
    f->table = table;
    f->keep = !object;
    f->hash = f->strange = 0;
    f->nstrange = 0;
    f->elem = TDS_E_NONE;
    memset(f->seen, 0, sizeof(f->seen));
    t->depth++;
    return APR_SUCCESS;
}

static apr_status_t end(tds_tree_t *t)
{
    frame_t *f = &t->frames[--t->depth], *up = t->depth ? f - 1 : NULL;
    apr_uint64_t hash = mix(f->object ? 3 : 5, f->hash);
    json_t *item = t->item;
    apr_status_t rv;

    names_drop(t, &f->names);
    if (!up) return APR_SUCCESS;
    if (f->items) t->versions = ~0u;
    if (f->into && f->nstrange && t->depth > 1)
        json_object_set_new_nocheck(f->into, "", json_integer((json_int_t)f->strange));
    if (!up->items) return put(t, up, NULL, hash);
    t->item = NULL;
    t->item_cost = 0;
    rv = item_done(t, item, hash);
    json_decref(item);
    return rv;
}

static apr_status_t scalar(tds_tree_t *t, json_t *(*make)(void), int kind)
{
    frame_t *f = &t->frames[t->depth - 1];
    apr_uint64_t hash = mix(11, (apr_uint64_t)kind);

    if (!keep_here(f)) return put(t, f, NULL, hash);
    return afford(t, f, 0) ? put(t, f, make(), hash) : APR_ENOSPC;
}

static apr_status_t string(tds_tree_t *t, const char *text, apr_size_t len, apr_uint64_t hash)
{
    frame_t *f = &t->frames[t->depth - 1];
    json_t *value;

    hash = mix(7, hash);
    if (!keep_here(f)) return put(t, f, NULL, hash);
    if (!afford(t, f, len)) return APR_ENOSPC;
    value = json_stringn_nocheck(text, len);
    return value ? put(t, f, value, hash) : APR_ENOMEM;
}

static apr_status_t number(tds_tree_t *t)
{
    frame_t *f = &t->frames[t->depth - 1];
    json_t *value = tds_json_number(t->len < NUMBER_MAX ? t->text : "0");
    apr_uint64_t bits = 0, hash;
    double d = json_real_value(value);

    if (!value) return APR_ENOMEM;
    if (json_is_integer(value))
        bits = (apr_uint64_t)json_integer_value(value);
    else
        memcpy(&bits, &d, sizeof(d));
    hash = mix(json_is_integer(value) ? 13 : 17, bits);
    if (!keep_here(f) || !afford(t, f, 0)) {
        json_decref(value);
        return keep_here(f) ? APR_ENOSPC : put(t, f, NULL, hash);
    }
    return put(t, f, value, hash);
}

static json_t *boolean_true(void)
{
    return json_true();
}

static json_t *boolean_false(void)
{
    return json_false();
}

static json_t *null_value(void)
{
    return json_null();
}

static int name_keep(frame_t *f, const char *text, apr_size_t len)
{
    if (len + 1 > f->name_cap) {
        char *more = realloc(f->name, len + 64);

        if (!more) return 0;
        f->name = more;
        f->name_cap = len + 64;
    }
    memcpy(f->name, text, len);
    f->name[len] = '\0';
    return 1;
}

static apr_status_t name(tds_tree_t *t, const char *text, apr_size_t len, apr_uint64_t hash)
{
    frame_t *f = &t->frames[t->depth - 1];
    unsigned char bit;
    int twice;

    f->elem = tds_elem_find(text, len);
    f->name_hash = hash;
    f->keep = f->into && known_here(t, f, f->elem);
    if (f->elem) {
        bit = (unsigned char)(1u << (f->elem & 7));
        twice = f->seen[f->elem / 8] & bit;
        f->seen[f->elem / 8] |= bit;
    }
    else {
        if (!name_keep(f, text, len)) return APR_ENOMEM;
        if ((twice = names_put(t, &f->names, hash)) < 0) return APR_ENOSPC;
    }
    if (twice) duplicate(t);
    return APR_SUCCESS;
}

/* ---- events ------------------------------------------------------------ */

static apr_status_t text_event(tds_tree_t *t, tds_json_event_e event, const char *text, apr_size_t len, int last)
{
    if (!t->in_text) {
        t->in_text = 1;
        t->len = 0;
        t->text_hash = FNV_START;
    }
    t->text_hash = hash_bytes(t->text_hash, text, len);
    if (!last || t->len || event == TDS_JSON_NUMBER) {
        if (!text_add(t, text, len)) return APR_ENOMEM;
        text = t->text;
        len = t->len;
    }
    if (!last) return APR_SUCCESS;
    t->in_text = 0;
    if (event == TDS_JSON_NUMBER) return number(t);
    return event == TDS_JSON_NAME ? name(t, text, len, t->text_hash) : string(t, text, len, t->text_hash);
}

apr_status_t tds_tree_event(void *baton, tds_json_event_e event, const char *text, apr_size_t len, int last)
{
    tds_tree_t *t = baton;

    switch (event) {
    case TDS_JSON_OBJECT:
    case TDS_JSON_ARRAY:
        return begin(t, event == TDS_JSON_OBJECT);
    case TDS_JSON_OBJECT_END:
    case TDS_JSON_ARRAY_END:
        return end(t);
    case TDS_JSON_TRUE:
        return scalar(t, boolean_true, 1);
    case TDS_JSON_FALSE:
        return scalar(t, boolean_false, 2);
    case TDS_JSON_NULL:
        return scalar(t, null_value, 3);
    default:
        return text_event(t, event, text, len, last);
    }
}
