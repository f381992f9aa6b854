/* A process that takes the place of `cam/default` in the Redis of its first argument, saves once, and says what comes of it. */
import { RedisCheckpoints } from 'kvs-archive/redis';

const [, , url = '', leaseMs = ''] = process.argv;
const store = new RedisCheckpoints({ url, leaseMs: Number(leaseMs) });
store.lost.addEventListener('abort', () => {
	process.send?.((store.lost.reason as { code: string }).code);
	process.disconnect();
	void store.close();
});
await store.load('cam/default');
await store.save('cam/default', { version: 1, key: 'cam/default', fromMs: 7, done: { '77': 77 } });
process.send?.('held');
