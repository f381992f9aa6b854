import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { MediaError } from '#lib/errors.js';
import type { FeedFrame } from '#lib/feed/feed-frame.js';
import { trackEntry, videoTrack } from '../helpers/media/payload.js';
import { audioOnly, both, chosen, cut, frame, interleaved, received, run, videoOnly } from './fed-frames.js';

/** When each fragment begins and ends, in seconds. */
function spans(fragments: readonly FeedFrame[][]): string[] {
	return fragments.map((frames) => {
		const times = frames.map(({ timeMs }) => timeMs / 1000);
		return `${Math.min(...times)} to ${Math.max(...times)}`;
	});
}

test('cut at key frames, audio by its time, however late it comes', (t) => {
	const video = run(1, 0, 6000, 40, 2000);
	const audio = run(2, 5, 6000, 20);
	for (const lagMs of [0, 300, 1500, 10_000]) {
		const { fragments, error } = cut(both, interleaved(lagMs, video, audio));
		t.is(error, null);
		t.deepEqual(spans(fragments), ['0 to 1.985', '2 to 3.985', '4 to 5.985'], `audio ${lagMs} ms late`);
		t.is(received(both, fragments).error, null);
	}
});

test('a fragment is given out as soon as the next one is sure', (t) => {
	const cutter = cut(videoOnly, run(1, 0, 2000, 40, 2000));
	t.deepEqual(spans(cutter.fragments), ['0 to 1.96']);
	const next = [frame(1, 2000, { keyframe: true }), frame(1, 2040)];
	t.deepEqual(spans(cut(videoOnly, [...run(1, 0, 2000, 40, 2000), ...next]).fragments), [
		'0 to 1.96',
		'2 to 2.04',
	]);
});

test('pictures of an open group that are shown before their key frame belong to its fragment', (t) => {
	const order = [0, 120, 40, 80, 240, 160, 200];
	const frames = [
		...run(1, -2000, 0, 40, 2000),
		...order.map((timeMs) => frame(1, timeMs, { keyframe: timeMs === 0 })),
		frame(1, 2000, { keyframe: true }),
		frame(1, 1920),
		frame(1, 1960),
		frame(1, 2040),
	].map((one) => ({ ...one, timeMs: one.timeMs + 10_000 }));
	const { fragments, error } = cut(videoOnly, frames);
	t.is(error, null);
	t.deepEqual(spans(fragments), ['8 to 9.96', '10 to 10.24', '11.92 to 12.04']);
	t.is(received(videoOnly, fragments).error, null);
});

test('does not cut at a key frame that is shown before an earlier picture', (t) => {
	const frames = [
		...run(1, 0, 2000, 40, 2000),
		frame(1, 2050),
		frame(1, 2000, { keyframe: true }),
		...run(1, 2100, 5000, 100),
	];
	const { fragments, error } = cut(videoOnly, frames);
	t.is(error, null);
	t.deepEqual(spans(fragments), ['0 to 4.9']);
});

test('fragments in which a track has no frame are joined', (t) => {
	const video = run(1, 0, 30_000, 40, 2000);
	const audio = [...run(2, 0, 6000, 20), ...run(2, 13_000, 30_000, 20)];
	const joined = cut(both, interleaved(0, video, audio));
	t.is(joined.error, null);
	t.true(spans(joined.fragments).includes('4 to 11.96'), spans(joined.fragments).join());
	t.is(received(both, joined.fragments).error, null);
	const sparse = cut(both, interleaved(0, video, run(2, 0, 30_000, 13_000)));
	t.is(sparse.error, null);
	t.is(received(both, sparse.fragments).error, null);
	t.true(sparse.fragments.length > 1);
});

test('the last fragment has every track too', (t) => {
	const { fragments, error } = cut(both, interleaved(0, run(1, 0, 4100, 20, 2000), run(2, 0, 3990, 20)));
	t.is(error, null);
	t.deepEqual(spans(fragments), ['0 to 1.98', '2 to 4.08']);
});

