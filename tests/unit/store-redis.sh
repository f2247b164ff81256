#!/bin/sh
exec "$(dirname "$0")/with-redis.sh" tests/unit/test_store_redis
