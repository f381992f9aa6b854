import { join } from 'node:path';
import test from 'ava';
import type { FragmentEvent, MediaEvent, Where } from 'kvs-archive';
import { collect } from '../helpers/collect.js';
import { callsRecording } from '../helpers/media/calls.js';
import { fragmentNumber } from '../helpers/media/payload.js';
import { between, startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { StandstillClock } from '../helpers/standstill-clock.js';
import { temporaryDirectory } from '../helpers/tools.js';

const range = between(0, 60_000);
const where = { Call: 'a' };

/** The fragments that begin, by their number in the recording. */
function numbersOf(events: readonly MediaEvent[]): number[] {
	return events
		.filter((event): event is FragmentEvent => event.type === 'fragment')
		.map(({ fragmentNumber }) => Number(BigInt(fragmentNumber ?? 0) % 10n ** 28n));
}

test('events and frames are those of one call, and the rest is counted', async (t) => {
	const { endpoint } = await startArchive(t, { door: callsRecording(['a', 'b', null, 'a', 'b', 'a']) });
	const archive = openArchive(t, endpoint);
	const progress: number[] = [];
	const stream = archive.events(range, { where, onProgress: ({ skipped }) => progress.push(skipped) });
	const events = await collect(stream);
	t.deepEqual(numbersOf(events), [1, 4, 6]);
	t.false(events.some(({ type }) => type === 'gap' || (type as string) === 'fragment-skipped'));
	t.deepEqual(
		events.flatMap((event) => (event.type === 'fragment-end' ? [event.index] : [])),
		[0, 1, 2],
	);
	t.like(await stream.summary, {
		fragments: 6,
		delivered: 3,
		skipped: 3,
		frames: 6,
		gaps: 0,
		isComplete: true,
	});
	t.is(progress.at(-1), 3);
	const frames = archive.frames(range, { where, order: 'arrival' });
	t.is((await collect(frames)).length, 6);
	t.like(await frames.summary, { delivered: 3, skipped: 3 });
	const seen: Where = (fragment) => fragment.tag('Call') === null;
	t.deepEqual(numbersOf(await collect(archive.events(range, { where: seen }))), [3]);
	for (const wrong of [{ where: 'a' as unknown as Where }, { where, duplicates: 'keep-newest' }] as const) {
		t.throws(() => archive.events(range, wrong), { code: 'KVS_INVALID_OPTION' });
		const file = join(await temporaryDirectory(t), 'x.mkv');
		await t.throwsAsync(archive.export(range, file, wrong), { code: 'KVS_INVALID_OPTION' });
	}
});

test('a fragment that fails half-way or is missing is not left out, unless its tags say that it is another', async (t) => {
	const door = callsRecording(['a', 'b', 'b', 'a', 'a', 'a']);
	const { endpoint } = await startArchive(
		t,
		{ door },
		{
			faults: [
				...[2, 3].map((index) => ({
					fault: 'cut' as const,
					operation: 'GetMediaForFragmentList' as const,
					fragmentNumber: fragmentNumber(index),
					inside: 'Block' as const,
					element: 2,
				})),
				{ fault: 'exception', fragmentNumber: fragmentNumber(5), code: 4500, goesOn: true },
			],
		},
	);
	const archive = openArchive(t, endpoint, { clock: new StandstillClock(Date.now()) });
	const stream = archive.events(range, { where });
	const events = await collect(stream);
	t.deepEqual(numbersOf(events), [1, 4, 6]);
	const failures = events.filter((event) => event.type === 'fragment-failure');
	// The tag of the second came before its media, that of the third did not come.
	t.deepEqual(
		failures.map(({ index, fragmentNumber, name }) => [index, fragmentNumber, name]),
		[
			[null, fragmentNumber(3), 'TRUNCATED'],
			[null, fragmentNumber(5), 'KMS_KEY_ACCESS_DENIED'],
		],
	);
	t.like(await stream.summary, { delivered: 3, skipped: 1, failed: 2, isComplete: false });
	await t.throwsAsync(collect(archive.events(range, { where, strict: true })), {
		code: 'KVS_FRAGMENT_FAILED',
	});
});

test('the fragment before a range is the last one of the call, and by the producer all that reach into it', async (t) => {
	// Two frames each, a second apart: those of the call reach into the range both, one of another call stands between.
	const { endpoint } = await startArchive(t, { door: callsRecording(['a', 'a', 'b', 'a'], { stepMs: 400 }) });
	for (const [by, fromMs, expected] of [
		['server', 1900, [1400, 1200, 2200]],
		['producer', 900, [1000, 1400, 1200, 2200]],
	] as const) {
		const frames = openArchive(t, endpoint).frames(between(fromMs, 60_000, by), { where });
		const times = (await collect(frames)).map(({ timestampMs }) => (timestampMs as number) - startMs);
		t.deepEqual(times, [...expected], by);
		const delivered = by === 'server' ? 2 : 3;
		t.like(await frames.summary, { fragments: delivered, delivered, skipped: 0, isComplete: true });
	}
	// Where one of the call begins with the range, none is before it.
	const frames = openArchive(t, endpoint).frames(between(2200, 60_000, 'server'), { where });
	t.is((await collect(frames)).length, 2);
});
