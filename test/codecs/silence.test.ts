import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { silentFrame } from '#lib/codecs/silence.js';
import type { TrackFields } from '#lib/model/track.js';
import { createMp4Muxer } from '#lib/muxing/mp4-muxer.js';
import { madeTrack, muxed, placedFrame } from '../helpers/media/muxing.js';
import { withFfmpeg } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

const aac = (channels: number): Partial<TrackFields> => ({
	codec: 'mp4a.40.2',
	sampleRate: 48_000,
	channels,
	codecPrivate: Buffer.of(0x11, 0x80 | (channels << 3)),
});
const silences: Record<string, { fields: Partial<TrackFields>; durationMs: number }> = {
	...Object.fromEntries(
		[1, 2, 3, 4, 5, 6].map((channels) => [
			`AAC of ${channels}`,
			{ fields: aac(channels), durationMs: 1024 / 48 },
		]),
	),
	Opus: { fields: { codecId: 'A_OPUS', codec: 'opus', sampleRate: 48_000, channels: 2 }, durationMs: 20 },
	PCM: { fields: { codec: 'pcm-s16', sampleRate: 11_025, channels: 2 }, durationMs: 221 / 11.025 },
	'µ-law': { fields: { codec: 'ulaw', sampleRate: 8000, channels: 1 }, durationMs: 20 },
	'A-law': { fields: { codec: 'alaw', sampleRate: 8000, channels: 1 }, durationMs: 20 },
};

for (const [name, { fields, durationMs }] of Object.entries(silences)) {
	withFfmpeg(`nothing is heard in the silence of ${name}`, async (t) => {
		const track = madeTrack(fields);
		const silent = silentFrame(track);
		t.is(silent?.durationMs.toFixed(6), durationMs.toFixed(6));
		if (silent === null) return;
		const frames = Array.from({ length: 10 }, (_, index) =>
			placedFrame(track, index * durationMs, silent.data, { durationMs }),
		);
		const file = join(await temporaryDirectory(t), 'silence.mov');
		await writeFile(
			file,
			await muxed((restored) => createMp4Muxer([track], { brand: 'mov' }, restored), [frames]),
		);
		const decoded = await run('ffmpeg', ['-nostdin', '-v', 'error', '-i', file, '-f', 's16le', '-']);
		t.deepEqual([decoded.code, decoded.stderr], [0, '']);
		// G.711 has no code for 0: its quietest is 8 of 32,768.
		const bytes = [...new Set(decoded.stdout)].map((character) => character.charCodeAt(0));
		t.deepEqual(bytes, name === 'A-law' ? [8, 0] : [0]);
		t.true(decoded.stdout.length >= 9 * durationMs * 2);
	});
}

test('no silence is made for unsupported codecs', (t) => {
	for (const fields of [
		{ codec: 'vorbis', sampleRate: 48_000, channels: 2 },
		{ codec: 'mp4a.40.5', sampleRate: 48_000, channels: 2 },
		aac(7),
		{ codec: 'opus', sampleRate: 48_000, channels: 6 },
		{ codec: 'opus' },
	]) {
		t.is(silentFrame(madeTrack(fields)), null);
	}
});
