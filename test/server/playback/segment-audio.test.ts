import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { boxesAt, readBoxes } from '#lib/mp4/box-tree.js';
import type { Sample } from '#lib/mp4/sample-times.js';
import type { FragmentMedia } from '#lib/server/playback/packaging/fragment-media.js';
import { segmentAudio } from '#lib/server/playback/packaging/segment-audio.js';
import { madeTrack } from '../../helpers/media/muxing.js';
import type { FragmentFixture } from '../../helpers/media/payload.js';
import {
	audioTrack,
	onDemand,
	readPlaylist,
	START_MS,
	startPlayback,
	videoFragment,
	videoTrack,
} from './start-playback.js';

const video = madeTrack({ number: 1, type: 'video', codecId: 'V_MPEG4/ISO/AVC' });
const audio = madeTrack({
	number: 2,
	type: 'audio',
	codecId: 'A_AAC',
	codec: 'mp4a.40.2',
	sampleRate: 48_000,
});
const FRAME_MS = 1024 / 48;

function framesAt(times: readonly number[]): Sample[] {
	return times.map((ms) => ({ data: Uint8Array.of(1), ms, durationMs: null, keyframe: true }));
}

function fragmentOf(videoMs: readonly number[], audioMs: readonly number[]): FragmentMedia {
	const samples = new Map([
		[1, framesAt(videoMs)],
		[2, framesAt(audioMs)],
	]);
	return { tracks: [video, audio], samples, startMs: videoMs[0] ?? 0, sizeBytes: 1 };
}

/** The audio of each segment of fragments that all join. */
function segmentsOf(fragments: readonly FragmentMedia[]): number[][] {
	return fragments.map((own, index) => {
		const joined = { previous: fragments[index - 1] ?? null, own, next: fragments[index + 1] ?? null };
		return segmentAudio(joined, video, audio).map(({ ms }) => ms);
	});
}

testProp(
	'each audio frame is in one segment, in order, and audio of two segments meets within half a frame of where their video does',
	[
		fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
		fc.integer({ min: -400, max: 400 }),
	],
	(t, frameCounts, lateMs) => {
		const starts = [0];
		for (const count of frameCounts) starts.push((starts.at(-1) as number) + count * 40);
		const endMs = starts.at(-1) as number;
		const heard = Array.from({ length: Math.ceil(endMs / FRAME_MS) }, (_, index) => index * FRAME_MS);
		const fragments = frameCounts.map((count, index) => {
			const startMs = starts[index] as number;
			const [from, to] = [startMs + lateMs, (starts[index + 1] as number) + lateMs];
			const isFirst = index === 0;
			const isLast = index === frameCounts.length - 1;
			const own = heard.filter((ms) => (isFirst || ms >= from) && (isLast || ms < to));
			return fragmentOf(
				Array.from({ length: count }, (_, frame) => startMs + frame * 40),
				own,
			);
		});
		const segments = segmentsOf(fragments);
		const stored = fragments.flatMap(({ samples }) => (samples.get(2) ?? []).map(({ ms }) => ms));
		t.deepEqual(
			segments.flat().sort((a, b) => a - b),
			stored,
		);
		// Audio that is off by more than a whole fragment would have to move further.
		if (frameCounts.some((count) => count * 40 <= Math.abs(lateMs) + FRAME_MS)) return;
		for (const [index, segment] of segments.entries()) {
			if (index > 0)
				t.true(Math.abs((segment[0] as number) - (starts[index] as number)) <= FRAME_MS / 2 + 1e-6);
		}
	},
);

test('fragments that do not meet keep all their audio', (t) => {
	const own = fragmentOf([0, 40, 80], [-30, 0, 100, 130]);
	const heard = (joined: Partial<Parameters<typeof segmentAudio>[0]>): number[] =>
		segmentAudio({ previous: null, own, next: null, ...joined }, video, audio).map(({ ms }) => ms);
	t.deepEqual(heard({}), [-30, 0, 100, 130]);
	t.deepEqual(heard({ next: fragmentOf([], [115]) }), [-30, 0, 100, 130]);
	t.deepEqual(heard({ previous: fragmentOf([0], [5]) }), [-30, 0, 100, 130]);
	t.deepEqual(
		heard({ previous: fragmentOf([-120], [-70, 5]), next: fragmentOf([120], [105, 140]) }),
		[5, 0, 100, 105],
	);
});

