/* A process that takes the place of `cam/default` in the Redis or the table of its first argument, saves once, and says what comes of it. */
import { DynamoCheckpoints } from 'kvs-archive/dynamodb';
import { RedisCheckpoints } from 'kvs-archive/redis';

const [, , place = '', lease = ''] = process.argv;
const leaseMs = Number(lease);
const store = place.startsWith('redis:')
	? new RedisCheckpoints({ url: place, leaseMs })
	: new DynamoCheckpoints({ table: place, leaseMs });
// It lives for as long as its parent is connected: the place alone does not keep it alive.
process.on('message', () => {});
store.lost.addEventListener('abort', () => {
	process.send?.((store.lost.reason as { code: string }).code);
	process.disconnect();
	void store.close();
});
await store.load('cam/default');
await store.save('cam/default', { version: 1, key: 'cam/default', fromMs: 7, done: { '7': 7 } });
process.send?.('held');
