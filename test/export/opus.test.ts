import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { ExportOptions } from 'kvs-archive';
import { decodedPcm } from '../helpers/media/decoding.js';
import { startMs } from '../helpers/media/range.js';
import { testWith } from '../helpers/needs.js';
import { startArchive } from '../helpers/service/archive.js';
import { openArchive } from '../helpers/service/open-archive.js';
import { run, temporaryDirectory } from '../helpers/tools.js';

const range = { from: startMs, to: startMs + 60_000, by: 'producer' } as const;
async function exported(
	t: ExecutionContext,
	source: string,
	file: string,
	options?: ExportOptions,
): Promise<void> {
	const { endpoint } = await startArchive(t, { door: source });
	const archive = openArchive(t, endpoint);
	await archive.export(range, file, options);
}

testWith('ffmpeg')('pre-skip and discard padding of Opus are kept by an export, to the sample', async (t) => {
	const directory = await temporaryDirectory(t);
	const source = join(directory, 'source.mkv');
	const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=3:sample_rate=48000'];
	t.is((await run('ffmpeg', ['-v', 'error', ...tone, '-c:a', 'libopus', source])).code, 0);
	const expected = await decodedPcm(source);
	t.is(expected.byteLength, 2 * 3 * 48_000);
	for (const name of ['a.mkv', 'b.webm']) {
		await exported(t, source, join(directory, name));
		t.true((await decodedPcm(join(directory, name))).equals(expected), name);
	}
	for (const [name, options] of [
		['c.mp4', {}],
		['d.mp4', { faststart: true }],
		['e.mov', {}],
		['f.m4a', {}],
	] as const) {
		const file = join(directory, name);
		await exported(t, source, file, options);
		// ffmpeg plays the last frame of an MP4 whole, also of those that it wrote itself.
		t.true((await decodedPcm(file)).subarray(0, expected.byteLength).equals(expected), name);
		await exported(t, file, `${file}.mkv`);
		t.true((await decodedPcm(`${file}.mkv`)).equals(expected), `${name}, and back`);
	}
});
