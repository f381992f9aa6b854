import test from 'ava';
import { boxesAt, readBoxes } from '#lib/mp4/box-tree.js';
import {
	onDemand,
	readPlaylist,
	type Session,
	START_MS,
	startPlayback,
	videoFragment,
} from './start-playback.js';

/** When the frames of each segment of a session are decoded, and for how long: milliseconds from {@link START_MS}. */
async function decodeTimes(session: Session): Promise<{ startMs: number; endMs: number }[]> {
	const { playlist } = await readPlaylist(session);
	const times: { startMs: number; endMs: number }[] = [];
	for (const { uri } of playlist.segments) {
		const response = await fetch(new URL(uri, session.url));
		const boxes = readBoxes(Buffer.from(await response.arrayBuffer()));
		const [time] = boxesAt(boxes, 'moof/traf/tfdt');
		const [run] = boxesAt(boxes, 'moof/traf/trun');
		const startMs = Number(Buffer.from(time?.fields ?? []).readBigUInt64BE(4)) / 90 - START_MS;
		const entries = Buffer.from(run?.fields ?? []).subarray(12);
		let endMs = startMs;
		for (let at = 0; at < entries.byteLength; at += 16) endMs += entries.readUInt32BE(at) / 90;
		times.push({ startMs, endMs });
	}
	return times;
}

test('jitter of server timestamps makes no fragment overlap the one before, in every DiscontinuityMode', async (t) => {
	const { ingest, open } = await startPlayback(t);
	const jitterMs = [0, -45, 0, 45, -30, 10, -400, -900, -100, 0, 0];
	await ingest(
		jitterMs.map((ms, index) => videoFragment(index, { serverMs: START_MS + 1000 + 2000 * index + ms })),
	);
	for (const DiscontinuityMode of ['ALWAYS', 'NEVER', 'ON_DISCONTINUITY']) {
		const times = await decodeTimes(await open(onDemand('SERVER', { DiscontinuityMode })));
		// As the clock says, but for those that came too early: these are played one after the other.
		t.deepEqual(
			times.map(({ startMs }) => startMs),
			[1000, 3000, 5000, 7045, 9045, 11_045, 13_045, 15_045, 17_045, 19_045, 21_045],
			DiscontinuityMode,
		);
	}
});

test('segments start at the time of their fragments, whatever lengths are estimated', async (t) => {
	const { ingest, open } = await startPlayback(t);
	// 29.97 frames a second, and frames that come unevenly: both seem to last longer than until the next.
	const even = Array.from({ length: 30 }, (_, index) => Math.round((index * 1001) / 30));
	const uneven = [0, 900, 1800];
	const at = (index: number): number => (index < 20 ? index * 1001 : 20_020 + (index - 20) * 2000);
	await ingest(
		Array.from({ length: 40 }, (_, index) =>
			videoFragment(index, {
				producerMs: START_MS + at(index),
				serverMs: START_MS + 1000 + at(index),
				blocks: (index < 20 ? even : uneven).map((relativeTicks) => ({
					trackNumber: 1,
					relativeTicks,
					keyframe: relativeTicks === 0,
					data: Buffer.from([0, 0, 0, 1, 0x65]),
				})),
			}),
		),
	);
	for (const clock of ['SERVER', 'PRODUCER'] as const) {
		for (const DiscontinuityMode of ['ALWAYS', 'NEVER', 'ON_DISCONTINUITY']) {
			const times = await decodeTimes(await open(onDemand(clock, { DiscontinuityMode })));
			t.deepEqual(
				times.map(({ startMs }) => Math.round(startMs)),
				Array.from({ length: 40 }, (_, index) => at(index) + (clock === 'SERVER' ? 1000 : 0)),
				`${clock} ${DiscontinuityMode}`,
			);
		}
	}
});

test('fragments that overlap because a producer sent media again are played one after the other', async (t) => {
	const { ingest, open } = await startPlayback(t);
	const starts = [0, 2000, 3000, 5000, 7000, 12_000, 14_000];
	await ingest(starts.map((ms, index) => videoFragment(index, { producerMs: START_MS + ms })));
	const times = await decodeTimes(await open(onDemand('PRODUCER')));
	t.deepEqual(
		times.map(({ startMs }) => startMs),
		// Late by the second that came twice, until there is room again.
		[0, 2000, 4000, 6000, 8000, 12_000, 14_000],
	);
});

test('a fragment is packaged once for all requests, and the least recently used is evicted first', async (t) => {
	const { MediaCache } = await import('#lib/server/playback/packaging/media-cache.js');
	const cache = new MediaCache<{ sizeBytes: number; name: string }>(100);
	const made: string[] = [];
	const get = (name: string, sizeBytes = 40): Promise<{ name: string }> =>
		cache.get(name, async () => {
			made.push(name);
			await Promise.resolve();
			return { name, sizeBytes };
		});
	const responses = await Promise.all([get('a'), get('a'), get('b'), get('a')]);
	t.deepEqual(
		responses.map(({ name }) => name),
		['a', 'a', 'b', 'a'],
	);
	t.deepEqual(made, ['a', 'b']);
	await get('a');
	await get('c');
	t.is(cache.sizeBytes, 80);
	await get('a');
	await get('b');
	t.deepEqual(made, ['a', 'b', 'c', 'b']);
	// One that is larger than all the room there is, is given out and not kept.
	await get('huge', 101);
	t.is(cache.sizeBytes, 0);
	let fails = true;
	const fail = (): Promise<{ sizeBytes: number; name: string }> =>
		fails ? Promise.reject(new Error('no')) : Promise.resolve({ name: 'ok', sizeBytes: 1 });
	await t.throwsAsync(cache.get('d', fail), { message: 'no' });
	fails = false;
	t.is((await cache.get('d', fail)).name, 'ok');
});