test('no fragment is shorter than a second, however many key frames there are', (t) => {
	const { fragments, error } = cut(videoOnly, run(1, 0, 5500, 100, 100));
	t.is(error, null);
	t.deepEqual(
		spans(fragments),
		['0 to 0.9', '1 to 1.9', '2 to 2.9', '3 to 3.9', '4 to 5.4'].slice(0, 4).concat('4 to 4.9', '5 to 5.4'),
	);
});

test('audio alone is cut every two seconds', (t) => {
	const { fragments, error } = cut(audioOnly, run(1, 0, 5000, 20));
	t.is(error, null);
	t.deepEqual(spans(fragments), ['0 to 1.98', '2 to 3.98', '4 to 4.98']);
});

test('time in which nothing was recorded is between two fragments', (t) => {
	const day = 86_400_000;
	const before = interleaved(0, run(1, 0, 4000, 40, 2000), run(2, 0, 4000, 20));
	const after = interleaved(0, run(1, day, day + 4000, 40, 2000), run(2, day - 10, day + 4000, 20));
	const { fragments, error } = cut(both, [...before, ...after]);
	t.is(error, null);
	t.is(fragments.length, 4);
	t.is(received(both, fragments).error, null);
});

test('a second video track is cut where the first one is', (t) => {
	const tracks = chosen([videoTrack, trackEntry(2, 'video', 'V_TEST')]);
	const second = run(2, 0, 8000, 40).map((one, index) => ({
		...one,
		// As B-frames come: each third one before the two that are shown before it.
		timeMs: one.timeMs + ([80, -40, -40][index % 3] as number),
	}));
	const video = run(1, 0, 8000, 40, 2000);
	const { fragments, error } = cut(
		tracks,
		[...video, ...second].toSorted((a, b) => a.timeMs - b.timeMs),
	);
	t.is(error, null);
	t.is(received(tracks, fragments).error, null);
	t.true(fragments.length >= 3);
});

test('fragments that the service would refuse are refused by name, after the valid ones', (t) => {
	const cases: [ReturnType<typeof cut>, RegExp, number][] = [
		[cut(videoOnly, run(1, 0, 30_000, 40, 25_000)), /no key frame of track 1 \(video, `V_TEST`\)/, 0],
		[cut(videoOnly, [...run(1, 0, 4000, 40, 2000), ...run(1, 4000, 30_000, 40, 60_000)]), /no key frame/, 2],
		[cut(both, run(1, 0, 30_000, 40, 2000)), /no frame of track 2 \(audio, `A_TEST`\) from 0\.000 s/, 0],
		[cut(both, interleaved(0, run(1, 0, 50_000, 40, 2000), run(2, 0, 10_000, 20))), /no frame of track 2/, 4],
		[cut(both, interleaved(0, run(1, 0, 10_000, 40, 2000), run(2, 0, 60_000, 20))), /no frame of track 1/, 4],
		[cut(videoOnly, run(1, 0, 10_000, 40, 2000), 1000), /more than 1000 bytes/, 0],
		[
			cut(videoOnly, [...run(1, 0, 5000, 40, 2000), frame(1, 100)]),
			/timestamps must increase between fragments/,
			2,
		],
		[cut(both, run(1, 0, 1000, 40, 1000)), /no frame of track 2/, 0],
		[cut(videoOnly, run(1, 0, 21_000, 40, 60_000)), /no key frame/, 0],
	];
	for (const [{ error, fragments }, message, count] of cases) {
		if (!(error instanceof MediaError)) throw t.fail(`no error like ${message}`);
		t.is(error.code, 'KVS_MEDIA_UNSUPPORTED');
		t.regex(error.message, message);
		t.is(fragments.length, count, error.message);
	}
});

test('tracks: only video and audio, at most three', (t) => {
	const subtitle = trackEntry(4, 'video', 'S_TEXT/UTF8').map((bytes) => Buffer.from(bytes));
	const entry = Buffer.concat(subtitle);
	// TrackType 17.
	entry[entry.indexOf(Buffer.of(0x83, 0x81)) + 2] = 17;
	const tracks = chosen([videoTrack, [entry]]);
	t.deepEqual(
		tracks.tracks.map(({ number }) => number),
		[1],
	);
	t.deepEqual(tracks.omissions, ['track 4 (subtitle, `S_TEXT/UTF8`) is left out']);
	t.throws(() => chosen([[entry]]), { message: /no track of video or audio among track 4/ });
	const many = [1, 2, 3, 4].map((number) => trackEntry(number, 'audio', 'A_TEST'));
	t.throws(() => chosen(many), { message: /^expected at most 3 tracks of video and audio, got 4 .* -map/ });
	t.notThrows(() => chosen(many.slice(1)));
});

