import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import {
	type EventsOptions,
	FrameFilter,
	KvsArchive,
	type MediaEvent,
	MkvReader,
	type TrackSelector,
} from 'kvs-archive';
import { string } from '#lib/ebml/ebml-writer.js';
import { collect } from '../helpers/collect.js';
import {
	fragmentDocument,
	fragmentNumber,
	frameBlock,
	trackEntry,
	videoTrack,
} from '../helpers/media/payload.js';
import { startMs } from '../helpers/media/range.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';

/** A call of two sides with video: fragments of 4 s, 4 frames of each track a second. */
const call = Buffer.concat(
	[1, 2].map((number) =>
		fragmentDocument({
			number: fragmentNumber(number),
			producerMs: startMs + (number - 1) * 4000,
			tracks: [
				videoTrack,
				trackEntry(2, 'audio', 'A_TEST', [string('Name', 'AUDIO_FROM_CUSTOMER')]),
				trackEntry(3, 'audio', 'A_TEST', [string('Name', 'AUDIO_TO_CUSTOMER')]),
			],
			blocks: Array.from({ length: 16 }, (_, index) =>
				[1, 2, 3].map((trackNumber) =>
					frameBlock(index, {
						trackNumber,
						relativeTicks: index * 250,
						keyframe: trackNumber > 1 || index % 8 === 0,
					}),
				),
			).flat(),
		}),
	),
);

const range = { from: startMs, to: startMs + 60_000, by: 'producer' } as const;

async function archiveOf(t: ExecutionContext): Promise<KvsArchive> {
	const { endpoint } = await startArchive(t, { call });
	return openArchive(t, endpoint, { streamName: 'call' });
}

/** How many frames of each track there are. */
function counts(events: readonly MediaEvent[]): number[] {
	const numbers = events.flatMap((event) => (event.type === 'frame' ? [event.track.number] : []));
	return [1, 2, 3].map((number) => numbers.filter((other) => other === number).length);
}

for (const [tracks, expected] of [
	[undefined, [32, 32, 32]],
	[[1], [32, 0, 0]],
	[['video'], [32, 0, 0]],
	[['audio'], [0, 32, 32]],
	[['AUDIO_FROM_CUSTOMER'], [0, 32, 0]],
	[
		[1, 'AUDIO_TO_CUSTOMER'],
		[32, 0, 32],
	],
] as const) {
	test(`tracks ${JSON.stringify(tracks)}: events and frames are those of these tracks`, async (t) => {
		const archive = await archiveOf(t);
		const stream = archive.events(range, { tracks });
		const events = await collect(stream);
		t.deepEqual(counts(events), expected);
		const total = expected.reduce<number>((sum, count) => sum + count, 0);
		const ends = events.filter((event) => event.type === 'fragment-end');
		t.deepEqual(
			ends.map(({ frames, bytes, complete }) => [frames, bytes, complete]),
			[
				[total / 2, total * 5, true],
				[total / 2, total * 5, true],
			],
		);
		const fragments = events.filter((event) => event.type === 'fragment');
		t.deepEqual(
			fragments.map((fragment) => fragment.tracks.length),
			[3, 3],
		);
		t.like(await stream.summary, { frames: total, bytes: total * 10, isComplete: true });
		t.deepEqual(counts(await collect(archive.frames(range, { tracks }))), expected);
		const filter = new FrameFilter({ tracks });
		t.deepEqual(
			counts(
				(await Readable.from([call]).compose(new MkvReader()).compose(filter).toArray()) as MediaEvent[],
			),
			expected,
		);
	});
}

test('key frames of the video track alone, and without tracks every frame of audio too', async (t) => {
	const archive = await archiveOf(t);
	const select = 'keyframes';
	t.deepEqual(counts(await collect(archive.frames(range, { select, tracks: ['video'] }))), [4, 0, 0]);
	t.deepEqual(counts(await collect(archive.frames(range, { select }))), [4, 32, 32]);
});

test('a range that starts within a fragment starts at the frame of the selected track', async (t) => {
	const archive = await archiveOf(t);
	const within = { ...range, from: startMs + 3100 };
	const tracks = ['AUDIO_TO_CUSTOMER'];
	const stream = archive.events(within, { tracks, padStart: true });
	const events = await collect(stream);
	t.deepEqual(counts(events), [0, 0, 19]);
	t.deepEqual(
		events.flatMap((event) => (event.type === 'fragment-end' ? [event.frames] : [])),
		[3, 16],
	);
	const [first] = await collect(archive.frames(within, { tracks }));
	t.is(first?.type === 'frame' ? first.timestampMs : null, startMs + 3250);
});

test('a track that is not there is an error that lists the tracks there are', async (t) => {
	const archive = await archiveOf(t);
	const expected = {
		code: 'KVS_NO_SUCH_TRACK',
		message: `there is no track \`CUSTOMER\` in fragment ${fragmentNumber(1)}, which has 1 (video, V_TEST) and 2 (audio, A_TEST, AUDIO_FROM_CUSTOMER) and 3 (audio, A_TEST, AUDIO_TO_CUSTOMER)`,
	};
	const tracks = [1, 'CUSTOMER'];
	await t.throwsAsync(collect(archive.events(range, { tracks })), expected);
	await t.throwsAsync(collect(archive.frames(range, { tracks })), expected);
	await t.throwsAsync(
		Readable.from([call]).compose(new MkvReader()).compose(new FrameFilter({ tracks })).toArray(),
		expected,
	);
	const pictures = async (): Promise<void> => {
		for await (const _ of archive.pictures(range, { tracks: ['AUDIO_FROM_CUSTOMER'] })) t.fail();
	};
	await t.throwsAsync(pictures, {
		code: 'KVS_NO_SUCH_TRACK',
		message: /^there is no video track `AUDIO_FROM_CUSTOMER` in fragment .*, which has 1 \(video/,
	});
});

for (const tracks of [[], [0], [1.5], [''], [null], 'video'] as unknown as readonly TrackSelector[][]) {
	test(`${JSON.stringify(tracks)} is not a valid selection of tracks, wherever it is given`, async (t) => {
		await using archive = new KvsArchive({ streamName: 'call' });
		const options: EventsOptions = { tracks };
		const expected = { code: 'KVS_INVALID_OPTION', message: /`tracks`/ };
		t.throws(() => archive.events(range, options), expected);
		t.throws(() => archive.frames(range, options), expected);
		t.throws(() => archive.pictures(range, options), expected);
		t.throws(() => new FrameFilter(options), expected);
		await t.throwsAsync(archive.export(range, 'x.mkv', options), expected);
	});
}
