import { join } from 'node:path';
import { verifyRecordings } from 'kvs-archive';
import { RedisCheckpoints } from 'kvs-archive/redis';
import { allTimesIn, recordingsIn, startRecorded } from '../helpers/files/record-run.js';
import { testWith } from '../helpers/needs.js';
import { startRedis } from '../helpers/store/redis.js';

testWith('redis-server')(
	'with a checkpoint in Redis that is older, or lost, nothing is recorded twice',
	async (t) => {
		const redis = await startRedis(t);
		const { put, recordAll, directory } = await startRecorded(t);
		const checkpoint = (): RedisCheckpoints => new RedisCheckpoints({ url: redis.url });
		const first = await put(1, 2);
		await recordAll({ checkpoint: checkpoint() });
		const [key = ''] = await redis.client.keys('*');
		const older = await redis.client.hgetall(key);
		const second = await put(3);
		await recordAll({ checkpoint: checkpoint() });
		t.deepEqual(
			(await allTimesIn(directory)).flat(),
			[1000, 1040, 2000, 2040, 999_999_000, 999_999_040, 3000, 3040],
		);

		await redis.client.hset(key, older);
		const third = await put(4);
		await recordAll({ checkpoint: checkpoint() });
		await redis.client.flushall();
		const fourth = await put(5);
		await recordAll({ checkpoint: checkpoint() });
		const recorded = new Set((await recordingsIn(directory)).flatMap(({ fragments }) => fragments));
		for (const number of [first, second, third, fourth].flat()) t.true(recorded.has(number), number);
		t.deepEqual((await verifyRecordings(directory)).damage, []);

		// Another directory goes on where the checkpoint is.
		await put(6);
		const other = join(directory, '..', 'other');
		await recordAll({ checkpoint: checkpoint() }, other);
		t.deepEqual((await allTimesIn(other)).flat(), [999_999_000, 999_999_040, 6000, 6040]);
	},
);
