import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import * as fc from 'fast-check';
import { MediaError } from 'kvs-archive';
import { ClipJoiner } from '#lib/clip/clip-joiner.js';
import { PartMedia } from '#lib/clip/part-media.js';
import { Mp4File } from '#lib/media-files/mp4/mp4-file.js';
import { decodeAll, frameHashes } from '../helpers/media/decoding.js';
import { makeRecording } from '../helpers/media/recordings.js';
import { withFfmpeg } from '../helpers/needs.js';
import { run, temporaryDirectory } from '../helpers/tools.js';
import { readClip } from '../server/clip/read-clip.js';
import { startPlayback, videoFragments } from '../server/playback/start-playback.js';

async function openPart(file: string): Promise<PartMedia & AsyncDisposable> {
	const handle = await open(file);
	try {
		const part = await PartMedia.open(await Mp4File.open(handle, (await handle.stat()).size));
		return Object.assign(part, { [Symbol.asyncDispose]: () => handle.close() });
	} catch (error) {
		await handle.close();
		throw error;
	}
}

async function joined(files: readonly string[]): Promise<Buffer> {
	const joiner = new ClipJoiner();
	const chunks: Uint8Array[] = [];
	for (const file of files) {
		await using part = await openPart(file);
		for await (const chunk of joiner.add(part)) chunks.push(chunk);
	}
	chunks.push(joiner.finish());
	return Buffer.concat(chunks);
}

const recorded = (seconds: number): string[] =>
	`-f lavfi -i testsrc2=s=160x120:r=25:d=${seconds} -f lavfi -i sine=d=${seconds}:r=44100 -c:v libx264 -preset ultrafast -g 25 -bf 2 -b_strategy 0 -c:a aac`.split(
		' ',
	);

const forms: Readonly<Record<string, readonly string[]>> = {
	'with their index at the end': [],
	'with their index in front': ['-movflags', 'faststart'],
	'that are fragmented': ['-movflags', 'frag_keyframe+empty_moov+default_base_moof'],
};

for (const [title, flags] of Object.entries(forms)) {
	withFfmpeg(
		`MP4 files of another writer ${title} are joined, with other bit rates in their headers`,
		async (t) => {
			const directory = await temporaryDirectory(t);
			const recordings = await Promise.all([4, 3].map((seconds) => makeRecording(recorded(seconds))));
			const files: string[] = [];
			for (const recording of recordings) {
				const file = join(directory, `${files.length}.mp4`);
				const { code, stderr } = await run('ffmpeg', [
					'-v',
					'error',
					'-i',
					recording,
					'-c',
					'copy',
					...flags,
					file,
				]);
				t.is(code, 0, stderr);
				files.push(file);
			}
			const file = join(directory, 'joined.mp4');
			await writeFile(file, await joined(files));
			const { code, stderr } = await decodeAll(file);
			t.deepEqual([code, stderr], [0, '']);
			const whole = await frameHashes(file);
			const sources = await Promise.all(recordings.map((recording) => frameHashes(recording)));
			t.deepEqual(
				whole.video,
				sources.flatMap(({ video }) => video),
			);
			t.deepEqual(
				whole.audio,
				sources.flatMap(({ audio }) => audio),
			);
		},
	);
}

test('a damaged clip is either joined or refused as malformed media', async (t) => {
	const { ingest, url } = await startPlayback(t);
	await ingest(videoFragments(2));
	const clip = await readClip(url);
	const file = join(await temporaryDirectory(t), 'x.mp4');
	const flip = fc.record({ at: fc.nat(clip.byteLength - 1), to: fc.integer({ min: 0, max: 255 }) });
	await fc.assert(
		fc.asyncProperty(
			fc.array(flip, { minLength: 1, maxLength: 5 }),
			fc.nat(clip.byteLength),
			async (flips, cut) => {
				const bytes = Buffer.from(clip.subarray(0, cut % 3 === 0 ? cut : clip.byteLength));
				for (const { at, to } of flips) if (at < bytes.byteLength) bytes[at] = to;
				await writeFile(file, bytes);
				try {
					await joined([file]);
				} catch (error) {
					t.true(error instanceof MediaError, String((error as Error).stack));
				}
			},
		),
		{ numRuns: 200 },
	);
});
