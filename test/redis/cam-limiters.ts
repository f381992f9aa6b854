import type { ExecutionContext } from 'ava';
import { createRedisLimiter, type RedisLimiter, type RedisLimiterOptions } from 'kvs-archive/redis';
import { between } from '../helpers/media/range.js';
import { testWith } from '../helpers/needs.js';
import type { TestRedis } from '../helpers/store/redis.js';

/** Declares tests that start a Redis. */
export const withRedis = testWith('redis-server');

/** All that the recordings of the tests hold. */
export const range = between(0, 60_000);

/** Makes limiters of `cam`, each as a process of its own would. */
export function limitersOf(t: ExecutionContext, { url }: TestRedis) {
	return (options: Partial<RedisLimiterOptions> = {}): RedisLimiter => {
		const limiter = createRedisLimiter({ url, key: 'cam', ...options });
		t.teardown(() => limiter.close());
		return limiter;
	};
}