/** Video with its key frames, B-frames and gaps as they come, and audio with gaps, in the order of a muxer. */
const media = fc
	.record({
		groups: fc.array(
			fc.record({
				frames: fc.integer({ min: 1, max: 40 }),
				stepMs: fc.constantFrom(20, 40, 100),
				gapMs: fc.oneof(
					{ weight: 5, arbitrary: fc.constant(0) },
					{ weight: 1, arbitrary: fc.nat({ max: 30_000 }) },
				),
				isReordered: fc.boolean(),
				isOpen: fc.boolean(),
			}),
			{ minLength: 1, maxLength: 30 },
		),
		audioStepMs: fc.constantFrom(20, 23, 500, 3000),
		audioLagMs: fc.constantFrom(-500, 0, 200, 2500),
		silences: fc.array(fc.record({ fromMs: fc.nat({ max: 60_000 }), lengthMs: fc.nat({ max: 12_000 }) }), {
			maxLength: 2,
		}),
		hasAudio: fc.boolean(),
	})
	.map(({ groups, audioStepMs, audioLagMs, silences, hasAudio }) => {
		const video: FeedFrame[] = [];
		let timeMs = 100_000;
		for (const { frames, stepMs, gapMs, isReordered, isOpen } of groups) {
			timeMs += gapMs;
			const keyMs = timeMs + (isOpen && video.length > 0 && gapMs === 0 ? 2 * stepMs : 0);
			video.push(frame(1, keyMs, { keyframe: true }));
			if (keyMs > timeMs) video.push(frame(1, timeMs), frame(1, timeMs + stepMs));
			timeMs = keyMs + stepMs;
			for (let index = 1; index < frames; index++) {
				const shiftMs =
					isReordered && index % 2 === 1 && index + 1 < frames
						? stepMs
						: isReordered && index % 2 === 0
							? -stepMs
							: 0;
				video.push(frame(1, timeMs + shiftMs));
				timeMs += stepMs;
			}
		}
		const audio = run(2, 100_000, timeMs, audioStepMs).filter(({ timeMs: at }) =>
			silences.every(({ fromMs, lengthMs }) => at < 100_000 + fromMs || at > 100_000 + fromMs + lengthMs),
		);
		// Video in the order of decoding, audio where its time and its lag put it.
		const frames: FeedFrame[] = [];
		let next = 0;
		for (const picture of video) {
			while (next < audio.length && (audio[next] as FeedFrame).timeMs + audioLagMs <= picture.timeMs) {
				frames.push(audio[next++] as FeedFrame);
			}
			frames.push(picture);
		}
		return hasAudio
			? { tracks: both, frames: [...frames, ...audio.slice(next)] }
			: { tracks: videoOnly, frames: video };
	});

testProp(
	'whatever is cut, the service takes it, and nothing is lost or doubled',
	[media],
	(t, { tracks, frames }) => {
		const { fragments, error } = cut(tracks, frames);
		t.true(
			error === null || (error instanceof MediaError && error.code === 'KVS_MEDIA_UNSUPPORTED'),
			String(error),
		);
		const given = fragments.flat();
		t.is(new Set(given).size, given.length, 'a frame in two fragments');
		if (error === null) t.is(given.length, frames.length);
		if (fragments.length === 0) return;
		const reading = received(tracks, fragments);
		t.is(reading.error, null);
		t.is(reading.fragments.length, fragments.length);
		for (const part of fragments) {
			const lead = part.find(({ trackNumber }) => trackNumber === 1);
			t.true(lead?.keyframe, 'a fragment does not begin at a key frame');
		}
	},
	{ numRuns: 250 },
);
