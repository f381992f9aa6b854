import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import { type Box, sizeOfBox } from '#lib/mp4/box.js';
import { boxesAt, readBoxes } from '#lib/mp4/box-tree.js';
import { initSegment } from '#lib/mp4/init-segment.js';
import { mediaSegment } from '#lib/mp4/media-segment.js';
import { reorderDelayTicks, type Sample, timeSamples } from '#lib/mp4/sample-times.js';
import { timescaleOf } from '#lib/mp4/track-timescale.js';
import { madeTrack } from '../helpers/media/muxing.js';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const SPS = '6764000cacd94150878888c044000003000400000300503c50a658';
const PPS = '68ebe3cb22c0';
const video = {
	type: 'video',
	codecId: 'V_MPEG4/ISO/AVC',
	codec: 'avc1.64000c',
	width: 322,
	height: 242,
} as const;
const avcC = bytes(`0164000cffe1001b${SPS}010006${PPS}`);
const lengths = madeTrack({ ...video, codecPrivate: avcC, nalFormat: 'length-prefixed', nalLengthBytes: 4 });
const shortLengths = madeTrack({
	...video,
	codecPrivate: bytes(`0164000cfde1001b${SPS}010006${PPS}`),
	nalFormat: 'length-prefixed',
	nalLengthBytes: 2,
});
const startCodes = madeTrack({
	...video,
	codecPrivate: bytes(`00000001${SPS}00000001${PPS}`),
	nalFormat: 'annex-b',
});
const audio = madeTrack({ number: 2, codec: 'pcm-s16', sampleRate: 8000, channels: 1 });

const sample = (
	ms: number,
	{ keyframe = false, durationMs = null as number | null, data = bytes('00000001 65') } = {},
): Sample => ({
	data,
	ms,
	durationMs,
	keyframe,
});
const untimed = { delayTicks: 0, state: null, nextMs: null };
const fields = (boxes: readonly Box[], path: string): Buffer[] =>
	boxesAt(boxes, path).map((box) => Buffer.from(box.fields));

test('decode times are rounded from milliseconds, without accumulated error', (t) => {
	const samples = Array.from({ length: 3001 }, (_, index) => sample(index * (1000 / 30)));
	const { decodeTicks, durationTicks } = timeSamples(samples, 90_000, untimed);
	t.is(decodeTicks.at(-1), 9_000_000);
	t.deepEqual(new Set(durationTicks), new Set([3000]));
	const odd = timeSamples(
		[0, 23, 46, 70].map((ms) => sample(ms)),
		44_100,
		untimed,
	);
	t.deepEqual([...odd.decodeTicks], [0, 1014, 2029, 3087]);
});

test('reordered frames get composition offsets that keep their presentation times', (t) => {
	const samples = [0, 160, 80, 40, 120].map((ms, index) => sample(ms, { keyframe: index === 0 }));
	t.is(reorderDelayTicks(samples, 90_000), 7200);
	const { decodeTicks, offsetTicks } = timeSamples(samples, 90_000, { ...untimed, delayTicks: 7200 });
	t.deepEqual([...decodeTicks], [0, 3600, 7200, 10_800, 14_400]);
	t.deepEqual(
		[...decodeTicks].map((ticks, index) => (ticks + (offsetTicks[index] as number) - 7200) / 90),
		[0, 160, 80, 40, 120],
	);
	t.deepEqual(
		reorderDelayTicks(
			[0, 40, 80].map((ms) => sample(ms)),
			90_000,
		),
		0,
	);
});

test('the duration of the last sample comes from the next frame, its own, or the samples before it', (t) => {
	const last = (samples: Sample[], more = {}): number | undefined =>
		timeSamples(samples, 90_000, { ...untimed, ...more }).durationTicks.at(-1);
	const two = [sample(0), sample(50)];
	t.is(last(two, { nextMs: 90 }), 3600);
	t.is(last([sample(0), sample(50, { durationMs: 20 })]), 1800);
	t.is(last(two), 4500);
	t.is(last([sample(50)], { state: { lastDecodeTicks: 0, durationTicks: 999, endTicks: 999 } }), 999);
	t.is(last([sample(50)]), 3600);
	t.is(last(two, { nextMs: 10 }), 1);
});

test('samples that start before the end of the previous segment are moved to the earliest possible times', (t) => {
	const state = { lastDecodeTicks: 9000, durationTicks: 3600, endTicks: 12_600 };
	const { decodeTicks, offsetTicks } = timeSamples([sample(60), sample(100), sample(140)], 90_000, {
		...untimed,
		state,
	});
	t.deepEqual([...decodeTicks], [9001, 9002, 12_600]);
	t.deepEqual([...offsetTicks], [0, 0, 0]);
});

const reordered = fc
	.uniqueArray(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 16 })
	.map((ms) => [0, ...ms]);

testProp(
	'presentation times are exact and decode times rise, whatever the order and the delay',
	[
		fc.array(reordered, { minLength: 1, maxLength: 4 }),
		fc.boolean(),
		fc.constantFrom(90_000, 48_000, 44_100),
	],
	(t, segments, isDelayKnown, timescale) => {
		let state = null;
		let startMs = 0;
		let lastTicks = -1;
		const delayTicks = isDelayKnown
			? Math.max(
					...segments.map((ms) =>
						reorderDelayTicks(
							ms.map((at) => sample(at)),
							timescale,
						),
					),
				)
			: 0;
		for (const segment of segments) {
			const samples = segment.map((ms) => sample(startMs + ms));
			const times = timeSamples(samples, timescale, { delayTicks, state, nextMs: null });
			for (const [index, ticks] of times.decodeTicks.entries()) {
				t.true(ticks > lastTicks);
				lastTicks = ticks;
				t.true((times.offsetTicks[index] as number) >= 0);
				t.true((times.durationTicks[index] as number) > 0);
				const shown = ticks + (times.offsetTicks[index] as number) - delayTicks;
				t.is(shown, Math.round(((samples[index] as Sample).ms * timescale) / 1000));
			}
			state = times.state;
			startMs += 5000;
		}
	},
);

