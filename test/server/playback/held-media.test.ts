import test from 'ava';
import { boxesAt, readBoxes } from '#lib/mp4/box-tree.js';
import type { FragmentFixture } from '../../helpers/media/payload.js';
import {
	aacConfig,
	audioTrack,
	codedTrack,
	onDemand,
	type Playback,
	readPlaylist,
	START_MS,
	startPlayback,
	videoFragment,
	videoTrack,
} from './start-playback.js';

/** A frame of AAC in ADTS: 48 kHz, stereo, with a checksum or without. */
function adts(data: Buffer, hasChecksum: boolean): Buffer {
	const size = data.byteLength + (hasChecksum ? 9 : 7);
	const head = Buffer.from([
		0xff,
		hasChecksum ? 0xf0 : 0xf1,
		0x4c,
		0x80 | (size >> 11),
		(size >> 3) & 0xff,
		((size & 7) << 5) | 0x1f,
		0xfc,
	]);
	return Buffer.concat([head, hasChecksum ? Buffer.alloc(2) : Buffer.alloc(0), data]);
}

/** What each segment of a session's first or second rendition holds: when it starts, and what is in its frames. */
async function framesOf(
	{ open }: Playback,
	of: 'video' | 'audio',
	members: object = onDemand(),
): Promise<{ startMs: number; durationS: number; frames: string[] }[]> {
	const { playlist, url } = await readPlaylist(await open(members), of);
	const found = [];
	for (const { uri, duration } of playlist.segments) {
		const boxes = readBoxes(Buffer.from(await (await fetch(new URL(uri, url))).arrayBuffer()));
		const [time, run, data] = ['moof/traf/tfdt', 'moof/traf/trun', 'mdat'].map((path) =>
			Buffer.from(boxesAt(boxes, path)[0]?.fields ?? []),
		) as [Buffer, Buffer, Buffer];
		const startMs = Number(time.readBigUInt64BE(4)) / (of === 'video' ? 90 : 48) - START_MS;
		const frames: string[] = [];
		for (let at = 12, from = 0; at < run.byteLength; at += 16) {
			const size = run.readUInt32BE(at + 4);
			frames.push(data.toString('hex', from, from + size));
			from += size;
		}
		found.push({ startMs, durationS: duration, frames });
	}
	return found;
}

for (const [title, empty] of [
	['no bytes', ''],
	['a start code alone', '00000001'],
	['a NAL unit without a byte', '00000000'],
] as const) {
	test(`empty frames are left out, and the one before lasts longer: ${title}`, async (t) => {
		const playback = await startPlayback(t);
		const { blocks = [] } = videoFragment(0);
		const [before, , ...after] = blocks.slice(9);
		const emptied = [
			...blocks.slice(0, 9),
			before,
			{ ...before, relativeTicks: 400, keyframe: false, data: Buffer.from(empty, 'hex') },
			...after,
		];
		await playback.ingest([
			videoFragment(0, { blocks: emptied as NonNullable<FragmentFixture['blocks']> }),
			videoFragment(1),
		]);
		const [first, second] = await framesOf(playback, 'video');
		t.is(first?.frames.length, 49);
		t.true(first?.frames.every((frame) => frame !== ''));
		t.is(second?.startMs, 2000);
		t.is(second?.frames.length, 50);
		const ts = await readPlaylist(await playback.open(onDemand('PRODUCER', { ContainerFormat: 'MPEG_TS' })));
		for (const { uri } of ts.playlist.segments) t.is((await fetch(new URL(uri, ts.url))).status, 200);
	});
}

test('ADTS headers are removed, and replace missing codec private data', async (t) => {
	for (const config of [aacConfig, null]) {
		const playback = await startPlayback(t);
		const { blocks = [] } = videoFragment(0);
		const audio = Array.from({ length: 90 }, (_, frame) => ({
			trackNumber: 2,
			relativeTicks: Math.round((frame * 1024) / 48),
			keyframe: true,
			data: adts(Buffer.from([0x21, frame]), frame % 2 === 1),
		}));
		const tracks = [videoTrack, codedTrack(2, 'A_AAC', config)];
		await playback.ingest([videoFragment(0, { tracks, blocks: [...blocks, ...audio] })]);
		const [segment] = await framesOf(playback, 'audio');
		t.deepEqual(
			segment?.frames,
			audio.map((_, frame) => Buffer.from([0x21, frame]).toString('hex')),
		);
	}
});

test('Annex B and length-prefixed frames of one stream are played alike', async (t) => {
	const playback = await startPlayback(t);
	const { blocks = [] } = videoFragment(0);
	// Any number of zeros may stand before a start code.
	const zeros = ['00000001', '0000000001', '000001'];
	const inAnnexB = blocks.map((block, index) => ({
		...block,
		data: Buffer.concat([Buffer.from(zeros[index % 3] as string, 'hex'), block.data.subarray(4)]),
	}));
	await playback.ingest([
		videoFragment(0),
		videoFragment(0, { number: '1000001', producerMs: START_MS + 2000, blocks: inAnnexB }),
	]);
	const [lengths, startCodes] = await framesOf(playback, 'video');
	t.is(lengths?.frames.length, 50);
	t.deepEqual(
		startCodes?.frames.map((frame) => frame.slice(0, 8)),
		lengths?.frames.map((frame) => frame.slice(0, 8)),
	);
});

for (const [title, index, offMs] of [
	['forward', 20, 30_000],
	['backward', 20, -30_000],
	['forward, the last of its fragment', 49, 30_000],
	['backward, the first but one', 1, -30_000],
] as const) {
	test(`one wrong timestamp moves neither the frames after it nor the segment: ${title}`, async (t) => {
		const playback = await startPlayback(t);
		const { blocks = [], ...fields } = videoFragment(1, { tracks: [videoTrack, audioTrack] });
		const wrong = blocks.map((block, at) =>
			at === index ? { ...block, relativeTicks: block.relativeTicks + offMs } : block,
		);
		const fixtures = [0, 2, 3].map((at) => videoFragment(at));
		const [first, ...others] = fixtures as [FragmentFixture, ...FragmentFixture[]];
		await playback.ingest([first, { ...fields, tracks: [videoTrack], blocks: wrong }, ...others]);
		for (const DiscontinuityMode of ['ALWAYS', 'NEVER', 'ON_DISCONTINUITY']) {
			for (const clock of ['SERVER', 'PRODUCER'] as const) {
				const segments = await framesOf(playback, 'video', onDemand(clock, { DiscontinuityMode }));
				const later = clock === 'SERVER' ? 1000 : 0;
				t.deepEqual(
					segments.map(({ startMs }) => Math.round(startMs) - later),
					[0, 2000, 4000, 6000],
					`${clock} ${DiscontinuityMode}`,
				);
				t.true(segments.every(({ durationS }) => Math.abs(durationS - 2) < 0.05));
				t.true(segments.every(({ frames }) => frames.length === 50));
			}
		}
	});
}