/** A fragment of two seconds with audio that comes 80 ms before the video beside it. */
function withEarlyAudio(index: number): FragmentFixture {
	const { blocks = [], ...fields } = videoFragment(index, { tracks: [videoTrack, audioTrack] });
	const grid = Array.from({ length: 1000 }, (_, frame) => Math.round(frame * FRAME_MS));
	const [from, to] = [index === 0 ? 0 : index * 2000 - 80, index * 2000 + 1920];
	const audio = grid
		.filter((ms) => ms >= from && ms < to)
		.map((ms) => ({
			trackNumber: 2,
			relativeTicks: ms - index * 2000,
			keyframe: true,
			data: Buffer.from([0x21, index, ms & 0xff]),
		}));
	return { ...fields, tracks: [videoTrack, audioTrack], blocks: [...blocks, ...audio] };
}

/** When a track of each segment begins and ends, milliseconds from {@link START_MS}, and how many frames it has. */
async function extents(
	segments: readonly { uri: string }[],
	url: URL,
	timescale: number,
): Promise<{ startMs: number; endMs: number; frames: number }[]> {
	const found = [];
	for (const { uri } of segments) {
		const boxes = readBoxes(Buffer.from(await (await fetch(new URL(uri, url))).arrayBuffer()));
		const [time] = boxesAt(boxes, 'moof/traf/tfdt');
		const [run] = boxesAt(boxes, 'moof/traf/trun');
		const entries = Buffer.from(run?.fields ?? []).subarray(12);
		const startMs =
			(Number(Buffer.from(time?.fields ?? []).readBigUInt64BE(4)) * 1000) / timescale - START_MS;
		let endMs = startMs;
		for (let at = 0; at < entries.byteLength; at += 16)
			endMs += (entries.readUInt32BE(at) * 1000) / timescale;
		found.push({ startMs, endMs, frames: entries.byteLength / 16 });
	}
	return found;
}

for (const clock of ['SERVER', 'PRODUCER'] as const) {
	for (const DiscontinuityMode of ['ALWAYS', 'NEVER', 'ON_DISCONTINUITY']) {
		test(`audio and video of a segment end together, and nothing is lost: ${clock} ${DiscontinuityMode}`, async (t) => {
			const { ingest, open } = await startPlayback(t);
			const fixtures = [0, 1, 2, 3].map(withEarlyAudio);
			// The last one comes after a gap.
			const gap = withEarlyAudio(7);
			await ingest([...fixtures, gap]);
			const session = await open(onDemand(clock, { DiscontinuityMode }));
			const { playlist: video, url } = await readPlaylist(session);
			const { playlist: audio } = await readPlaylist(session, 'audio');
			const seen = await extents(video.segments, url, 90_000);
			const heard = await extents(audio.segments, url, 48_000);
			t.is(
				heard.reduce((sum, { frames }) => sum + frames, 0),
				[...fixtures, gap].flatMap(({ blocks = [] }) => blocks).filter(({ trackNumber }) => trackNumber === 2)
					.length,
			);
			for (const [index, { startMs, endMs }] of heard.entries()) {
				const off = [startMs - (seen[index]?.startMs as number), endMs - (seen[index]?.endMs as number)].map(
					Math.abs,
				);
				if (index < 4) t.true((off[0] as number) <= FRAME_MS / 2 + 1, `${index}: starts ${off[0]} ms off`);
				if (index < 3) t.true((off[1] as number) <= FRAME_MS / 2 + 1, `${index}: ends ${off[1]} ms off`);
			}
			// What comes before a gap, and after it, is as it was recorded.
			t.true(Math.abs((heard[4]?.startMs as number) - (seen[4]?.startMs as number) + 80) < FRAME_MS);
		});
	}
}