test('the moof of a segment has the data offsets, decode times and flags of its samples', (t) => {
	const one = bytes('00000002 6588');
	const segment = mediaSegment(
		[
			{
				track: lengths,
				trackId: 1,
				samples: [sample(1000, { keyframe: true, data: one }), sample(1040)],
				state: null,
			},
			{
				track: audio,
				trackId: 2,
				samples: [sample(1000, { keyframe: true, data: bytes('0102') })],
				state: null,
			},
			{ track: audio, trackId: 3, samples: [], state: null },
		],
		{ sequenceNumber: 7 },
	);
	t.true(segment.slices.includes(one), 'frames are not copied');
	const file = Buffer.concat(segment.slices);
	const boxes = readBoxes(file);
	t.deepEqual(
		boxes.map(({ type }) => type),
		['moof', 'mdat'],
	);
	t.is(fields(boxes, 'moof/mfhd')[0]?.readUInt32BE(4), 7);
	t.deepEqual(
		fields(boxes, 'moof/traf/tfhd').map((box) => box.readUInt32BE(4)),
		[1, 2],
	);
	t.deepEqual(
		fields(boxes, 'moof/traf/tfdt').map((box) => box.readBigUInt64BE(4)),
		[90_000n, 8000n],
	);
	const runs = fields(boxes, 'moof/traf/trun');
	t.deepEqual(
		runs.map((run) => file.subarray(run.readUInt32BE(8)).subarray(0, 2).toString('hex')),
		['0000', '0102'],
	);
	t.is(runs[0]?.readUInt32BE(8), sizeOfBox(boxes[0] as Box) + 8);
	t.deepEqual([runs[0]?.readUInt32BE(20), runs[0]?.readUInt32BE(36)], [0x02000000, 0x01010000]);
	t.deepEqual(
		segment.tracks.map(({ trackId, startTicks, trafNumber }) => [trackId, startTicks, trafNumber]),
		[
			[1, 90_000, 1],
			[2, 8000, 2],
		],
	);
});

test('an HLS segment begins with a styp box', (t) => {
	const { slices } = mediaSegment([{ track: audio, trackId: 1, samples: [sample(0)], state: null }], {
		sequenceNumber: 1,
		isHls: true,
	});
	t.deepEqual(
		readBoxes(Buffer.concat(slices)).map(({ type }) => type),
		['styp', 'moof', 'mdat'],
	);
});

test('Annex B frames are written length-prefixed, and length-prefixed frames stay so', (t) => {
	const written = (track: typeof lengths, data: Buffer): string => {
		const { slices } = mediaSegment([{ track, trackId: 1, samples: [sample(0, { data })], state: null }], {
			sequenceNumber: 1,
		});
		return Buffer.concat(slices.slice(2)).toString('hex');
	};
	t.is(written(startCodes, bytes('00000001 6588 000001 6141')), '000000026588000000026141');
	t.is(written(startCodes, bytes('00000002 6588')), '000000026588');
	t.is(written(lengths, bytes('00000001 6588')), '000000026588');
	t.is(written(shortLengths, bytes('0002 6588')), '00026588');
	t.is(written(shortLengths, bytes('00000001 6588')), '00026588');
	const large = Buffer.concat([bytes('00000001'), Buffer.alloc(70_000, 0x65)]);
	t.throws(() => written(shortLengths, large), { code: 'KVS_MEDIA_UNSUPPORTED' });
});

test('the same tracks give the same init segment, without a date', async (t) => {
	for (const brand of ['mp4', 'mov'] as const) {
		const [first, second] = await Promise.all([
			initSegment([lengths, audio], { brand }),
			initSegment([lengths, audio], { brand }),
		]);
		t.deepEqual(first, second);
		const boxes = readBoxes(first.bytes);
		t.deepEqual(
			boxes.map(({ type }) => type),
			['ftyp', 'moov'],
		);
		t.deepEqual(
			fields(boxes, 'moov/trak/mdia/mdhd').map((box) => box.readUInt32BE(20)),
			[lengths, audio].map(timescaleOf),
		);
		t.is(fields(boxes, 'moov/mvhd')[0]?.readBigUInt64BE(4), 0n, 'no date');
	}
});

test('parameter sets with start codes become a decoder configuration record', async (t) => {
	const { bytes: head } = await initSegment([startCodes], { brand: 'mp4' });
	t.true(Buffer.from(head).includes(bytes(`0164000cff e1 001b ${SPS} 01 0006 ${PPS}`)));
});

test('an init segment refuses a track it cannot describe, and names it', async (t) => {
	for (const track of [
		audio,
		madeTrack({ codec: 'vorbis' }),
		madeTrack({ codec: 'opus' }),
		madeTrack({ codec: 'mp4a.40.2', sampleRate: 8000, channels: 1 }),
	]) {
		const made = initSegment([track], { brand: 'mp4' });
		if (track === audio) await t.notThrowsAsync(made);
		else await t.throwsAsync(made, { code: 'KVS_MEDIA_UNSUPPORTED', message: /track 1/ });
	}
});
