import { fc, testProp } from '@fast-check/ava';
import type { Frame } from '#lib/model/media-event.js';
import type { Track } from '#lib/model/track.js';
import { WholeSamples } from '#lib/muxing/whole-samples.js';
import { madeTrack } from '../helpers/media/muxing.js';

const codecs = [
	['pcm-u8', 1],
	['pcm-s16', 2],
	['pcm-s24', 3],
	['pcm-f32', 4],
	['ulaw', 1],
] as const;

function block(track: Track, data: Uint8Array): Frame {
	const withData = (bytes: Uint8Array): Frame => block(track, bytes);
	return { type: 'frame', track, timestampMs: 0, data, withData } as unknown as Frame;
}

testProp(
	'however the bytes of two tracks are divided into blocks, exactly the whole samples come out, in order',
	[
		fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 12 })), { maxLength: 60 }),
		fc.constantFrom(...codecs),
		fc.integer({ min: 1, max: 3 }),
	],
	(t, sizes, [codec, bytesPerSample], channels) => {
		const tracks = [1, 2].map((number) => madeTrack({ number, codec, channels, sampleRate: 8000 }));
		const sampleBytes = channels * bytesPerSample;
		const came: number[][] = [[], []];
		const left: number[][] = [[], []];
		let samples = new WholeSamples();
		let next = 0;
		for (const [isSecond, size] of sizes) {
			const bytes = Uint8Array.from({ length: size }, () => next++ % 256);
			const index = Number(isSecond);
			came[index]?.push(...bytes);
			// What is held is plain JSON: another goes on from there.
			samples = new WholeSamples(JSON.parse(JSON.stringify(samples.state())));
			for (const { track, data } of samples.of([block(tracks[index] as Track, bytes)])) {
				t.is(data.byteLength % sampleBytes, 0);
				left[track.number - 1]?.push(...data);
			}
		}
		const whole = came.map((bytes) => bytes.slice(0, bytes.length - (bytes.length % sampleBytes)));
		t.deepEqual(left, whole);
	},
);
