import { Readable } from 'node:stream';
import test from 'ava';
import type { Fragment, RangeClock } from 'kvs-archive';
import { LeadInFilter, withPaddedStart } from '#lib/list/lead-in-filter.js';

const fromMs = 100_000;

/** A fragment that begins so long before `from`, its number telling which it is. */
function before(ms: number, lengthMs: number, number = String(ms)): Fragment {
	return {
		fragmentNumber: number,
		fragmentSizeInBytes: 1,
		producerTimestamp: new Date(fromMs - ms),
		serverTimestamp: new Date(fromMs - ms),
		fragmentLengthInMilliseconds: lengthMs,
	};
}

async function filter(
	by: RangeClock,
	fragments: Fragment[],
	{ keepsAll = false } = {},
): Promise<{ given: string[]; dropped: number; kept: Record<string, boolean> }> {
	let dropped = 0;
	const padding = new LeadInFilter({
		range: { fromMs, toMs: 200_000, by },
		keepsAll,
		onDropped: (count) => {
			dropped += count;
		},
	});
	const given = (await Readable.from(fragments).compose(padding).toArray()) as Fragment[];
	return {
		given: given.map(({ fragmentNumber }) => fragmentNumber),
		dropped,
		kept: Object.fromEntries(padding.kept),
	};
}

test('a padded range begins half a minute earlier, but not before 1970', (t) => {
	t.deepEqual(withPaddedStart({ fromMs, toMs: 200_000, by: 'producer' }), {
		from: 70_000,
		to: 200_000,
		by: 'producer',
	});
	t.is(withPaddedStart({ fromMs: 10, toMs: 20, by: 'server' }).from, 0);
});

for (const by of ['producer', 'server'] as const) {
	test(`${by}: the fragment that runs into the range is kept, and nothing before it`, async (t) => {
		const fragments = [6000, 4000, 2000, 0, -2000].map((ms) => before(ms + 500, 1960));
		const { given, dropped, kept } = await filter(by, fragments);
		t.deepEqual(given, ['500', '-1500']);
		t.is(dropped, 3);
		t.deepEqual(kept, { 500: true });
	});

	test(`${by}: a fragment that ended long before the range is not kept`, async (t) => {
		const { given, dropped } = await filter(by, [before(10_000, 2000), before(-5000, 2000)]);
		t.deepEqual(given, ['-5000']);
		t.is(dropped, 1);
	});

	test(`${by}: a fragment that may be longer than listed is kept, but may not reach the range`, async (t) => {
		const { given, dropped, kept } = await filter(by, [before(2000, 1960)]);
		t.deepEqual(given, ['2000']);
		t.is(dropped, 0);
		t.deepEqual(kept, { 2000: false });
	});

	test(`${by}: nothing listed, nothing kept`, async (t) => {
		t.deepEqual(await filter(by, []), { given: [], dropped: 0, kept: {} });
	});
}

test("on the producer's clock overlapping recordings are all kept", async (t) => {
	const fragments = [before(9000, 10_000), before(3000, 1000), before(2000, 5000), before(-1000, 2000)];
	const { given, dropped } = await filter('producer', fragments);
	t.deepEqual(given, ['9000', '2000', '-1000']);
	t.is(dropped, 1);
});

test("on the server's clock a burst is no overlap: only the last one before the range is kept", async (t) => {
	const fragments = [before(900, 10_000), before(600, 10_000), before(300, 10_000), before(-100, 10_000)];
	const { given, dropped } = await filter('server', fragments);
	t.deepEqual(given, ['300', '-100']);
	t.is(dropped, 2);
});

test("on the server's clock a range that begins with a fragment has nothing of the one before", async (t) => {
	const { given, dropped, kept } = await filter('server', [before(1990, 2000), before(0, 2000)]);
	t.deepEqual(given, ['0']);
	t.is(dropped, 1);
	t.deepEqual(kept, {});
});

test("where only media tells which are wanted, all that may reach the range are kept on the server's clock too", async (t) => {
	const fragments = [before(9000, 2000), before(3000, 9000), before(2000, 9000), before(0, 9000)];
	const { given, dropped, kept } = await filter('server', fragments, { keepsAll: true });
	t.deepEqual(given, ['3000', '2000', '0']);
	t.is(dropped, 1);
	t.deepEqual(kept, { 3000: true, 2000: true });
});
