/* Reads a range again and again with the quotas that are shared in a Redis; says when it begins, and what went wrong. */
import { KvsArchive } from '../../dist/index.js';
import { createRedisLimiter } from '../../dist/redis/index.js';

const [, , endpoint, redis, from, to] = process.argv;
const limiter = createRedisLimiter({ url: redis, onUnreachable: ({ message }) => process.send({ message }) });
const archive = new KvsArchive({ streamName: 'cam', endpoint, limiter });
process.send({ message: null });
for (;;) {
	const events = archive.events({ from: Number(from), to: Number(to), by: 'producer' });
	for await (const _ of events.batches());
	const { isComplete, failures } = await events.summary;
	if (!isComplete) process.send({ message: JSON.stringify(failures) });
}
