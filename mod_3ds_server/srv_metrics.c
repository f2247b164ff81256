#include "srv_metrics.h"

const tds_metric_row_t srv_metric_rows[SRV_M_COUNT] = {
#define C(id, name, labels, help) [SRV_M_##id] = {name, labels, help},
#include "srv_metrics.def"
#undef C
};
