/* A process that takes all five connections of the key of its second argument, in the Redis of its first, and says when one is lost. */
import { createRedisLimiter } from 'kvs-archive/redis';

const [, , url = '', key = ''] = process.argv;
const limiter = createRedisLimiter({ url, key });
// It lives for as long as its parent is connected: permits alone do not keep it alive.
process.on('message', () => {});
const permits = await Promise.all(Array.from({ length: 5 }, () => limiter.acquire({ connections: 1 })));
for (const { lost } of permits) {
	lost?.addEventListener('abort', () => process.send?.((lost.reason as { code: string }).code));
}
process.send?.('held');
