#!/bin/sh
exec "$(dirname "$0")/with-cluster.sh" tests/unit/test_store_redis
