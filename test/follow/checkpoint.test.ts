import test from 'ava';
import { type Checkpoint, CheckpointKeeper } from '#lib/follow/checkpoint.js';

/** As the service's are: 47 digits. */
const FIRST_NUMBER = 91343852333181432392682062607743920146159169392n;

test('a checkpoint holds two minutes of fragments, however long it is kept, and fits into a DynamoDB item', (t) => {
	const startMs = Date.UTC(2026, 0, 31);
	const keeper = new CheckpointKeeper('cam/default', { fromMs: startMs });
	const fragmentsASecond = 5;
	let sizeBytes = 0;
	for (let index = 0; index <= 150 * fragmentsASecond; index++) {
		const serverMs = startMs + (index * 1000) / fragmentsASecond;
		keeper.finished(String(FIRST_NUMBER + BigInt(index)), serverMs);
		if (index % 100 !== 0) continue;
		const { checkpoint } = keeper;
		t.is(Object.keys(checkpoint.done).length, Math.min(index, 120 * fragmentsASecond) + 1);
		t.is(checkpoint.fromMs, Math.max(startMs, serverMs - 120_000));
		sizeBytes = JSON.stringify(checkpoint).length;
	}
	// So that 50 fragments a second fit into an item of DynamoDB, 400 KB.
	t.true(sizeBytes / (120 * fragmentsASecond) < 65, String(sizeBytes));
});

test('a fragment that is done late stays noted for as long as it may be listed', (t) => {
	const keeper = new CheckpointKeeper('cam/default', { fromMs: 1_000_000 });
	const after = (fragmentNumber: string, serverMs: number): Checkpoint => {
		keeper.finished(fragmentNumber, serverMs);
		return keeper.checkpoint;
	};
	keeper.finished('3', 1_003_000);
	t.deepEqual(after('1', 1_001_000).done, { 1: 1_001_000, 3: 1_003_000 });
	const { fromMs, done } = after('9', 1_122_000);
	t.deepEqual({ fromMs, done }, { fromMs: 1_002_000, done: { 3: 1_003_000, 9: 1_122_000 } });
	// So late that no listing will hold it again.
	t.deepEqual(after('0', 1_000_500).done, { 3: 1_003_000, 9: 1_122_000 });
});
